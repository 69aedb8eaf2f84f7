"""Places inside a container where something of its owner's may be mounted."""

# Mounted or written by the host when a container starts; LXC follows no link there, and a program trusts what it reads.
HOST_MADE = ("/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/secrets")
_LONGEST_NAME, _LONGEST_PATH = 255, 4095  # NAME_MAX, PATH_MAX


def mount_point(path: str) -> str:
    """Refuse a path that nothing can be mounted at, or that would cover what the host makes.

    Raises:
        ValueError: it is none; names the rule.
    """
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not a whole path; begin with /, such as /var/lib/data")
    parts = path[1:].split("/")
    if {"", ".", ".."} & set(parts):
        raise ValueError(f"{path!r} is not a plain path; leave out . and .., and a slash twice or last")
    try:
        longest, length = max(len(part.encode()) for part in parts), len(path.encode())
    except UnicodeEncodeError:
        raise ValueError("a path is not UTF-8; give text") from None
    if "\0" in path or longest > _LONGEST_NAME or length > _LONGEST_PATH:
        raise ValueError(
            f"no folder can be called {path[:60]!r}…; give at most {_LONGEST_NAME} bytes a name, and no zero byte"
        )
    for made in HOST_MADE:
        if _within(path, made) or _within(made, path):
            raise ValueError(f"{path!r} would cover {made}, which the host makes; choose another folder")
    return path


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
