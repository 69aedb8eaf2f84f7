"""Encryption for those who are elsewhere: age, of Debian's package. The host never has a key that decrypts."""

from collections.abc import Sequence

from skerry.host.run import ProgramError, run_bytes
from skerry.model.errors import Code, SkerryError

PROGRAM = "/usr/bin/age"


def command(recipients: Sequence[str]) -> tuple[str, ...]:
    """The program that encrypts its standard input for some public keys."""
    return (PROGRAM, "--encrypt", *(word for one in recipients for word in ("--recipient", one)))


def check(recipients: Sequence[str]) -> None:
    """Refuse what is no public key.

    Raises:
        SkerryError: names it; or age is not there.
    """
    for one in recipients:
        try:
            run_bytes(command([one]), b"")
        except ProgramError as error:
            if error.status == 127:
                raise SkerryError(
                    Code.HOST, "age is not installed on this host", "Bring the host up to date (site.yml)"
                ) from error
            raise SkerryError(
                Code.INVALID,
                f"recipients: {one} is no public key of age: a character of it is wrong",
                "Give it as age-keygen prints it, or 'age-keygen -y' of the file with the secret key",
            ) from error
