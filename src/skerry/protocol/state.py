"""What is asked about all that a host remembers, and how it is answered."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import Field, StringConstraints

from skerry.model.container import Secret
from skerry.protocol.core import Change, FifoName, Request, Resource, Stream

Recipient = Annotated[str, StringConstraints(pattern=r"^age1[02-9ac-hj-np-z]{58}$")]


class StateBackup(Change):
    """Write all that the host remembers, encrypted, into an archive: FILE, or standard output. No files of containers."""

    verb: Literal["state_backup"]
    recipients: Annotated[
        list[Recipient],
        Field(
            min_length=1,
            max_length=20,
            description="Public key that can read it, as age-keygen prints it: age1 and 58 characters.",
        ),
    ]
    stream: Annotated[
        FifoName,
        Field(
            description="The archive. A file must not exist yet; without one, or with -, it is standard output."
        ),
        Stream("out"),
    ] = ""


class StateRestore(Change):
    """Make the host the one of a backup, decrypted by age: FILE, or standard input. Its ids and URLs are those of then."""

    verb: Literal["state_restore"]
    stream: Annotated[
        FifoName,
        Field(
            description="The archive that 'state backup' wrote, decrypted; without one, or with -, it is standard input."
        ),
        Stream("in", head="manifest"),
    ] = ""
    manifest: Annotated[str, Field(repr=False), Secret()]
    replace: Annotated[
        str,
        Field(
            max_length=253,
            description="The domain of the host, as 'status' shows it, where all that it remembers now shall be forgotten. "
            "One without containers, volumes and secrets needs no such word.",
        ),
    ] = ""


class StateRecover(Change):
    """Rebuild what the host does not remember any more from what stands beside the files in its pool. Deletes nothing."""

    verb: Literal["state_recover"]


class StateInfo(Request):
    """Tell what the host remembers, which files of it are not there, and what 'state recover' would rebuild."""

    verb: Literal["state_info"]


class OneState(TypedDict):
    """The answer to ``state_info``: names of all there is.

    ``missing`` has what has no files, with what brings them. ``recoverable`` has what the pool has files of and the host
    does not remember, with the reason where it cannot be rebuilt.
    """

    state: dict[str, Any]


RESOURCE = Resource("state", 1, (StateBackup, StateRestore, StateRecover, StateInfo))
