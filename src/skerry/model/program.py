"""What is said about a program: words, variables, user, folder. Refuses what no program can be given."""

import re
from typing import Any, Literal

_LONGEST_WORD = 128 * 1024  # MAX_ARG_STRLEN
LINE_ENDS = frozenset("\n\r\0")  # of LXC's configuration, which handed the variables over in older Skerries
_LONGEST_PATH = 4096  # PATH_MAX, the end included
_GROUP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}")
_USER = re.compile(f"{_GROUP.pattern}(:{_GROUP.pattern})?")
Capability = Literal[
    "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "net_bind_service"
]
Profile = Literal["app", "system", "build"]
INIT = ("/sbin/init",)
"""What runs in a whole Debian where nothing else is named."""
OF_APPS = ("user", "groups", "workdir", "capabilities")
"""Options that a whole Debian has none of: its init is root, with rights of its own."""
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _passable(text: str) -> bool:
    """Whether a program can be given this: execve(2) takes no zero byte and 128 KiB at most, the end included."""
    try:
        return "\0" not in text and len(text.encode()) < _LONGEST_WORD
    except UnicodeEncodeError:
        return False


def check_env(value: dict[str, str]) -> dict[str, str]:
    """Refuse variables that no program could be given, and those that the host sets."""
    for name, text in value.items():
        if not _ENV_NAME.fullmatch(name) or name.startswith("SKERRY_"):
            first, *rest = re.split(r"[=:\s]", name, maxsplit=1)  # the rest may be a value, and so a secret
            raise ValueError(
                f"{first + '…' * len(rest)!r} is not a name for a variable; use letters, digits and _, and not SKERRY_…"
            )
        if not _passable(f"{name}={text}"):
            raise ValueError(
                f"the value of {name} must be text without a zero byte; give less than 128 KiB of UTF-8"
            )
    return value


def check_command(value: list[str] | None) -> list[str] | None:
    """Refuse a command without a program, or one that cannot be passed on."""
    if value is not None and (not value or not value[0]):
        raise ValueError("give the program and its arguments")
    for number, word in enumerate(value or (), start=1):
        if not _passable(word):
            raise ValueError(
                f"entry {number} must be text without a zero byte; give less than 128 KiB of UTF-8"
            )
    return value


def check_user(value: str | None) -> str | None:
    """Refuse what names no user: the image's own files decide which there are."""
    if value is not None and not _USER.fullmatch(value):
        raise ValueError("give a name or a number, and after a colon a group if it is to be another")
    return value


def check_groups(value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what names no group."""
    for number, group in enumerate(value, start=1):
        if not _GROUP.fullmatch(group):
            raise ValueError(f"entry {number} must be the name or the number of a group")
    return value


def check_capabilities(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """Each of them once, in order, and ``kill`` with ``setuid``.

    Whoever may become a user may signal that user's processes anyway. Without ``kill``, the container's init could not hand
    the stop signal to a program that has become another user: each stop would wait for its grace and then kill it.
    """
    return tuple(sorted({*value, *(["kill"] if "setuid" in value else [])}))


def check_path(value: str | None) -> str | None:
    """Refuse a folder that is not named from the root."""
    if value is not None and not (
        value.startswith("/") and _passable(value) and len(value.encode()) < _LONGEST_PATH
    ):
        raise ValueError("give a path that begins with /")
    return value
