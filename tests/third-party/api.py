"""Asks a server everything that its own OpenAPI document allows, and much that it does not, with schemathesis.

api.py NAME URL CA [PERSON:SECRET]

NAME stands in the lines of the outcome, URL is the server's address, CA the file of the authority that it is believed by;
PERSON:SECRET signs in by HTTP Basic where the interface asks for it. The cases are the same in every run.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from check import check, finish

EXAMPLES = 60  # of each operation and phase
SETTINGS = Path(__file__).with_name("schemathesis.toml")


def main(name: str, url: str, ca: str, auth: str | None) -> None:
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        command = [
            *[str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(SETTINGS)],
            *["run", f"{url}/openapi.json"],
            *["--url", url, "--tls-verify", ca],
            *["--checks", "all", "--mode", "all", "--phases", "examples,coverage,fuzzing,stateful"],
            *["--max-examples", str(EXAMPLES), "--seed", "1", "--generation-deterministic"],
            *["--generation-allow-x00", "true"],
            *["--continue-on-failure", "--no-shrink", "--no-color", "--request-timeout", "30"],
            *["--report", "json", "--report-json-path", str(report)],
            *(["--auth", auth] if auth else []),
        ]
        # Its cache is kept in the directory in which it runs.
        run = subprocess.run(command, cwd=directory, capture_output=True, text=True)
        sound = run.returncode == 0 and report.exists()
        if not sound:
            print(run.stdout, run.stderr, file=sys.stderr)
        check(f"{name}: no check of schemathesis fails", sound)


if __name__ == "__main__":
    main(*sys.argv[1:4], sys.argv[4] if len(sys.argv) > 4 else None)
    finish()
