"""What a container's start is told, as bytes: files of zero-ended strings, which carry any text as it is. Pure text.

``description`` is read inside the container, by ``/dev/skerry/enter`` (packaging/skerry-launch/src/enter.c); ``start_file``
outside, by ``/usr/lib/skerry/start`` (start.c).
"""

from collections.abc import Iterable, Sequence

from skerry.model.program import Profile

Mount = tuple[str, str, str]
"""Where it lies, where it goes, and how: ``rw`` or ``ro`` with the container's ids, ``file`` for a file of the host's.

A secret is one as well: the name of the credential, that of the file in /run/secrets, and :func:`secret_file`.
"""

# include/uapi/linux/capability.h
CAPABILITIES = {
    "chown": 0,
    "dac_override": 1,
    "fowner": 3,
    "fsetid": 4,
    "kill": 5,
    "setgid": 6,
    "setuid": 7,
    "net_bind_service": 10,
}
# Further ones of a build: none of them is an option of an app.
_OF_BUILDS = {
    "dac_read_search": 2,
    "setpcap": 8,
    "sys_chroot": 18,
    "sys_admin": 21,
    "sys_resource": 24,
    "mknod": 27,
    "audit_write": 29,
    "setfcap": 31,
}
# What root of a whole Debian keeps, as enter.c has it too: without sys_admin systemd does not start. There is no
# sys_module, sys_rawio, sys_time, syslog or mac_admin. None of it counts outside the container's own user namespace.
SYSTEM = (
    *(
        "audit_write",
        "chown",
        "dac_override",
        "dac_read_search",
        "fowner",
        "fsetid",
        "kill",
        "mknod",
        "net_admin",
    ),
    *(
        "net_bind_service",
        "net_raw",
        "setfcap",
        "setgid",
        "setpcap",
        "setuid",
        "sys_admin",
        "sys_boot",
        "sys_chroot",
    ),
    *("sys_nice", "sys_ptrace", "sys_resource"),
)
# What root of a build keeps: it makes root file systems for others, so it mounts, and makes namespaces. Nothing that a step
# of a Dockerfile needs asks for net_admin, net_raw, sys_ptrace, sys_boot or sys_nice.
BUILD = tuple(sorted(CAPABILITIES | _OF_BUILDS))
NOTIFY = "/dev/skerry/own/notify"
"""Where the init of a whole Debian says when it is up (start.c)."""
# What enter itself needs, until it gives up all that is not granted.
ENTER = ("setgid", "setuid", "setpcap")


def _zero_ended(words: Iterable[str]) -> bytes:
    return "".join(f"{word}\0" for word in words).encode()


def description(
    command: Sequence[str],
    env: Sequence[str],
    *,
    user: str = "",
    groups: Sequence[str] = (),
    workdir: str = "",
    capabilities: Iterable[str] = (),
    profile: Profile = "app",
) -> bytes:
    """A program to be run inside, for ``enter``.

    Args:
        command: program and arguments.
        env: ``NAME=value`` each.
        user: ``USER`` or ``USER:GROUP``, names of the image's or numbers; root where it is empty.
        groups: further groups, names or numbers.
        workdir: the folder that it starts in; ``/`` where it is empty.
        capabilities: what root keeps.
        profile: ``system``, where it is of a whole Debian, whose root keeps what ``SYSTEM`` says; ``build``, where its root
            keeps what ``BUILD`` says. The filter of both lets namespaces and mounts be made.
    """
    kept = BUILD if profile == "build" else capabilities
    mask = f"{sum(1 << (CAPABILITIES | _OF_BUILDS)[name] for name in set(kept)):x}"
    rights = {"app": mask, "build": f"+{mask}", "system": "system"}[profile]
    return _zero_ended([user, ",".join(groups), workdir, rights, str(len(env)), *env, *command])


def secret_file(mode: str, owner: tuple[int, int], version: int) -> str:
    """How a secret is a file: its permissions in octal, its owner. Its version is for who compares two starts."""
    return f"{mode} {owner[0]} {owner[1]} {version}"


def start_file(
    container_id: str, folder: str, files: str, uid_base: int, lowers: Sequence[str], mounts: Iterable[Mount]
) -> bytes:
    """A container to be started, for ``start``.

    Args:
        container_id: its id.
        folder: its folder below /run.
        files: the folder of its own files.
        uid_base: first id of its range.
        lowers: where its images are mounted, the topmost first.
        mounts: what is bound into its root.
    """
    bound = [word for mount in mounts for word in mount]
    return _zero_ended([container_id, folder, files, str(uid_base), str(len(lowers)), *lowers, *bound])
