"""What a command reads and writes itself: a value from standard input, a file that an engine's program streams."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from skerry.protocol.commands import Command

Request = dict[str, Any]
_LARGEST = 512 * 1024  # bytes of a value: model.secret.LARGEST


class InputError(Exception):
    """A file or standard input cannot be what is asked for."""


def fills_output(command: "Command", request: Request) -> bool:
    """Whether standard output is an archive's, so that no word may stand there."""
    return any(
        option["form"] == "stream-out" and request.get(option["dest"], "-") == "-"
        for option in command["options"]
    )


@contextlib.contextmanager
def opened(command: "Command", request: Request, *, planning: bool) -> Iterator[Request]:
    """Within it, the request as the engine takes it: with what was read, and with names of FIFOs for files.

    Args:
        command: the command.
        request: what its command line asks for.
        planning: nothing is to be read or written, but for a value and what an archive begins with: only these tell what
            would change.

    Raises:
        InputError: a file is there already, or cannot be opened, read or written.
    """
    request = dict(request)
    with contextlib.ExitStack() as stack:
        for option in command["options"]:
            if option["form"] == "input":
                _place(request, option["dest"], _value())
            elif option["form"] in {"stream-in", "stream-out"}:
                path = str(request.pop(option["dest"], "-"))
                if planning and not option["head"]:
                    continue
                file = stack.enter_context(_opened(path, option["form"]))
                if option["head"]:
                    request[option["head"]] = _head(path, file)
                if not planning:
                    request[option["dest"]] = stack.enter_context(_streamed(file, option["form"]))
        yield request


def _place(request: Request, dest: str, value: str) -> None:
    above, _, name = dest.rpartition(".")
    (request.setdefault(above, {}) if above else request)[name] = value


def _value() -> str:
    """The bytes of standard input, or what is typed at a terminal without being shown."""
    import base64  # noqa: PLC0415 - few commands need it

    if sys.stdin.isatty():
        import getpass  # noqa: PLC0415

        found = getpass.getpass("Value (not shown; Enter ends it): ").encode()
    else:
        found = sys.stdin.buffer.read(_LARGEST + 1)
    if len(found) > _LARGEST:
        raise InputError(
            f"standard input has more than {_LARGEST // 1024}K. A secret may have that much at most"
        )
    return base64.b64encode(found).decode()


@contextlib.contextmanager
def _opened(path: str, form: str) -> Iterator[BinaryIO]:
    try:
        with _file(path, form) as file:
            yield file
            file.flush()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _head(path: str, file: BinaryIO) -> str:
    from skerry import streams  # noqa: PLC0415 - few commands need it

    try:
        return streams.head(file)
    except streams.HeadError as error:
        raise InputError(f"{path}: {error}") from error


@contextlib.contextmanager
def _streamed(file: BinaryIO, form: str) -> Iterator[str]:
    from skerry import streams  # noqa: PLC0415

    with streams.stream(file, "in" if form == "stream-in" else "out") as name:
        yield name


@contextlib.contextmanager
def _file(path: str, form: str) -> Iterator[BinaryIO]:
    if path == "-":
        standard = sys.stdin if form == "stream-in" else sys.stdout
        if standard.isatty():
            raise InputError("an archive cannot be typed or shown at a terminal. Give a FILE, or use < or >")
        # What a buffer still had after an error would be written, and fail once more, when Python ends.
        yield standard.buffer if form == "stream-in" else getattr(standard.buffer, "raw", standard.buffer)
        return
    if form == "stream-in":
        with open(path, "rb") as file:
            yield file
        return
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
    except FileExistsError:
        raise InputError(f"{path} is there already. Choose another name, or delete it first") from None
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # it would look like a whole one
        raise
