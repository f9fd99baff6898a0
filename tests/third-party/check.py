"""Prints the outcome of checks, one line each, and remembers whether any failed."""

import sys

failed = False


def check(name: str, holds: bool) -> None:
    global failed
    failed |= not holds
    print("ok" if holds else "not ok", name)


def finish() -> None:
    sys.exit(1 if failed else 0)
