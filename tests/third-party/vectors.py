"""Lays the golden vectors out for the verifiers: `vectors.py VECTORS OUT` writes OUT/good and OUT/bad (see README.md).

Bad vectors whose signatures are right (a gap, a wrong noise level) are not for these verifiers: they judge signatures only.
"""

import sys
import tomllib
from pathlib import Path

BAD_SIGNATURES = {"bad_signature", "bad_key", "bad_key_revoke_signature", "bad_receipt_altered", "bad_receipt_other_log"}
FILES = {"envelope": "envelope.json", "public_key": "public_key", "receipt": "receipt", "verifier": "verifier", "pae": "pae"}


def main() -> None:
    vectors, out = Path(sys.argv[1]), Path(sys.argv[2])
    cases = {file.stem: tomllib.loads(file.read_text()) for file in vectors.glob("*.toml")}
    missing = BAD_SIGNATURES - cases.keys()
    if missing:
        sys.exit(f"vectors are missing: {', '.join(sorted(missing))}")
    for case, fields in cases.items():
        if case in BAD_SIGNATURES:
            folder = out / "bad" / case
        elif not case.startswith("bad_") and {"envelope", "receipt"} & fields.keys():
            folder = out / "good" / case
        else:
            continue
        folder.mkdir(parents=True)
        for field, name in FILES.items():
            if field in fields:
                (folder / name).write_text(fields[field])


main()
