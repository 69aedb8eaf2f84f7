"""The files that bring the settings about at every boot. Pure.

Each is Skerry's own, beside Debian's: one that no setting needs is not there. What lives in no file of ours, permissions,
is with dpkg-statoverride (put.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from .model import Kind, Setting

Argv = tuple[str, ...]

HEAD = "# Written by the role hardening: changes here are lost. Each line's reason: docs/reference/hardening.md\n"
MOUNTS_UNIT, LOCK_UNIT, LOCK_TIMER = (
    "skerry-mounts.service",
    "skerry-modules-lock.service",
    "skerry-modules-lock.timer",
)
UNITS = "/etc/systemd/system"
GRUB = "/etc/default/grub.d/zz-skerry-hardening.cfg"
AUDIT_RULES = "/etc/audit/rules.d/skerry-hardening.rules"
_RELOAD: Argv = ("systemctl", "daemon-reload")


@dataclass(frozen=True)
class File:
    """A file, and what has to be run after it was written or removed.

    Attributes:
        kind: which settings it holds.
        then: after it was written; after it was removed as well, but for those in ``only_written``.
        check: after it was written, before ``then``; where that fails, it is put back as it was.
        first: before it is removed.
    """

    kind: Kind
    path: str
    content: str
    then: tuple[Argv, ...] = ()
    check: Argv = ()
    only_written: tuple[Argv, ...] = ()
    first: tuple[Argv, ...] = ()


def files(settings: Sequence[Setting]) -> tuple[File, ...]:
    """Every file there could be, with what these settings make it hold; nothing where none of them needs it."""
    kinds = {kind: [setting for setting in settings if setting.kind is kind] for kind in Kind}
    return tuple(chain.from_iterable(write(kinds[kind]) for kind, write in _WRITERS.items()))


def _text(lines: Sequence[str]) -> str:
    return HEAD + "".join(f"{line}\n" for line in lines) if lines else ""


def _words(on: Sequence[Setting]) -> tuple[File, ...]:
    words = " ".join(setting.value for setting in on)
    lines = [f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {words}"'] if on else []
    return (File(Kind.WORD, GRUB, _text(lines), (("update-grub",),)),)


def _sysctls(on: Sequence[Setting]) -> tuple[File, ...]:
    # A dash: a kernel that lacks the key is told of by the role, not by a failed unit at each boot.
    lines = [f"-{setting.key} = {setting.value}" for setting in on]
    return (File(Kind.SYSCTL, "/etc/sysctl.d/80-skerry-hardening.conf", _text(lines)),)


def _modules(on: Sequence[Setting]) -> tuple[File, ...]:
    return (
        File(
            Kind.MODULE,
            "/etc/modprobe.d/skerry-hardening.conf",
            _text([f"install {setting.key} /bin/false" for setting in on]),
        ),
    )


def _lock(on: Sequence[Setting]) -> tuple[File, ...]:
    enable, disable = ("systemctl", "enable", LOCK_TIMER), ("systemctl", "disable", LOCK_TIMER)
    return (
        File(Kind.LOCK, f"{UNITS}/{LOCK_UNIT}", _LOCK_SERVICE if on else "", (_RELOAD,)),
        # Not started: it holds from the next boot on, nobody is surprised in the middle of the day.
        File(
            Kind.LOCK,
            f"{UNITS}/{LOCK_TIMER}",
            _LOCK_TIMER if on else "",
            (_RELOAD,),
            only_written=(enable,),
            first=(disable,),
        ),
    )


def _mounts(on: Sequence[Setting]) -> tuple[File, ...]:
    enable, disable = ("systemctl", "enable", MOUNTS_UNIT), ("systemctl", "disable", MOUNTS_UNIT)
    starts = [f"ExecStart=-mount -o {remount_options(one.key, one.value)} {one.key}" for one in on]
    unit = _MOUNTS_SERVICE.format(starts="\n".join(starts)) if on else ""
    proc = _text(["[Service]", "SupplementaryGroups=adm"] if any(one.key == "/proc" for one in on) else [])
    restart = ("systemctl", "try-restart", "systemd-logind.service")
    return (
        File(
            Kind.MOUNT, f"{UNITS}/{MOUNTS_UNIT}", unit, (_RELOAD,), only_written=(enable,), first=(disable,)
        ),
        File(Kind.MOUNT, f"{UNITS}/systemd-logind.service.d/skerry-hardening.conf", proc, (_RELOAD, restart)),
    )


def remount_options(place: str, options: str) -> str:
    """What mount is told: for /proc the file system's own options, elsewhere the mount's."""
    return f"remount,{options}" if place == "/proc" else f"remount,bind,{options}"


def _sshd(on: Sequence[Setting]) -> tuple[File, ...]:
    lines = [f"{setting.key} {setting.value}" for setting in on]
    # sshd takes the first value that it reads: before base_system's file, and those of others.
    path = "/etc/ssh/sshd_config.d/00-skerry-hardening.conf"
    return (
        File(Kind.SSHD, path, _text(lines), (("systemctl", "reload", "ssh.service"),), check=("sshd", "-t")),
    )


def _audit(on: Sequence[Setting]) -> tuple[File, ...]:
    lines = [rule for setting in on for rule in audit_rules(setting)]
    return (File(Kind.AUDIT, AUDIT_RULES, _text(lines), (("augenrules", "--load"),)),)


def audit_rules(setting: Setting) -> list[str]:
    """A setting's rules, each with the key by which they are found again; as `auditctl -l` prints them."""
    key = f"skerry-{setting.key}"
    return [
        f"{rule} {'-k ' if rule.startswith('-w') else '-F key='}{key}" for rule in setting.value.splitlines()
    ]


