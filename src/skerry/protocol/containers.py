"""What is asked about containers, and how it is answered."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import Field

from skerry.model.base import Frozen
from skerry.model.container import Name, Secret, Spec
from skerry.model.copies import Copied
from skerry.model.snapshot import SnapshotName
from skerry.protocol.access import AboutContainer, Exec, ExecStream, Get, Logs, LogsStream, Put, Shell
from skerry.protocol.connect import Connect
from skerry.protocol.core import (
    Change,
    FifoName,
    Listing,
    OptionsOf,
    Request,
    Resource,
    Seconds,
    ShowEnv,
    Stream,
)

Grace = Annotated[
    float | None,
    Field(
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds its program has to end by itself this time, in place of the container's own grace.",
    ),
]


class _Starts(AboutContainer):
    wait: Annotated[Literal["running", "ready"], Field(description="What to wait for.")] = "ready"
    timeout: Annotated[Seconds, Field(description="Seconds to wait for it.")] = 30.0


class Create(_Starts, Change):
    """Make a container that must not exist yet."""

    verb: Literal["create"]
    spec: Spec
    start: bool = True


class _Copies(Frozen):
    source: Annotated[
        Copied, Field(description="What is copied: NAME, or NAME@SNAPSHOT for its files as they were then.")
    ]


class Copy(_Starts, _Copies, Change):
    """Make a container with the files and options of another one. What is named is another option."""

    verb: Literal["copy"]
    spec: Annotated[dict[str, Any], OptionsOf(Spec)] = {}
    start: bool = True


class Rename(AboutContainer, Change):
    """Give a container another name. Id, URL and files stay, and the options of others name it so."""

    verb: Literal["rename"]
    new_name: Annotated[Name, Field(description="What it is to be called.")]


class Start(_Starts, Change):
    """Start a container."""

    verb: Literal["start"]


class Stop(AboutContainer, Change):
    """Stop a container."""

    verb: Literal["stop"]
    grace: Grace = None


class Freeze(AboutContainer, Change):
    """Hold every process of a container where it is; it keeps its memory and takes no processor."""

    verb: Literal["freeze"]


class Thaw(AboutContainer, Change):
    """Let a frozen container go on."""

    verb: Literal["thaw"]


class Restart(_Starts, Change):
    """Stop a container and start it again."""

    verb: Literal["restart"]
    grace: Grace = None


DiscardRoot = Annotated[
    bool,
    Field(
        description="Let another image have a fresh root, though the container wrote files to the one that it has, and to "
        "no volume. They are kept for a rollback."
    ),
]


class Update(_Starts, Change):
    """Change options of a container; what is not named stays. Another image restarts it, with a fresh root."""

    verb: Literal["update"]
    spec: Annotated[dict[str, Any], OptionsOf(Spec)]
    grace_now: Grace = None
    discard_root: DiscardRoot = False


class Rollback(_Starts, Change):
    """Go back to an earlier root of a container, with its image."""

    verb: Literal["rollback"]
    image: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=71,
            description="The image to go back to, by its name or sha256: and its digest. "
            "Where it is not given, the last one.",
        ),
    ] = None
    grace: Grace = None


class Delete(AboutContainer, Change):
    """Delete a container and all its files."""

    verb: Literal["delete"]


class Export(AboutContainer, Change):
    """Write a container, its options and its own files of one moment, into a tar archive: FILE, or standard output."""

    verb: Literal["export"]
    stream: Annotated[
        FifoName,
        Field(
            description="The archive. A file must not exist yet; without one, or with -, it is standard output."
        ),
        Stream("out"),
    ] = ""
    snapshot: Annotated[
        SnapshotName | None,
        Field(description="The snapshot of it whose files are written. Without one, those of now."),
    ] = None


class Import(AboutContainer, Change):
    """Make a container, which is not started, of an archive that 'export' wrote: FILE, or standard input."""

    verb: Literal["import"]
    stream: Annotated[
        FifoName,
        Field(description="The archive that 'export' wrote; without one, or with -, it is standard input."),
        Stream("in", head="manifest"),
    ] = ""
    manifest: Annotated[str, Field(repr=False), Secret()]
    spec: Annotated[dict[str, Any], OptionsOf(Spec)] = {}


class Ensure(_Starts, Change):
    """Bring a container to a state, whatever it is in now: what the Ansible module asks for."""

    verb: Literal["ensure"]
    state: Literal["present", "started", "frozen", "stopped", "restarted", "absent"]
    spec: Annotated[dict[str, Any], OptionsOf(Spec)] = {}
    create: Annotated[
        bool,
        Field(description="Make it where it does not exist. Otherwise it must exist, or the request fails."),
    ] = True
    copy_of: Annotated[
        Copied | None,
        Field(
            description="A container of the same project, or NAME@SNAPSHOT, whose files and options it has where it is "
            "made. One that exists stays as it is."
        ),
    ] = None
    renamed_from: Annotated[
        Name | None,
        Field(
            description="What it was called before. Where none of its own name exists, that one gets the name, and keeps "
            "id, URL and files."
        ),
    ] = None
    grace_now: Grace = None
    discard_root: DiscardRoot = False


class Info(AboutContainer, Request):
    """Tell all about one container."""

    verb: Literal["info"]
    show_env: ShowEnv = False


class List(Listing):
    """Tell about every container, or those of one realm or project."""

    verb: Literal["list"]


class Stats(Listing):
    """Tell what containers use of their limits, measured for a moment."""

    verb: Literal["stats"]
    interval: Annotated[
        float,
        Field(ge=0.1, le=60, allow_inf_nan=False, description="Seconds to measure."),
    ] = 1.0


class Top(Stats):
    """Show what containers use of their limits, again and again, the busiest first."""

    verb: Literal["top"]  # type: ignore[assignment]


class Usage(TypedDict):
    """The answer to ``stats``: of each container its limits and what it uses; null where the kernel does not count it.

    ``cpu_used`` and ``cpu`` are processors; ``memory…`` and ``disk…`` bytes; ``pids…`` processes and threads.
    """

    stats: list[dict[str, Any]]


class OneContainer(TypedDict):
    """The answer to ``info``: the container, and whether it waits for a restart (``restart_pending``) and why; as ``list``.

    ``restart_reasons``: ``options`` changed since it started, or an older Skerry started it, whose launcher it has.
    """

    container: dict[str, Any]


class Containers(TypedDict):
    """The answer to ``list``."""

    containers: list[dict[str, Any]]


RESOURCE = Resource(
    "container",
    1,
    (
        *(Create, Start, Stop, Freeze, Thaw, Restart, Update, Rollback, Copy, Rename, Delete),
        *(
            Export,
            Import,
            Ensure,
            Exec,
            ExecStream,
            Shell,
            Connect,
            Logs,
            LogsStream,
            Get,
            Put,
            Info,
            List,
            Stats,
            Top,
        ),
    ),
    ("name", "project", "state", "url", "memory", "cpu", "pids", "image", "ipv4"),
    plain=True,
)
