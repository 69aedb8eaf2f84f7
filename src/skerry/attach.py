"""Run a program in a container: the client's half. Standard library only, so that a module can carry it.

The engine answers a *ticket* (``exec`` and ``shell`` of protocol/containers.py): which container, and what it may be told.
The client is root of the host, as the engine demands, and starts the program itself. So no stream is copied, an engine that
restarts cuts nobody off, and signals and the size of a terminal stay the kernel's business.

``lxc-attach`` puts the program inside the container's own walls: namespaces, cgroup, capabilities, AppArmor; what
``enter`` finds in a file of zero-ended strings, it obeys inside: user, folder, environment, filter. ``nsenter`` has none of
these walls. A terminal of the client's never comes in: lxc-attach gives the program one of the container's, and copies.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ENDED = "the container ended; start it and ask again"
DESCRIPTION = 3  # the descriptor of what `enter` reads, of a program in C
NOT_STARTED = 125  # the exit code where the program did not even start, as of other runtimes
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
_ENTER = ("/dev/skerry/enter", "/proc/self/fd/")
# What brings a program in does not outlive its client.
_WITH_US = ("/usr/bin/setpriv", "--pdeathsig", "KILL", "--")
# It copies for the terminal that controls it, not for what its standard input is.
_AT_A_TERMINAL = ("/usr/bin/setsid", "--ctty", "--")
Ticket = Mapping[str, Any]
Streams = tuple[Any, Any, Any]  # standard input, output and error, as subprocess takes them


class AttachError(Exception):
    """No program can be started in the container: what is wrong, and what would be right."""


def capture(ticket: Ticket, stdin: bytes = b"", timeout: float | None = None) -> tuple[int, bytes, bytes]:
    """Run the program and return its exit code, what it wrote, and what it wrote to standard error.

    Args:
        ticket: the engine's answer.
        stdin: what the program reads.
        timeout: seconds after which it is killed.

    Raises:
        AttachError: the container is none to run a program in.
        TimeoutError: it took longer.
    """
    pipe = subprocess.PIPE
    with started(ticket, (pipe, pipe, pipe)) as process:
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            end(process)
            raise TimeoutError(f"the program did not end within {timeout:g} s and was killed") from error
        return exit_code(process.returncode), out, err


def call(ticket: Ticket) -> tuple[list[str], list[str]]:
    """How lxc-attach is called, and the words of the file that it finds at :data:`DESCRIPTION`; none where it reads none.

    Raises:
        AttachError: the container is none to run a program in.
    """
    lxcpath = _lxcpath(ticket)
    words = _description(ticket)
    return _argv(ticket, lxcpath, DESCRIPTION if words else None), words


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the program, and what brought it in."""
    for pid in (*inside(process.pid), process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def started(
    ticket: Ticket, streams: Streams = (None, None, None), group: str = "", *, terminal: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """What brings the program in, started; at the end it is waited for, or killed where an error ends the body.

    Args:
        ticket: the engine's answer.
        streams: standard input, output and error; this process's own where they are None.
        group: the cgroup that all of it is to be in, by its path; where it is empty, the program is in the container's,
            and what brings it in stays in the client's.
        terminal: standard input is a terminal for this program alone, and controls it.

    Raises:
        AttachError: the container is none to run a program in.
        subprocess.SubprocessError: the cgroup takes no process.
    """
    lxcpath = _lxcpath(ticket)  # before the description, which goes first when a container ends
    description = _described(ticket)
    try:
        argv = _argv(ticket, lxcpath, description, own_group=bool(group))
        _set_oom_score()
        process = subprocess.Popen(
            [*_WITH_US, *(_AT_A_TERMINAL if terminal else ()), *argv],
            cwd="/",
            env=_ENVIRONMENT,
            umask=0o022,
            pass_fds=[] if description is None else [description],
            # Without a function of ours Python need not copy itself for it, which takes a third of a short command's time.
            preexec_fn=(lambda: _join(group)) if group else None,  # noqa: PLW1509 - there is one thread
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
        )
    except FileNotFoundError as error:
        raise AttachError(f"{error.filename} is missing: install lxc and util-linux on this host") from error
    finally:
        if description is not None:
            os.close(description)
    try:
        with process:
            yield process
    except BaseException:
        end(process)
        raise


def _join(group: str) -> None:
    """In the new process: go into a cgroup."""
    with open(f"{group}/cgroup.procs", "w", encoding="ascii") as file:
        file.write("0")


def _set_oom_score() -> None:
    """A program gets none of the client's: not that of a service which the kernel spares, say. It comes from here."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("0")


def _described(ticket: Ticket) -> int | None:
    """What ``enter`` reads, as an open file; None where it reads nothing."""
    words = _description(ticket)
    return _memory_file(b"\0".join(os.fsencode(word) for word in [*words, ""])) if words else None


def _memory_file(data: bytes) -> int:
    descriptor = os.memfd_create("skerry", 0)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    return descriptor


def _argv(
    ticket: Ticket, lxcpath: Sequence[str], description: int | None, *, own_group: bool = False
) -> list[str]:
    """How lxc-attach is called: nothing that a container or a user says is an option of it."""
    attach = ["/usr/bin/lxc-attach", "--name", ticket["id"], *lxcpath, "--clear-env"]
    own = ["CGROUP"] if own_group else []  # it is in the right one already
    if description is None:
        return [*attach, *(f"--elevated-privileges={one}" for one in own), "--", *_by_env(ticket)]
    # enter becomes the user and gives up what the container has not: for that it needs capabilities, of the container's
    # user namespace. It lies on a mount that nobody inside can change.
    program, file = _ENTER
    privileges = f"--elevated-privileges={'|'.join(['CAP', *own])}"
    return [*attach, privileges, "--", program, f"{file}{description}"]


def _lxcpath(ticket: Ticket) -> list[str]:
    """Where LXC listens, by the name that this start of the container has made up; an older Skerry's is LXC's own.

    Only where there was never another one: anybody may listen at LXC's own.
    """
    folder = f"{ticket['run']}/lxc"
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    if len(names) != 1:
        raise AttachError(_ENDED)
    return ["--lxcpath", f"{folder}/{names[0]}"]


def _description(ticket: Ticket) -> list[str]:
    """What ``enter`` reads: user, groups, folder, capabilities, variables, command; empty for a unit that has none."""
    own = _own_words(f"{ticket['run']}/own/program")
    if not own:
        return []
    user, groups, folder, capabilities, count, *rest = own
    variables = rest[: int(count)]
    if ticket["user"] is not None:
        if ticket["user"] != user:  # whose home enter finds in the image
            variables = [one for one in variables if not one.startswith("HOME=")]
        user, groups = ticket["user"], ""
    variables = _merged(variables, ticket["env"])
    where = [user, groups, ticket["workdir"] or folder, capabilities]
    return [*where, str(len(variables)), *variables, *ticket["command"]]


def _by_env(ticket: Ticket) -> list[str]:
    """The same for a container that an older Skerry started: by the ``env`` of its image."""
    if ticket["user"] is not None:
        raise AttachError("an older Skerry started the container: restart it once, then 'user' can be given")
    own = _own_words(f"{ticket['run']}/launch")
    if not own:
        raise AttachError(_ENDED)
    variables = _merged(own[7 : 7 + int(own[6])], ticket["env"])
    folder = [f"--chdir={ticket['workdir']}"] if ticket["workdir"] else []
    return ["/usr/bin/env", "--ignore-environment", *folder, "--", *variables, *ticket["command"]]


def _own_words(path: str) -> list[str]:
    """What the container's own program was started with, if the file is there."""
    try:
        with open(path, "rb") as file:
            words = file.read().split(b"\0")
    except FileNotFoundError:
        return []
    return [os.fsdecode(word) for word in words]


def _merged(own: Sequence[str], given: Mapping[str, str]) -> list[str]:
    kept = [one for one in own if one.split("=", 1)[0] not in given]
    return [*kept, *(f"{name}={value}" for name, value in given.items())]


def exit_code(code: int) -> int:
    """The exit code of a program as a shell says it, of the one that :mod:`subprocess` has."""
    return 128 - code if code < 0 else code


def inside(attach: int) -> list[int]:
    """The processes that lxc-attach has started: the program."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = file.read().rpartition(b")")[2].split()[1]
                if int(parent) == attach:
                    found.append(int(name))
    return found
