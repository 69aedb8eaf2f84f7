# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What is wrong with a value of the inventory, in words for a person; empty where nothing is."""

from __future__ import annotations

import re
import tempfile
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path

_TYPES = r"ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)|sk-\S+@openssh\.com"
_KEY = re.compile(rf"(?:^|\s)((?:{_TYPES}) [A-Za-z0-9+/]{{60,}}={{0,2}})(?=\s|$)")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_UNSAFE = re.compile(r"[\"$`\\\s]")
_SERIAL = re.compile(r"(?:tty[A-Za-z]+|hvc)[0-9]+")
_SHOWN = 24  # characters of what may have been pasted by mistake


def public_keys(said: object) -> str:
    """Of a list of public ssh keys. It shows no more of them than their beginning, and nothing of a private one."""
    if not isinstance(said, list):
        return "is no list of keys: begin each of them with a dash"
    wrong = [f"no. {number} {why}" for number, key in enumerate(said, start=1) if (why := _key_problem(key))]
    return f"has what is no public ssh key: {'; '.join(wrong)}" if wrong else ""


def _key_problem(said: object) -> str:
    text = str(said).strip()
    if "PRIVATE KEY" in text:
        return "is a PRIVATE key. Give its public half, which ends in .pub"
    if len(text.splitlines()) > 1:
        return "has more than one line: give each key a dash of its own"
    shown = f"({text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''})"
    if (found := _KEY.search(text)) is None:
        return f"{shown} is none: it is one line of a file that ends in .pub, such as ssh-ed25519 AAAA…"
    return "" if _is_whole(found[1]) else f"{shown} is cut off or mistyped"


def _is_whole(key: str) -> bool:
    # Ansible has it; the environment in which ansible-test imports this file does not.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key  # noqa: PLC0415

    try:
        load_ssh_public_key(key.encode())
    except UnsupportedAlgorithm:  # of a security key, which older versions of the library cannot read
        return True
    except ValueError:
        return False
    return True


def hostname(said: object) -> str:
    """Of a server's name."""
    text = str(said)
    if not _LABEL.fullmatch(text):
        return f"is {text!r}: it must be one label of letters, digits and dashes, without dots"
    if text.isdigit():
        return f"is only a number ({text}). Name the server in the inventory, and put its address into ansible_host"
    return ""


def timezone(said: object) -> str:
    """Of a time zone; a controller without a list of them takes what looks like one."""
    known, text = zoneinfo.available_timezones(), str(said)
    right = text in known if known else re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", text) is not None
    return "" if right else f"is {text!r}, which is no time zone such as Europe/Berlin"


def serial_console(said: object) -> str:
    """Of the serial line that GRUB and the kernel show themselves on; empty for none."""
    right = said == "" or _SERIAL.fullmatch(str(said))
    return "" if right else f"is {said!r}: it must be a serial line's name, such as ttyS0"


def words(said: object) -> str:
    """Of the words of the kernel's command line, which GRUB's settings carry in quotes."""
    if not isinstance(said, list):
        return "is no list: begin each word with a dash, or put them into [ ]"
    wrong = [str(word) for word in said if not str(word) or _UNSAFE.search(str(word))]
    return f"has {wrong[0]!r}: a word has no blank, quote, $, ` or backslash" if wrong else ""


def texts(said: object) -> str:
    """Of a list of words that somebody else looks at."""
    right = isinstance(said, list) and all(isinstance(one, str) for one in said)
    return "" if right else "is no list of words: begin each with a dash, or put them into [ ]"


def port(said: object) -> str:
    """Of a TCP port."""
    text = str(said)
    right = text.isascii() and text.isdigit() and 0 < int(text) < 65536
    return "" if right else f"is {text!r}: a port is a number from 1 to 65535"


def writable(said: object) -> str:
    """Of a file on this computer that is to be written later, or is made then; empty for none.

    It tries with a file of its own beside it, which is gone at once: so it also sees a disk that is full or read-only.
    """
    return next(_refusals(Path(str(said)).expanduser()), "") if said else ""


def _refusals(path: Path) -> Iterator[str]:
    if path.exists() and not path.is_file():
        yield f"is {path}, and that is no file"
        return
    folder = next((one for one in path.absolute().parents if one.exists()), Path("/"))
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(bytes(65536))
    except OSError as error:
        yield f"is {path}, where nothing can be written: {error.strerror or error}"


KINDS: dict[str, Callable[[object], str]] = {
    "hostname": hostname,
    "port": port,
    "public_keys": public_keys,
    "serial_console": serial_console,
    "texts": texts,
    "timezone": timezone,
    "words": words,
    "writable": writable,
}
"""What a value is meant to be, and who looks at it."""
