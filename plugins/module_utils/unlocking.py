# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""Unlock a machine from afar: real ssh attempts against pinned host keys, and the passphrase on standard input only."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from enum import StrEnum

from .skerry_base.core.errors import SkerryError
from .skerry_base.core.run import CommandError, run

_CONNECT_S, _ATTEMPT_S, _PAUSE_S = 4, 30.0, 2.0
# cryptroot-unlock waits ten seconds for a prompt and ten for an answer; both take longer on slow machines.
_SEND_S = 120.0
# So often in a row does a machine that only starts slowly not ask for a passphrase.
_SILENT_PROMPTS = 4


class Code(StrEnum):
    """Why a machine was not unlocked."""

    NO_ANSWER = "no_answer"
    WRONG_HOST_KEY = "wrong_host_key"
    UNKNOWN_HOST_KEY = "unknown_host_key"
    NOT_DROPBEAR = "not_dropbear"
    LOGIN_REFUSED = "login_refused"
    REFUSED = "wrong_passphrase"
    GIVEN_UP = "given_up"
    NO_DISK = "no_disk"


class Found(StrEnum):
    """How a machine was found."""

    LOCKED = "locked"
    RUNNING = "running"


class UnlockError(SkerryError):
    """The machine is not unlocked.

    Args:
        code: why.
        message: what was wrong and where.
        hint: what to do next.
    """

    def __init__(self, code: Code, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.code = code


@dataclass(frozen=True)
class Endpoint:
    """An ssh server, and how to know it.

    Attributes:
        host: name or address.
        port: of the server.
        known_hosts: the file with its pinned host key.
        name: under which the key is pinned there, where that is not host and port.
        user: who logs in.
        private_key: the file of the key to log in with; without it ssh's own choice.
    """

    host: str
    port: int
    known_hosts: str
    name: str | None = None
    user: str = "root"
    private_key: str | None = None

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"

    def ssh(self, *options: str, command: tuple[str, ...] = ()) -> list[str]:
        """The ssh command for one attempt of its own, which trusts nothing but the pinned key."""
        settings = {
            "BatchMode": "yes", "ConnectionAttempts": "1", "ConnectTimeout": str(_CONNECT_S), "ControlPath": "none",
            "StrictHostKeyChecking": "yes", "UserKnownHostsFile": _quoted(self.known_hosts),
            "GlobalKnownHostsFile": "/dev/null", "UpdateHostKeys": "no", "CheckHostIP": "no",
            "ForwardAgent": "no", "ServerAliveInterval": "15", "RequestTTY": "no",
        }  # fmt: skip
        if self.name:
            settings["HostKeyAlias"] = self.name
        if self.private_key:
            settings |= {"IdentityFile": _quoted(self.private_key), "IdentitiesOnly": "yes"}
        if agent := os.environ.get("SSH_AUTH_SOCK"):
            settings["IdentityAgent"] = agent
        words = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", *words, *options, "-p", str(self.port), "-l", self.user, "--", self.host, *command]


def _quoted(path: str) -> str:
    """A path in an option of ssh, which ends it at a blank."""
    return f'"{path}"'


@dataclass(frozen=True)
class Server:
    """What an attempt without a login met.

    Attributes:
        software: how the server calls itself; empty where none answered.
        code: what was wrong with its host key; None where it is the pinned one.
        said: ssh's own words, for messages.
    """

    software: str
    code: Code | None
    said: str

    @property
    def trusted(self) -> bool:
        """Whether a server answered and proved the pinned key."""
        return bool(self.software) and self.code is None


def meet(endpoint: Endpoint) -> Server:
    """See who answers, and whether it has the pinned host key; no login is tried."""
    try:
        run(endpoint.ssh("-v", "-o", "PreferredAuthentications=none"), timeout=_ATTEMPT_S)
    except CommandError as error:
        return _server(error.stderr)
    return _server("")  # a server that lets everybody in is none of ours


def _server(stderr: str) -> Server:
    software, said = "", "it took too long"
    for line in stderr.splitlines():
        if not line.startswith("debug1: "):
            said = line.strip() or said
        elif "remote software version " in line:
            software = line.rpartition("remote software version ")[2].strip()
    if (code := _host_key_problem(stderr)) is not None:
        return Server(software, code, said)
    # Asked for a login: it has proved its key.
    return Server(software if "Permission denied" in stderr else "", None, said)


def _host_key_problem(stderr: str) -> Code | None:
    if "Host key verification failed" not in stderr:
        return None
    changed = "IDENTIFICATION HAS CHANGED" in stderr
    return Code.WRONG_HOST_KEY if changed else Code.UNKNOWN_HOST_KEY


@dataclass(frozen=True)
class Attempt:
    """What one attempt to send the passphrase came to, by what cryptroot-unlock said."""

    done: bool = False
    no_prompt: bool = False


class Unlocker:
    """Waits for a machine and unlocks it.

    Args:
        unlock: the ssh server of its initramfs.
        system: the ssh server of the system that is on its disk.
        timeout: seconds to wait in all.
        pause: seconds between two attempts.
    """

    def __init__(self, unlock: Endpoint, system: Endpoint, timeout: float, pause: float = _PAUSE_S) -> None:
        self._unlock, self._system, self._pause = unlock, system, pause
        self._until, self._timeout = time.monotonic() + timeout, timeout

    def find(self) -> Found:
        """Wait until the machine waits for its passphrase or runs; both by their pinned host keys.

        Raises:
            UnlockError: neither in time, or something else answers on the unlock port.
        """
        while True:
            server = meet(self._unlock)
            if server.trusted and "dropbear" in server.software:
                return Found.LOCKED
            if meet(self._system).trusted:
                return Found.RUNNING
            if server.software:
                raise self._stranger(server)
            self._rest(server.said)

    def unlock(self, passphrase: str) -> None:
        """Send the passphrase until the machine is unlocked; a wrong one is sent once.

        Raises:
            UnlockError: it is not; the code says why.
        """
        silent = 0
        while self.find() is Found.LOCKED:
            attempt = self._send(passphrase)
            if attempt.done:
                return
            silent = silent + 1 if attempt.no_prompt else 0
            if silent >= _SILENT_PROMPTS:
                raise UnlockError(
                    Code.NO_DISK,
                    f"{self._unlock} does not ask for a passphrase: it does not find the disk with the encrypted root",
                    "Look at the machine's console; from the rescue system see whether the disk is dead. It still waits.",
                )
            self._rest("it was not ready for the passphrase")

    def _send(self, passphrase: str) -> Attempt:
        try:
            run(self._unlock.ssh(command=("cryptroot-unlock",)), stdin=passphrase, timeout=_SEND_S)
        except CommandError as error:
            return self._judge(error.stderr)
        return Attempt(done=True)

    def _judge(self, said: str) -> Attempt:
        """What cryptroot-unlock or ssh said, where the attempt did not simply succeed."""
        if "set up successfully" in said:  # the connection ended with the initramfs
            return Attempt(done=True)
        for words, code, message, hint in _REFUSALS:
            if words in said:
                raise UnlockError(code, f"{self._unlock}: {message}", hint)
        if (problem := _host_key_problem(said)) is not None:
            raise self._stranger(Server("ssh", problem, said))
        return Attempt(no_prompt="waiting for askpass" in said)

    def _stranger(self, server: Server) -> UnlockError:
        endpoint, file = self._unlock, self._unlock.known_hosts
        if server.code is Code.WRONG_HOST_KEY:
            return UnlockError(
                server.code,
                f"{endpoint} has another host key than the one pinned in {file}; nothing was sent to it",
                "Either somebody stands in between, or its initramfs was made anew with other keys. Compare its "
                "fingerprint by another way (the provider's console), then pin the new key.",
            )
        if server.code is Code.UNKNOWN_HOST_KEY:
            return UnlockError(
                server.code,
                f"no host key of {endpoint} is pinned in {file}; nothing was sent to it",
                f"install.yml pins it. By hand: add a line that begins with [{endpoint.host}]:{endpoint.port}.",
            )
        return UnlockError(
            Code.NOT_DROPBEAR,
            f"on {endpoint} answers {server.software}, not the initramfs's dropbear; nothing was sent to it",
            "Is that the port of the unlocking (remote_unlock_port)?",
        )

    def _rest(self, said: str) -> None:
        if time.monotonic() + self._pause > self._until:
            raise UnlockError(
                Code.NO_ANSWER,
                f"{self._unlock} did not answer within {self._timeout:.0f} s ({said})",
                "Is the machine on, is its network up, does a firewall let the port through? Its console tells.",
            )
        time.sleep(self._pause)


_REFUSALS = (
    (
        "bad password or options",
        Code.REFUSED,
        "the passphrase is wrong",
        "The machine still waits: run it again with the right one.",
    ),
    (
        "maximum number of tries exceeded",
        Code.GIVEN_UP,
        "the passphrase is wrong, and it was the last try that the machine allows",
        "It must be rebooted (tries=0 in /etc/crypttab lets it wait for ever).",
    ),
    (
        "Permission denied",
        Code.LOGIN_REFUSED,
        "it does not let this ssh key in",
        "Give the private key of one of remote_unlock_authorized_keys.",
    ),
)
