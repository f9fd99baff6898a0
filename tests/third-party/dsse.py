"""Verifies envelopes with securesystemslib: `dsse.py accept|refuse FOLDER` (see README.md)."""

import base64
import copy
import hashlib
import json
import sys
from pathlib import Path

from check import check, finish
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey


def verifies(envelope: dict, key: SSlibKey) -> bool:
    try:
        return len(Envelope.from_dict(copy.deepcopy(envelope)).verify([key], 1)) == 1
    except VerificationError:
        return False


def flipped(text: str) -> str:
    """The same base64 text with one bit of its last byte changed."""
    raw = bytearray(base64.b64decode(text))
    raw[-1] ^= 1
    return base64.b64encode(raw).decode()


def altered(envelope: dict):
    """The envelope with its body, its type and its signature changed, one at a time."""
    for field in ("payload", "payloadType", "sig"):
        other = copy.deepcopy(envelope)
        if field == "payload":
            other["payload"] = flipped(other["payload"])
        elif field == "payloadType":
            other["payloadType"] += "x"
        else:
            other["signatures"][0]["sig"] = flipped(other["signatures"][0]["sig"])
        yield field, other


def main() -> None:
    wanted, folder = sys.argv[1] == "accept", Path(sys.argv[2])
    files = sorted(folder.glob("*/envelope.json"))
    check(f"securesystemslib: {folder.name} holds envelopes", bool(files))
    for file in files:
        name = f"securesystemslib: {folder.name}/{file.parent.name}"
        envelope = json.loads(file.read_bytes())
        public = (file.parent / "public_key").read_text().strip()
        key_id = hashlib.sha256(bytes.fromhex(public)).hexdigest()
        key = SSlibKey(key_id, "ed25519", "ed25519", {"public": public})
        check(f"{name} {'verifies' if wanted else 'is refused'}", verifies(envelope, key) == wanted)
        if wanted:
            for field, other in altered(envelope):
                check(f"{name} with another {field} is refused", not verifies(other, key))
    finish()


main()
