"""What a build must not share: the seed of the structures' layout, and a signing key that somebody pinned."""

import re
import secrets
import shutil
from pathlib import Path

from skerry_base.core.errors import SkerryError
from skerry_base.core.files import write_whole

_SEED, _KEY = "randstruct.seed", "signing.pem"


def new_seed() -> str:
    """A seed that nobody knows."""
    return secrets.token_hex(32)


def read_seed(path: Path) -> str:
    """A seed from a file.

    Raises:
        SkerryError: the file is not there, or holds no seed.
    """
    text = _read(path, "seed").strip()
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise SkerryError(f"{path}: a seed is 64 lowercase hex digits; `openssl rand -hex 32` makes one")
    return text


def kept_seed(path: Path) -> str:
    """The seed of this user's lab kernels, made once: a compiler's cache is worth nothing without it."""
    if not path.exists():
        write_whole(path, new_seed(), mode=0o600)
    return read_seed(path)


def check_key(path: Path) -> None:
    """Whether a file holds a private key and its certificate.

    Raises:
        SkerryError: it does not.
    """
    text = _read(path, "signing key")
    if "-----BEGIN ENCRYPTED PRIVATE KEY-----" in text or "Proc-Type: 4,ENCRYPTED" in text:
        raise SkerryError(f"{path}: its private key asks for a passphrase, and nobody is there to type it")
    for part, pattern in (
        ("private key", r"-----BEGIN (\w+ )?PRIVATE KEY-----"),
        ("certificate", "-----BEGIN CERTIFICATE-----"),
    ):
        if not re.search(pattern, text):
            raise SkerryError(f"{path}: no {part} in it; a signing key is both, as PEM, in one file")


def lay_out(private: Path, seed: str, key: Path | None) -> None:
    """Put them where the sandbox takes them from; a seed that is there already stays, so that a build goes on."""
    private.mkdir(mode=0o700, exist_ok=True)
    there = private / _SEED
    if not there.exists():
        there.touch(mode=0o600)
        there.write_text(seed, encoding="ascii")
    if key:
        (private / _KEY).touch(mode=0o600)
        shutil.copyfile(key, private / _KEY)


def laid_out_seed(private: Path) -> str:
    """The seed that is in force."""
    return (private / _SEED).read_text(encoding="ascii")


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SkerryError(f"{path}: this {what} can't be read: {error}") from error
