"""Read the log of a container: the client's half. Standard library only.

The engine says where it is. The lines are the container's words: whoever shows them makes them harmless (`skerry.text`).
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
_AGO = re.compile(r"[0-9]+(s|m|min|h|d|w)")
_INDENT = len("2026-11-29 20:00:00  ")  # or a line of several would begin others
STARTED_ANEW = "-- started anew --"
Where = Mapping[str, Any]
Clean = Callable[[str | bytes], str]


class LogsError(Exception):
    """The log cannot be read: what journalctl said."""


def lines(where: Where, clean: Clean) -> Iterator[dict[str, Any]]:
    """The lines of the log, oldest first: ``time`` (seconds since 1970), ``text``, ``life``.

    ``life`` differs for lines that were written before and after the program was started anew. With ``follow`` it never
    ends by itself.

    Args:
        where: the engine's answer.
        clean: makes text harmless to a terminal.

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
            for entry in process.stdout:
                yield _line(json.loads(entry), clean)
            said = process.stderr.read().decode(errors="replace").strip()
            if process.wait() != 0:
                raise LogsError(said or f"journalctl ended with {process.returncode}")
        finally:
            process.terminate()


def shown(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The lines as a person reads them: local time and text, with a mark where the program was started anew."""
    life = None
    for line in found:
        if life not in {None, line["life"]}:
            yield STARTED_ANEW
        life = line["life"]
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line["time"]))
        yield f"{when}  {line['text']}"


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
        "text": clean(text).replace("\n", "\n" + " " * _INDENT),
        "life": entry.get("_SYSTEMD_INVOCATION_ID", ""),
    }
