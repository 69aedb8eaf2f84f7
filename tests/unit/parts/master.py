"""A stand-in for HAProxy's master socket: it keeps maps, and refuses what it is told to."""

import re
import socketserver
import threading
from pathlib import Path
from typing import Any


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class StandIn:
    """Two workers with a map each, as management.txt describes their answers."""

    def __init__(self, path: Path) -> None:
        self.maps: dict[int, dict[str, str]] = {11: {}, 12: {}}
        self.pending: dict[int, dict[str, str]] = {}
        self.answers: list[tuple[str, str]] = []
        self.commands: list[str] = []
        stand_in = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                command = self.rfile.read().decode()
                stand_in.commands.append(command)
                self.wfile.write(stand_in.answer(command).encode())

        self.server = _Server(str(path), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, command: str) -> str:
        for number, (pattern, text) in enumerate(self.answers):
            if re.search(pattern, command):
                del self.answers[number]
                return text
        if command == "show proc\n":
            rows = "".join(f"{pid}   worker   0  0d00h00m01s  3.0.11\n" for pid in self.maps)
            return f"#<PID> <type>\n10   master   0 [failed: 0]\n# workers\n{rows}# programs\n\n"
        if re.fullmatch(r"@!\d+ show sess all\n", command):
            return "0x9: [22/Nov/2026:18:07:00.304733] id=9 proto=sockpair\n  server=<NONE> (id=-1)\n\n"
        match = re.fullmatch(r"@!(\d+) (\w+) map (?:@(\d+) )?\S+ ?(.*)\n", command, re.DOTALL)
        assert match, f"HAProxy would not understand {command!r}"
        worker, operation, version, rest = int(match[1]), match[2], match[3], match[4]
        return str(getattr(self, f"_{operation}")(worker, version, rest))

    def _set(self, worker: int, _version: Any, rest: str) -> str:
        key, value = rest.split(" ")
        if key not in self.maps[worker]:
            return "entry not found.\n\n"
        self.maps[worker][key] = value
        return "\n"

    def _add(self, worker: int, version: str | None, rest: str) -> str:
        target = self.pending[worker] if version else self.maps[worker]
        if version:
            assert len(rest) < 16_000
            assert rest.startswith("<<\n")
        lines = rest.removeprefix("<<\n").strip().splitlines()
        for key, value in (line.split(" ") for line in lines):
            assert key not in target, "two entries for one key"
            target[key] = value
        return "\n"

    def _del(self, worker: int, _version: Any, rest: str) -> str:
        return "\n" if self.maps[worker].pop(rest, None) else "Key not found.\n\n"

    def _prepare(self, worker: int, _version: Any, _rest: str) -> str:
        self.pending[worker] = {}
        return "New version created: 7\n\n"

    def _commit(self, worker: int, version: str, _rest: str) -> str:
        assert version == "7"
        self.maps[worker] = self.pending.pop(worker)
        return "\n"

    def _get(self, worker: int, _version: Any, rest: str) -> str:
        value = self.maps[worker].get(rest)
        if value is None:
            return "type=str, case=sensitive, found=no\n\n"
        return f'type=str, case=sensitive, found=yes, idx=tree, key="{rest}", value="{value}", type="str"\n\n'
