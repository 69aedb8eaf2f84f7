"""HAProxy's master socket: changes while it runs (HAProxy's management guide, sections 9.3 and 9.4).

Every change goes to all workers. After a reload the old one goes on serving the connections it has, with its
own copy of each map, for as long as ``hard-stop-after`` lets it.

The master executes itself anew after each start and reload, *after* it has told systemd that it is ready. For that
moment the socket's file is there and nobody listens, though a worker serves. Only where there is no file, nobody does:
the unit takes it away when HAProxy has ended.
"""

import dataclasses
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from skerry.model.errors import Code, SkerryError

UNIT = "skerry-proxy.service"
_PAYLOAD = 12_000  # bytes of one command: it must fit into HAProxy's tune.bufsize, 16 kB
_WORD = re.compile(r"[!-:<-~]+")  # printable ASCII without space and ';', which would begin another command
_WORKER = re.compile(r"^(\d+)\s+worker\s", re.MULTILINE)
_VALUE = re.compile(r'found=yes, .*value="(.*)", type=')
_STREAM = re.compile(r"^(0x[0-9a-f]+): \[[^]]*\] id=(\d+) ", re.MULTILINE)
_SERVER = re.compile(r"^  server=\S+ \(id=\d+\) addr=(\S+)$", re.MULTILINE)
_TRACKED = re.compile(r"^0x[0-9a-f]+: key=(\S+) use=[1-9]", re.MULTILINE)
_LOST_SECONDS = 15.0
_T = TypeVar("_T")


class ProxyError(SkerryError):
    """HAProxy refused a command, or gave an answer that we do not know."""


class ProxyDownError(ProxyError):
    """HAProxy does not run, so it serves nothing."""


class ProxyUnknownError(ProxyError):
    """HAProxy has no such map: its configuration is one of before."""


class ProxyLostError(ProxyError):
    """HAProxy, or a worker of it, is beginning or ending: asking again tells what is true now."""


def retry(action: Callable[[], _T], *, down_seconds: float = 0.0) -> _T:
    """Do ``action``, and all of it again for as long as HAProxy is just beginning or ending.

    Args:
        action: what may be done twice.
        down_seconds: how long to wait also for a HAProxy that does not run.

    Raises:
        ProxyLostError: it neither began nor ended in time.
    """
    begun = time.monotonic()
    while True:
        try:
            return action()
        except (ProxyLostError, ProxyDownError) as error:
            patience = _LOST_SECONDS if isinstance(error, ProxyLostError) else down_seconds
            if time.monotonic() - begun >= patience:
                raise
        time.sleep(0.02)


@dataclasses.dataclass(frozen=True)
class Stream:
    """A request, or what became of one: a WebSocket.

    Attributes:
        id: how the worker names it to whoever closes it.
        number: how the worker names it in a log (``%rt``).
        address: where it leads, "IP:PORT"; empty where it leads nowhere yet.
    """

    id: str
    number: int
    address: str


