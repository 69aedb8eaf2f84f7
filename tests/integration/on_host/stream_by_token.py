"""Run a program in a container by a token, as the user that this runs as: ``stream_by_token.py TOKEN REQUEST CASE``.

REQUEST is JSON. CASE says what the client does; what came of it is printed as one JSON object.
"""

import contextlib
import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

Found = dict[str, Any]


class Stream:
    """A connection to the engine, and the streams that came by it, by their names."""

    def __init__(self, token: str, request: Found) -> None:
        self.channel = socket.socket(socket.AF_UNIX)
        self.channel.settimeout(60)
        self.channel.connect("/run/skerry/tokens.sock")
        digest = hashlib.sha256(token.encode()).hexdigest()
        asked = {"version": 3, **request, "asker": {"token": digest, "source": "192.0.2.7"}}
        self.channel.sendall(json.dumps(asked).encode() + b"\n")
        text, descriptors, _flags, _address = socket.recv_fds(self.channel, 65536, 8)
        self.first = json.loads(text.splitlines()[0])
        self.ends = dict(zip(self.first.get("descriptors", ()), descriptors, strict=True))
        if "control" in self.ends:
            self.control = socket.socket(fileno=self.ends["control"])
        self.terminal: socket.socket | None = None

    def read(self, name: str) -> bytes:
        """All that comes by a stream."""
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while block := os.read(self.ends[name], 1 << 20):
                said += block
        return said

    def last(self) -> Found:
        """The answer; null where the connection ended before."""
        with self.channel.makefile("rb") as lines:
            line = lines.readline()
        return json.loads(line) if line else {"ended": True}

    def say(self, what: Found) -> None:
        """Tell what runs the program."""
        self.control.send(json.dumps(what).encode())


def pipes(stream: Stream) -> Found:
    os.write(stream.ends["stdin"], b"given")
    os.close(stream.ends["stdin"])
    return {"out": stream.read("stdout").decode(), "err": stream.read("stderr").decode()}


def count(stream: Stream) -> Found:
    return {"bytes": len(stream.read("stdout"))}


def term(stream: Stream) -> Found:
    time.sleep(0.5)
    stream.control.send(b"{")
    stream.say({"signal": "SEGV"})
    stream.say({"signal": "TERM"})
    return {}


def shell(stream: Stream) -> Found:
    """A shell at a terminal: what is typed at once, another size, Ctrl+C."""
    terminal = stream.terminal = socket.socket(fileno=stream.ends["terminal"])
    terminal.settimeout(30)

    def until(word: bytes) -> str:
        said = b""
        while word not in said:
            said += terminal.recv(65536)
        return said.decode()

    terminal.sendall(b"stty size; echo one-$((1))-\n")
    first = until(b"one-1-")
    stream.say({"rows": 50, "columns": 120})
    time.sleep(0.5)
    terminal.sendall(b"stty size; echo two-$((2))-\n")
    second = until(b"two-2-")
    terminal.sendall(b"sleep 600\n")
    time.sleep(0.5)
    terminal.sendall(b"\x03")
    terminal.sendall(b"exit 3\n")
    return {"first": first, "second": second}


def leave(stream: Stream) -> Found:
    time.sleep(1)
    stream.channel.shutdown(socket.SHUT_RDWR)
    return {}


def wait(stream: Stream) -> Found:
    print(json.dumps(stream.first), flush=True)
    return {}


CASES: dict[str, Callable[[Stream], Found]] = {
    "pipes": pipes,
    "count": count,
    "term": term,
    "shell": shell,
    "leave": leave,
    "wait": wait,
}


def main() -> int:
    token, request, case = sys.argv[1:]
    stream = Stream(token, json.loads(request))
    found = CASES[case](stream) if "event" in stream.first else {"refused": stream.first}
    if "refused" not in found:
        found["last"] = stream.last()
    print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
