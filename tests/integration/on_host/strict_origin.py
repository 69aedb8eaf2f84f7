"""An origin that takes nothing but the one way to write a request, and tells each byte that it got, a line of JSON each.

Runs on the host: ``python3 strict_origin.py ADDRESS PORT``. What every program reads alike can't be read in two ways.
"""

import contextlib
import json
import re
import socket
import sys
import threading

_FIELD = rb"[a-z0-9-]+: [\t -~\x80-\xff]*\r\n"
_HEAD = re.compile(rb"[A-Z]+ /[!-~]* HTTP/1\.1\r\n(?:" + _FIELD + rb")+\r\n")
_TRAILERS = re.compile(rb"(?:" + _FIELD + rb")*\r\n")
_TOLD = threading.Lock()


def tell(what: str, data: bytes) -> None:
    """One line: a request that is written as it must be, or what is not."""
    with _TOLD:
        print(json.dumps({what: data.decode("latin-1")}), flush=True)


class Oddity(Exception):
    """What no proxy of ours may send."""


class Peer:
    """One connection of the proxy's."""

    def __init__(self, client: socket.socket) -> None:
        self.client, self.stream = client, client.makefile("rb")

    def line(self, ends_well: bool = True) -> bytes:
        """A line; only CRLF ends one."""
        found = self.stream.readline(100_000)
        if ends_well and not found.endswith(b"\r\n"):
            raise Oddity(found)
        return found

    def request(self) -> bytes:
        """The next request; nothing where there is none."""
        head = self.line(ends_well=False)
        while head and not head.endswith(b"\r\n\r\n"):
            head += self.line()
        if not head:
            return b""
        if not _HEAD.fullmatch(head):
            raise Oddity(head)
        lengths = re.findall(rb"\ncontent-length: (.*)\r", head)
        codings = re.findall(rb"\ntransfer-encoding: (.*)\r", head)
        if len(lengths) + len(codings) > 1:
            raise Oddity(head)
        if codings:
            if codings != [b"chunked"]:
                raise Oddity(head)
            return head + self.chunks()
        if lengths and not re.fullmatch(rb"0|[1-9][0-9]*", lengths[0]):
            raise Oddity(head)
        return head + self.stream.read(int(lengths[0]) if lengths else 0)

    def chunks(self) -> bytes:
        """A body in chunks, without extensions; fields may follow it, which end nothing and begin nothing."""
        body = b""
        while size := self.line():
            if not re.fullmatch(rb"[0-9a-fA-F]{1,16}\r\n", size):
                raise Oddity(body + size)
            if int(size, 16) == 0:
                break
            data = self.stream.read(int(size, 16))
            if (end := self.line()) != b"\r\n":
                raise Oddity(body + size + data + end)
            body += data
        trailers = self.line()
        while not trailers.endswith(b"\r\n\r\n") and trailers != b"\r\n":
            trailers += self.line()
        if not _TRAILERS.fullmatch(trailers):
            raise Oddity(body + trailers)
        return body

    def serve(self) -> None:
        """Answer each request, until one is odd."""
        with contextlib.suppress(OSError), self.client:
            try:
                while found := self.request():
                    tell("request", found)
                    answer = b"" if found.startswith(b"HEAD ") else b"ok"
                    self.client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n" + answer)
            except Oddity as error:
                tell("odd", error.args[0])


def main(address: str, port: int) -> None:
    """Serve until it is ended."""
    with socket.create_server((address, port), backlog=512) as server:
        tell("ready", b"")
        while True:
            client, _ = server.accept()
            threading.Thread(target=Peer(client).serve, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
