"""Secrets at rest: systemd's credentials, encrypted with the host's key (systemd-creds(1)).

The key, /var/lib/systemd/credential.secret, lies on the host's encrypted root. Without it nothing can be read any more.
"""

from skerry.host.run import run_bytes
from skerry.model.errors import Code, SkerryError

_PROGRAM = "systemd-creds"


def seal(name: str, value: bytes) -> bytes:
    """Encrypt a value, which only a credential of that name can be decrypted to.

    Raises:
        SkerryError: the host could not.
    """
    try:
        return run_bytes([_PROGRAM, "encrypt", "--with-key=host", f"--name={name}", "-", "-"], value)
    except SkerryError as error:
        raise SkerryError(
            Code.HOST,
            f"a secret could not be encrypted: {error.message}",
            "Run 'systemd-creds setup' on the host",
        ) from error


def unseal(name: str, sealed: bytes) -> bytes:
    """The value that :func:`seal` encrypted.

    Raises:
        SkerryError: it was changed, bears another name, or the host's key is another one now.
    """
    try:
        return run_bytes([_PROGRAM, "decrypt", f"--name={name}", "-", "-"], sealed)
    except SkerryError as error:
        raise SkerryError(
            Code.HOST,
            "the stored value of a secret cannot be decrypted; the host's key is not the one that encrypted it",
            "Give the secret its value again, with 'skerry secret set'",
        ) from error
