"""Read the log of a container: the client's half. Standard library only.

The engine says where it is. The lines are the container's words: whoever shows them makes them harmless (`skerry.text`).
"""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
_AGO = re.compile(r"[0-9]+(s|m|min|h|d|w)")
_INDENT = len("2026-11-29 20:00:00  ")  # or a line of several would begin others
_BLOCK = 65536  # bytes that are read at a time
STARTED_ANEW = "-- started anew --"
Where = Mapping[str, Any]
Clean = Callable[[str | bytes], str]


class LogsError(Exception):
    """The log cannot be read: what journalctl said."""


def lines(where: Where, clean: Clean, reader: int | None = None) -> Generator[dict[str, Any], None, None]:
    """The lines of the log, oldest first: ``time`` (seconds since 1970), ``text``, ``life``.

    ``life`` differs for lines that were written before and after the program was started anew. With ``follow`` it never
    ends by itself.

    Args:
        where: the engine's answer.
        clean: makes text harmless to a terminal.
        reader: the connection of who reads; its end is that of the lines.

    Raises:
        LogsError: a time is none, or the journal cannot be read.
    """
    with subprocess.Popen(
        _argv(where),
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        if process.stdout is None or process.stderr is None:
            raise AssertionError("both are pipes")
        try:
            for entry in process.stdout if reader is None else _while_read(process.stdout.fileno(), reader):
                yield _line(json.loads(entry), clean)
            if reader is not None and _has_left(reader):
                return
            said = process.stderr.read().decode(errors="replace").strip()
            if process.wait() != 0:
                raise LogsError(said or f"journalctl ended with {process.returncode}")
        finally:
            process.terminate()


def _has_left(reader: int) -> bool:
    poll = select.poll()
    poll.register(reader, select.POLLRDHUP)
    return bool(poll.poll(0))


def _while_read(written: int, reader: int) -> Iterator[bytes]:
    """The lines of a pipe, as long as somebody is at the other end of a connection."""
    poll, begun = select.poll(), b""
    poll.register(written, select.POLLIN)
    poll.register(reader, select.POLLRDHUP)
    while True:
        ready = dict(poll.poll())
        if reader in ready:
            return
        block = os.read(written, _BLOCK)
        if not block:
            return
        *whole, begun = (begun + block).split(b"\n")
        yield from whole


def shown(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The lines as a person reads them: local time and text, with a mark where the program was started anew."""
    life = None
    for line in found:
        if life not in {None, line["life"]}:
            yield STARTED_ANEW
        life = line["life"]
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line["time"]))
        text = line["text"].replace("\n", "\n" + " " * _INDENT)
        yield f"{when}  {text}"


def _argv(where: Where) -> list[str]:
    """Also what an older Skerry had written into the host's own journal is read."""
    argv = [
        "journalctl",
        f"--namespace=+{where['namespace']}",
        "--quiet",
        "--all",
        "--no-pager",
        "--output=json",
        "--output-fields=MESSAGE,_SYSTEMD_INVOCATION_ID",
        f"--lines={where['lines']}",
    ]
    argv += [f"--{name}={_time(where[name])}" for name in ("since", "until") if where[name] is not None]
    argv += ["--follow"] if where["follow"] else []
    return [*argv, f"_SYSTEMD_UNIT={where['unit']}"]


def _time(text: str) -> str:
    """``10m`` and ``2h`` are that long ago, as in other programs; all else is for journalctl."""
    return (
        f"-{text.removesuffix('m') + 'min' if text.endswith('m') else text}" if _AGO.fullmatch(text) else text
    )


def _line(entry: dict[str, Any], clean: Clean) -> dict[str, Any]:
    message = entry.get("MESSAGE") or ""
    text = bytes(message) if isinstance(message, list) else message  # bytes where it is not UTF-8
    return {
        "time": int(entry["__REALTIME_TIMESTAMP"]) / 1_000_000,
        "text": clean(text),
        "life": entry.get("_SYSTEMD_INVOCATION_ID", ""),
    }
