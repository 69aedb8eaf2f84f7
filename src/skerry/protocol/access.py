"""What is asked about the inside of a container that runs: programs, files, logs; and how it is answered."""

from typing import Annotated, ClassVar, Literal, TypedDict

from pydantic import AfterValidator, Field, StringConstraints

from skerry.model.base import Frozen
from skerry.model.container import ContainerKey, Secret
from skerry.model.program import check_command, check_env, check_path, check_user
from skerry.protocol.core import Request


class AboutContainer(Frozen):
    """What names a container."""

    container: ContainerKey


_Owner = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,5}(:[0-9]{1,5})?$")]
_Mode = Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$")]
_Path = Annotated[str, StringConstraints(pattern=r"^/"), AfterValidator(check_path)]


class Runs(AboutContainer, Request):
    """What is to be run, and how."""

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


class Exec(Runs):
    """Run a program in a container that runs: what stands after '--'."""

    verb: Literal["exec"]
    command: Annotated[
        list[str], AfterValidator(check_command), Field(description="Program and arguments to run.")
    ]


class Shell(Runs):
    """Open a shell in a container: bash, or sh where there is none."""

    verb: Literal["shell"]


class Terminal(Frozen):
    """The size of a terminal."""

    rows: Annotated[int, Field(ge=1, le=1000)]
    columns: Annotated[int, Field(ge=1, le=1000)]


class ExecStream(Runs):
    """Run a program in a container for a client that may reach nothing on the host: it gets the program's own streams."""

    for_people: ClassVar[bool] = False
    verb: Literal["exec_stream"]
    command: Annotated[list[str], AfterValidator(check_command)] | None = None  # a shell
    terminal: Terminal | None = None


class Ended(TypedDict):
    """The answer to ``exec_stream``, after one line ``started`` with the descriptors that it names, in their order.

    ``stdin``, ``stdout`` and ``stderr`` are the program's; at a terminal ``terminal`` is all three, as a socket. To
    ``control``, a socket of packets, a client sends ``{"signal": "INT"}`` or ``{"rows": 24, "columns": 80}``. A client that
    closes its connection ends the program, and all that it has started.

    Attributes:
        status: the exit code, 128 + N where signal N ended it.
    """

    status: int


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


class Get(AboutContainer, Request):
    """Write a file of a container to standard output; a folder as a tar archive."""

    verb: Literal["get"]
    path: Annotated[_Path, Field(description="Absolute path in the container.")]


class Put(AboutContainer, Request):
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


class Logs(AboutContainer, Request):
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


class LogsStream(Logs):
    """Send what a container's program has written, a line at a time, and go on where that is asked for."""

    for_people: ClassVar[bool] = False
    verb: Literal["logs_stream"]  # type: ignore[assignment]


class Sent(TypedDict):
    """The answer to ``logs_stream``, after its lines: ``time``, ``text`` and ``life`` of each, as the program wrote it.

    Attributes:
        lines: how many there were.
    """

    lines: int


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