@dataclasses.dataclass(frozen=True)
class Master:
    """A client of the master process.

    Attributes:
        path: its unix socket.
        timeout: seconds that one answer may take.
    """

    path: str
    timeout: float = 10.0

    def ask(self, command: str) -> str:
        """Send one command and return the whole answer; one connection each costs 0.2 ms.

        Raises:
            ProxyDownError: there is no socket.
            ProxyLostError: nobody listens on it, or it ended before it had answered, or no answer came in time.
            ProxyError: it can't be asked at all.
        """
        hint = f"See 'systemctl status {UNIT}' on this host"
        try:
            answer = self._exchange(command)
        except FileNotFoundError as error:
            raise ProxyDownError(Code.HOST, f"the proxy does not run ({self.path})", hint) from error
        except TimeoutError as error:
            # A worker that ended while the master handed it the question: the next answer comes from those that are left.
            problem = f"the proxy did not answer '{command.split(maxsplit=1)[0]}' within {self.timeout:g} s"
            raise ProxyLostError(Code.HOST, problem, hint) from error
        except (ConnectionError, BlockingIOError) as error:
            problem = f"the proxy is beginning or ending ({self.path}: {error.strerror})"
            raise ProxyLostError(Code.HOST, problem, hint) from error
        except OSError as error:
            raise ProxyError(
                Code.HOST, f"the proxy did not answer '{command.split(maxsplit=1)[0]}': {error}"
            ) from error
        # An answer ends with an empty line, except the master's word that it does not reach the worker.
        if answer != "\n" and not answer.endswith("\n\n"):
            raise ProxyLostError(Code.HOST, f"the proxy broke off with {answer[-80:]!r}", hint)
        return answer

    def _exchange(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(self.timeout)
            connection.connect(self.path)
            connection.sendall(command.encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)  # without it the master waits for the next command
            return _read_all(connection)

    def workers(self) -> list[int]:
        """Process ids of the current and of all leaving workers: at least one.

        Raises:
            ProxyDownError: the master does not run, or is about to end because its workers have.
            ProxyError: it does not answer.
        """
        found = [int(pid) for pid in _WORKER.findall(self.ask("show proc"))]
        if not found:
            raise ProxyDownError(
                Code.HOST, "the proxy's workers have ended", f"See 'systemctl status {UNIT}' on this host"
            )
        return found

    def tell(self, worker: int, command: str, accept: str = "") -> str:
        """Send one command to one worker and return its answer, stripped.

        Args:
            worker: its process id.
            command: what to do.
            accept: a pattern of the answers that are none of a refusal; by default only silence is.

        Raises:
            ProxyLostError: it is beginning, ending or gone.
            ProxyUnknownError: it has no such map.
            ProxyError: it answered with anything else, which is a refusal.
        """
        answer = self.ask(f"@!{worker} {command}").strip()
        if not re.fullmatch(accept, answer, re.DOTALL):
            kind = ProxyUnknownError if answer.startswith("Unknown map identifier") else ProxyError
            raise kind(Code.FAILED, f"the proxy refused '{command[:60].strip()}': {answer}")
        return answer

    def set_entry(self, map_path: str, key: str, value: str) -> None:
        """Make ``key`` lead to ``value`` in every worker.

        Raises:
            ProxyError: HAProxy does not run, refused, or key or value are not single words.
        """
        _check_words(key, value)
        for worker in self.workers():
            if self.tell(worker, f"set map {map_path} {key} {value}", accept=r"(entry not found\.)?"):
                self.tell(worker, f"add map {map_path} {key} {value}")

    def delete_entry(self, map_path: str, key: str) -> None:
        """Take ``key`` out of the map in every worker; nothing happens where it is not there.

        Raises:
            ProxyError: HAProxy does not run or refused.
        """
        _check_words(key)
        for worker in self.workers():
            self.tell(worker, f"del map {map_path} {key}", accept=r"(Key not found\.)?")

    def replace_map(self, map_path: str, entries: Mapping[str, str]) -> None:
        """Make ``entries`` the whole map in every worker; a request sees the old one or the new one.

        Raises:
            ProxyError: HAProxy does not run, refused, or an entry is not two single words.
        """
        for key, value in entries.items():
            _check_words(key, value)
        for worker in self.workers():
            created = "New version created: "
            version = self.tell(worker, f"prepare map {map_path}", accept=rf"{created}\d+").removeprefix(
                created
            )
            for batch in _batches(f"{key} {value}\n" for key, value in entries.items()):
                self.tell(worker, f"add map @{version} {map_path} <<\n{batch}")
            self.tell(worker, f"commit map @{version} {map_path}")

    def lookup(self, worker: int, map_path: str, key: str) -> str | None:
        """What ``key`` leads to in one worker, or None.

        Raises:
            ProxyError: HAProxy does not run or does not answer.
        """
        found = _VALUE.search(self.tell(worker, f"get map {map_path} {key}", accept=".*found=(yes|no).*"))
        return found[1] if found else None

    def streams_to(self, worker: int, address: str) -> list[str]:
        """Ids of one worker's streams (requests, WebSockets) that lead to ``address``, "IP:PORT".

        Raises:
            ProxyError: HAProxy does not run or does not answer.
        """
        return [stream.id for stream in self.streams(worker) if stream.address == address]

    def streams(self, worker: int) -> list[Stream]:
        """Everything that is open in one worker.

        Raises:
            ProxyError: HAProxy does not run or does not answer.
        """
        parts = _STREAM.split(self.tell(worker, "show sess all", accept="(0x.*)?"))
        found = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
        return [Stream(one, int(number), "".join(_SERVER.findall(text))) for one, number, text in found]

    def tracked(self, worker: int, table: str) -> list[str]:
        """The keys of a stick table that open streams of one worker track.

        Raises:
            ProxyError: HAProxy does not run, does not answer or has no such table.
        """
        return _TRACKED.findall(self.tell(worker, f"show table {table}", accept="# table: .*"))

    def close_stream(self, worker: int, stream: str) -> None:
        """End one stream, and the connections that only it uses.

        Raises:
            ProxyError: HAProxy does not run or refused.
        """
        self.tell(worker, f"shutdown session {stream}", accept=r"(No such session.*)?")

    def reload(self) -> None:
        """Read configuration, certificate and maps again in a new worker; the old one finishes what it has.

        Raises:
            ProxyError: HAProxy does not run, or the configuration is wrong and the old worker goes on.
        """
        answer = self.ask("reload")
        if not answer.startswith("Success=1"):
            raise ProxyError(Code.FAILED, "the proxy goes on with its old configuration", answer.strip())

    def set_certificate(self, path: str, pem: str) -> None:
        """Use ``pem`` (certificate, chain, key) from now on where the configuration names ``path``.

        Raises:
            ProxyError: HAProxy does not run or refused; the old certificate stays.
        """
        lines = "\n".join(line for line in pem.splitlines() if line)
        for worker in self.workers():
            self.tell(worker, f"set ssl cert {path} <<\n{lines}\n", accept="Transaction (cre|upd)ated .*")
            self.tell(worker, f"commit ssl cert {path}", accept=".*Success!")


def _read_all(connection: socket.socket) -> str:
    blocks = []
    while block := connection.recv(65_536):
        blocks.append(block)
    return b"".join(blocks).decode("utf-8", "replace")


def _batches(lines: Iterable[str]) -> Iterable[str]:
    batch = ""
    for line in lines:
        if len(batch) + len(line) > _PAYLOAD:
            yield batch
            batch = ""
        batch += line
    if batch:
        yield batch


def _check_words(*words: str) -> None:
    for word in words:
        if not _WORD.fullmatch(word) or word.startswith("#"):
            raise ProxyError(Code.INVALID, f"{word!r} cannot stand in a map of the proxy")
