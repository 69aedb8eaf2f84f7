"""What a passphrase must be like, so that it protects the disk and can be typed and sent at every prompt. Pure."""

from __future__ import annotations

SHORTEST = 12
"""Characters. Argon2id makes each guess dear; it can't make a short passphrase long."""
LONGEST = 512
"""Bytes: as many as cryptsetup reads from a terminal."""


def problem(passphrase: object) -> str:
    """What is wrong with a new passphrase, without naming a character of it; empty where nothing is."""
    if passphrase is None or passphrase == "":
        return "the passphrase is empty"
    if not isinstance(passphrase, str):
        # 0123… would be another one, written as an octal number.
        return (
            "the passphrase is a number or a list to YAML, and not what is written there: put it into quotes"
        )
    if not passphrase.strip():
        return "the passphrase is empty"
    if len(passphrase) < SHORTEST:
        return f"the passphrase has {len(passphrase)} characters; it must have at least {SHORTEST}"
    if len(passphrase.encode()) > LONGEST:
        return f"the passphrase has more than {LONGEST} bytes"
    if not passphrase.isprintable():
        return "the passphrase has a line break, a tab or another character that nobody can see"
    if passphrase != passphrase.strip():
        return "the passphrase begins or ends with a blank, which prompts take away"
    return ""