def _manager(on: Sequence[Setting]) -> tuple[File, ...]:
    lines = ["[Manager]", *(f"{setting.key}={setting.value}" for setting in on)] if on else []
    return (File(Kind.SYSTEMD, "/etc/systemd/system.conf.d/skerry-hardening.conf", _text(lines), (_RELOAD,)),)


def _sessions(on: Sequence[Setting]) -> tuple[File, ...]:
    values = {setting.key: setting.value for setting in on}
    limits = [f"{who} hard core {values['core']}" for who in ("*", "root")] if "core" in values else []
    umask = [f"UMASK={values['umask']}"] if "umask" in values else []
    # pam_umask reads this file where /etc/login.defs says nothing, as on Debian 13.
    return (
        File(Kind.SESSION, "/etc/security/limits.d/skerry-hardening.conf", _text(limits)),
        File(Kind.SESSION, "/etc/default/login", _text(umask)),
    )


_WRITERS: dict[Kind, Callable[[Sequence[Setting]], tuple[File, ...]]] = {
    Kind.WORD: _words, Kind.SYSCTL: _sysctls, Kind.MODULE: _modules, Kind.LOCK: _lock, Kind.MOUNT: _mounts,
    Kind.SSHD: _sshd, Kind.AUDIT: _audit, Kind.SYSTEMD: _manager, Kind.SESSION: _sessions,
}  # fmt: skip

# What the platform may need later: the first container, a new disk in the mirror, a keyboard at the console.
_NEEDED = (
    "bridge dm_crypt erofs fuse hid_generic loop nls_ascii nls_cp437 nls_iso8859_1 overlay raid1 tun usbhid"
    " veth vfat xhci_pci"
)
_LOCK_SERVICE = f"""{HEAD}[Unit]
Description=Load no kernel module any more, until the next boot
ConditionVirtualization=!container
After=multi-user.target

[Service]
Type=oneshot
ExecStartPre=-modprobe --all --quiet {_NEEDED}
ExecStart=sh -c 'echo 1 > /proc/sys/kernel/modules_disabled'
"""

_LOCK_TIMER = f"""{HEAD}[Unit]
Description=Once the boot has settled, load no kernel module any more

# Not from the kernel's start on: it may have waited for its passphrase for hours.
[Timer]
OnActiveSec=5min

[Install]
WantedBy=timers.target
"""

_MOUNTS_SERVICE = f"""{HEAD}[Unit]
Description=Take rights from what is mounted
DefaultDependencies=no
After=local-fs.target systemd-remount-fs.service
Before=sysinit.target
RequiresMountsFor=/tmp

[Service]
Type=oneshot
RemainAfterExit=yes
{{starts}}

[Install]
WantedBy=sysinit.target
"""
