"""An encrypted volume: read its header, try secrets on it, carry out steps that change its keys.

Secrets go to cryptsetup by standard input only: never into an argument, an environment or a file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ...core.errors import SkerryError
from ...core.run import CommandError, run, run_or_empty
from ..layers import root_layers
from .keys import Add, Forget, Prove, Remove, Step, Write
from .model import NOTE, Header, Note, Secret, Slot, parse

_SLOW = 900.0
"""Seconds: deriving a key takes minutes under emulation, and every slot is tried."""
NO_KEY = 2
"""cryptsetup's exit code where no slot fits."""
_MEMORY = 64 * 1024
"""KiB for a key that replaces one of another kind than Argon2."""


def root_volume() -> str:
    """The device that holds the running system's encrypted root.

    Raises:
        SkerryError: it is not encrypted.
    """
    layers = root_layers(Path("/"))
    luks = next((layer for layer in layers if layer.is_luks), None)
    if luks is None:
        raise SkerryError(
            "the root of the running system is not encrypted", "In a rescue system, name the device."
        )
    return f"/dev/{luks.name}"


def read(device: str) -> Header:
    """The header on a device, or in a backup of one.

    Raises:
        SkerryError: there is none.
    """
    if not Path(device).exists():
        raise SkerryError(
            f"there is no {device}", "`lsblk --output PATH,PARTLABEL,FSTYPE` shows what there is."
        )
    try:
        return parse(run(["cryptsetup", "luksDump", "--dump-json-metadata", device]))
    except CommandError as error:
        if error.code != 1:
            raise
        raise SkerryError(
            f"{device} holds no LUKS2 header",
            "If it should: playbooks/keys/restore.yml puts a backup of it back.",
        ) from error


def uuid(device: str) -> str:
    """The volume's UUID; empty where there is no header that can be read."""
    return run_or_empty(["cryptsetup", "luksUUID", device]).strip()


def opens(device: str, secret: str) -> int | None:
    """The number of the slot that a secret opens; None: it opens none, as an empty one does. Nothing is opened.

    Raises:
        CommandError: it could not be tried.
    """
    if not secret:
        return None
    words = ["cryptsetup", "open", "--test-passphrase", "--verbose", "--key-file", "-", device]
    try:
        said = run(words, stdin=secret, timeout=_SLOW)
    except CommandError as error:
        if error.code != NO_KEY:
            raise
        return None
    numbers = [line.split()[2] for line in said.splitlines() if line.startswith("Key slot ")]
    return int(numbers[0])


def carry_out(device: str, steps: Sequence[Step], secrets: dict[Secret, str]) -> None:
    """Carry out steps that `keys` decided for the header as it is now, in order.

    Raises:
        SkerryError: one failed; those after it were left.
    """
    for step in steps:
        try:
            _carry_out(device, step, secrets)
        except CommandError as error:
            raise SkerryError(
                f"could not {step}: {error}", "What was done before it stays; run it again."
            ) from error


def _carry_out(device: str, step: Step, secrets: dict[Secret, str]) -> None:
    match step:
        case Add():
            _add(device, step, secrets)
        case Prove():
            words = ["open", "--test-passphrase", "--key-slot", str(step.slot), "--key-file", "-"]
            run(["cryptsetup", *words, device], stdin=secrets[step.secret], timeout=_SLOW)
        case Write():
            over = ["--token-replace"] if step.over else []
            words = ["token", "import", "--token-id", str(step.note.token), *over, "--json-file", "-"]
            run(["cryptsetup", *words, device], stdin=_text(step.note))
        case Remove():
            # cryptsetup, too, sees that the secret opens another slot before it destroys this one.
            words = ["luksKillSlot", "--key-file", "-", device, str(step.slot)]
            run(["cryptsetup", *words], stdin=secrets[step.proof], timeout=_SLOW)
        case Forget():
            run(["cryptsetup", "token", "remove", "--token-id", str(step.token), device])


def _add(device: str, step: Add, secrets: dict[Secret, str]) -> None:
    words = ["luksAddKey", "--batch-mode", "--new-key-slot", str(step.slot), *_costs(step.like), device]
    # It reads a line for each: which is why no secret may have a line break.
    run(["cryptsetup", *words], stdin=f"{secrets[Secret.GIVEN]}\n{secrets[Secret.NEW]}\n", timeout=_SLOW)


def _costs(like: Slot) -> list[str]:
    """As dear as the other key, which was measured on the idle machine, with the memory that is free when it unlocks."""
    if like.kdf != "argon2id":
        return ["--pbkdf", "argon2id", "--pbkdf-memory", str(_MEMORY)]
    rounds = ["--pbkdf-force-iterations", str(like.rounds), "--pbkdf-parallel", str(like.lanes)]
    return ["--pbkdf", "argon2id", "--pbkdf-memory", str(like.memory), *rounds]


def _text(note: Note) -> str:
    said = {"type": NOTE, "keyslots": [str(note.slot)], "name": note.name}
    return json.dumps(said | ({"replaces": note.replaces} if note.replaces else {}))
