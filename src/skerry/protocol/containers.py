"""What is asked about containers, and how it is answered."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import AfterValidator, Field, StringConstraints

from skerry.model.base import Frozen
from skerry.model.container import ContainerKey, Name, Secret, Spec
from skerry.model.copies import Copied
from skerry.model.program import check_command, check_env, check_path, check_user
from skerry.model.snapshot import SnapshotName
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


class _OneContainer(Frozen):
    container: ContainerKey


Grace = Annotated[
    float | None,
    Field(
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds its program has to end by itself this time, in place of the container's own grace.",
    ),
]


class _Starts(_OneContainer):
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


class Rename(_OneContainer, Change):
    """Give a container another name. Id, URL and files stay, and the options of others name it so."""

    verb: Literal["rename"]
    new_name: Annotated[Name, Field(description="What it is to be called.")]


class Start(_Starts, Change):
    """Start a container."""

    verb: Literal["start"]


class Stop(_OneContainer, Change):
    """Stop a container."""

    verb: Literal["stop"]
    grace: Grace = None


class Freeze(_OneContainer, Change):
    """Hold every process of a container where it is; it keeps its memory and takes no processor."""

    verb: Literal["freeze"]


class Thaw(_OneContainer, Change):
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


class Delete(_OneContainer, Change):
    """Delete a container and all its files."""

    verb: Literal["delete"]


class Export(_OneContainer, Change):
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


class Import(_OneContainer, Change):
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


class Info(_OneContainer, Request):
    """Tell all about one container."""

    verb: Literal["info"]
    show_env: ShowEnv = False


_Owner = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,5}(:[0-9]{1,5})?$")]
_Mode = Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$")]
_Path = Annotated[str, StringConstraints(pattern=r"^/"), AfterValidator(check_path)]


class _Runs(_OneContainer):
    user: Annotated[
        str | None,
        AfterValidator(check_user),
        Field(description="User to run it as, by name or number; with a colon, the group as well."),
    ] = None
    workdir: Annotated[_Path | None, Field(description="Folder in the container to run it in.")] = None
    env: Annotated[
        dict[str, str],
        AfterValidator(check_env),
        Field(repr=False, description="Variables besides those that the container's own program has."),
        Secret(),
    ] = {}


class Exec(_Runs, Request):
    """Run a program in a container that runs: what stands after '--'."""

    verb: Literal["exec"]
    command: Annotated[
        list[str], AfterValidator(check_command), Field(description="Program and arguments to run.")
    ]


class Shell(_Runs, Request):
    """Open a shell in a container: bash, or sh where there is none."""

    verb: Literal["shell"]


class Ticket(TypedDict):
    """The answer to ``exec`` and ``shell``: what a client needs to start the program itself.

    Attributes:
        id: the container.
        run: folder with what its own program was started with.
        command: program and arguments.
        env: variables besides those of its own program.
        user: whom to run it as; null for the user of its own program.
        workdir: folder to run it in; null for that of its own program.
    """

    id: str
    run: str
    command: list[str]
    env: dict[str, str]
    user: str | None
    workdir: str | None


class Get(_OneContainer, Request):
    """Write a file of a container to standard output; a folder as a tar archive."""

    verb: Literal["get"]
    path: Annotated[_Path, Field(description="Absolute path in the container.")]


class Put(_OneContainer, Request):
    """Write standard input to a file of a container, whole or not at all."""

    verb: Literal["put"]
    path: Annotated[_Path, Field(description="Absolute path in the container; a link there is replaced.")]
    owner: Annotated[
        _Owner | None,
        Field(description="Number of its user; with a colon, of its group as well. A new file is root's."),
    ] = None
    mode: Annotated[
        _Mode | None, Field(description="Permissions in octal, such as 0640. A new file has 0644.")
    ] = None


class Place(TypedDict):
    """The answer to ``get`` and ``put``: what a client needs to reach the file itself.

    Attributes:
        id: the container.
        pid: a process of it.
        uid_base: the user of this host that is its root.
        path: the file.
        owner: whose it shall be.
        mode: its permissions.
    """

    id: str
    pid: int
    uid_base: int
    path: str
    owner: str | None
    mode: str | None


_Moment = Annotated[str, StringConstraints(pattern=r"^[-+A-Za-z0-9@][A-Za-z0-9 :.+-]{0,63}$")]


class Logs(_OneContainer, Request):
    """Show what a container's program has written."""

    verb: Literal["logs"]
    follow: Annotated[bool, Field(description="Go on with what it writes from now on.")] = False
    lines: Annotated[
        int, Field(ge=0, le=1_000_000, description="Newest lines to show; 0 for only those to come.")
    ] = 100
    since: Annotated[
        _Moment | None,
        Field(description="Only what is newer, such as 10m for ten minutes ago, today, or 2026-11-29 08:00."),
    ] = None
    until: Annotated[_Moment | None, Field(description="Only what is older.")] = None


class Log(TypedDict):
    """The answer to ``logs``: where a client finds the lines.

    Attributes:
        unit: the unit that wrote them.
        namespace: the namespace of the journal, that of its realm.
        follow: whether to go on with new ones; ``lines``, ``since`` and ``until`` say which ones are asked for.
    """

    unit: str
    namespace: str
    follow: bool
    lines: int
    since: str | None
    until: str | None


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
        *(Export, Import, Ensure, Exec, Shell, Connect, Logs, Get, Put, Info, List, Stats, Top),
    ),
    ("name", "project", "state", "url", "memory", "cpu", "pids", "image", "ipv4"),
    plain=True,
)
