"""What is decided about kernels. Pure: from what is written down and found, to what is to be done or refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ...core.errors import SkerryError
from .record import Outcome, Proven, Record, Trial

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")
_IMAGE, _VERSIONED = "linux-image-", re.compile(r"linux-image-\d[^\s,]*")
_PARTS = ("image", "binary", "modules", "base")
_GONE = ("not-installed", "config-files")
ENTRY = "skerry-trial"
"""The id of the menu's entry for a trial boot."""
DIED = {
    "": "it never came as far as its initramfs: GRUB did not start it, or it died at once",
    "initramfs": "it died in its initramfs, before anybody unlocked it: a panic, or a hang that the watchdog ended",
    "locked": "nobody unlocked it within the time limit",
    "opened": "it died after root was opened: a panic, or a hang that the watchdog ended",
}
"""What is known where the system itself could not say why, by how far the initramfs has noted that it came."""


@dataclass(frozen=True)
class Found:
    """The machine as it is.

    Attributes:
        running: the version of the running kernel.
        installed: digests of the installed kernels' images, by version.
        boot: the kernel's id of this boot.
        on_trial: whether this boot is a trial boot.
        secure_boot: whether the firmware starts signed programs only.
        ours: whether install.yml made this machine.
        followed: the versions that packages such as linux-image-amd64 brought last, and are gone with.
    """

    running: str
    installed: Mapping[str, str]
    boot: str = ""
    on_trial: bool = False
    secure_boot: bool = False
    ours: bool = True
    followed: frozenset[str] = frozenset()


def numbers(version: str) -> tuple[int, ...]:
    """What counts of a kernel's name when two are compared: 6.12.57+deb13-amd64 is (6, 12, 57)."""
    found = _NUMBERS.match(version)
    return tuple(map(int, found[0].split("."))) if found else ()


def refuse_foreign(found: Found) -> None:
    """Refuse to change anything about kernels on a machine that is not ours.

    Raises:
        SkerryError: it is not.
    """
    if not found.ours:
        raise SkerryError(
            "install.yml did not make this machine",
            "How it starts is its operator's own business: kernels come by apt (docs/how-to/kernels.md).",
        )


def refuse(version: str, record: Record, found: Found, *, older: bool = False) -> None:
    """Refuse a trial that can't be, or must not be.

    Raises:
        SkerryError: the first reason.
    """
    for message, hint in _refusals(version, record, found, older=older):
        raise SkerryError(message, hint)


def _refusals(version: str, record: Record, found: Found, *, older: bool) -> Iterator[tuple[str, str]]:
    if found.secure_boot:
        yield (
            "Secure Boot is on: GRUB, as it is installed here, starts without it only",
            "Switch it off in the firmware.",
        )
    # Once it has proven itself, it is as any other kernel, to the end of that boot.
    if found.on_trial and record.trial and record.trial.version == found.running:
        yield f"kernel {found.running} is on trial itself", "skerry-boot prove ends that."
    if version not in found.installed:
        yield f"kernel {version} is not installed", f"Installed are: {', '.join(sorted(found.installed))}."
    if version == found.running:
        yield f"kernel {version} runs already", "Name another one."
    if numbers(version) < numbers(found.running) and not older:
        yield (
            f"kernel {version} is older than the running {found.running}: holes that were closed would be open",
            "--older (kernel_trial_older: true) tries it all the same.",
        )
    if record.trial:
        yield (
            f"a trial of {record.trial.version} has begun, and the machine was not rebooted since",
            "Reboot it, or take it back: skerry-boot trial --cancel.",
        )


def candidate(record: Record, found: Found) -> str:
    """The newest kernel that is not older and was never tried, the running flavour if two are; empty where none is.

    On a machine that runs the hardened kernel only another one of those: Debian's next to it is the fallback.
    """
    own = _flavour(found.running)
    return max(
        (version for version in untried(record, found) if _follows(version, found.running)),
        key=lambda version: (numbers(version), _flavour(version) == own, version),
        default="",
    )


def untried(record: Record, found: Found) -> list[str]:
    """The kernels that are not older than the running one and were never tried."""
    return sorted(_unproven(record, found) - _given_up(record))


def failed(record: Record, found: Found) -> dict[str, str]:
    """The kernels that would be the candidate had they not been given up, and why they were."""
    there = {version for version in _unproven(record, found) if _follows(version, found.running)}
    return {one.version: one.reason for one in record.outcomes if not one.proven and one.version in there}


def _given_up(record: Record) -> set[str]:
    return {one.version for one in record.outcomes if not one.proven}


def _unproven(record: Record, found: Found) -> set[str]:
    return {
        version
        for version in found.installed
        if not _proven_image(record, found, version)
        and version != found.running
        and numbers(version) >= numbers(found.running)
    }


def _flavour(version: str) -> str:
    """Of 6.12.57+deb13-cloud-amd64 it is cloud-amd64, of 6.12.118-skerry-lab-631a3cf9 skerry-lab."""
    flavour = version.partition("-")[2]
    return flavour.rpartition("-")[0] if _hardened(version) else flavour


def _follows(version: str, running: str) -> bool:
    return _hardened(version) or not _hardened(running)


def _hardened(version: str) -> bool:
    return "-skerry-" in version


def _proven_image(record: Record, found: Found, version: str) -> bool:
    return any(one.version == version and one.digest == found.installed[version] for one in record.proven)


def settle(record: Record, found: Found, stages: Iterable[str], now: str) -> Record:
    """What is to be written down at a boot or after a change of packages, outside of a trial boot.

    Args:
        record: what is written down.
        found: the machine.
        stages: how far a trial came, as each /boot has it; none where it was not even tried.
        now: in UTC, ISO 8601.
    """
    # A kernel whose image was replaced has to prove itself again, unless it runs and there is nothing else to go by.
    proven = tuple(one for one in record.proven if found.installed.get(one.version) == one.digest)
    if not proven and found.running in found.installed:
        proven = (*proven, Proven(found.running, found.installed[found.running], now, "running"))
    names = [one.version for one in proven]
    default = record.default if record.default in names else (names[-1] if names else "")
    settled = replace(record, proven=proven, default=default)
    if record.trial and record.trial.version not in found.installed and record.trial.boot == found.boot:
        return replace(settled, trial=None)  # removed, before it was booted
    if record.trial and not found.on_trial and record.trial.boot != found.boot:
        known = [stage for stage in stages if stage in DIED]
        reason = record.trial.ended or DIED[max(known, key=list(DIED).index, default="")]
        settled = settled.ended(Outcome(record.trial.version, now, proven=False, reason=reason))
    return settled


def promote(record: Record, found: Found, now: str) -> Record:
    """The kernel on trial has proven itself: it is the default from now on.

    Raises:
        SkerryError: it is not the one that runs.
    """
    trial = on_trial(record, found)
    others = tuple(one for one in record.proven if one.version != trial.version)
    proven = Proven(trial.version, found.installed[trial.version], now, "trial")
    done = replace(record, proven=(*others, proven), default=trial.version)
    return done.ended(Outcome(trial.version, now, proven=True))


def choose(version: str, record: Record) -> Record:
    """Have a kernel that has proven itself be the default.

    Raises:
        SkerryError: it has not, or a trial is under way.
    """
    names = [one.version for one in record.proven]
    if version not in names:
        raise SkerryError(
            f"kernel {version} has not proven itself",
            f"These have: {', '.join(names) or 'none'}. skerry-boot trial tries another one.",
        )
    if record.trial:
        raise SkerryError(
            f"a trial of {record.trial.version} is under way", "skerry-boot prove or trial --cancel ends it."
        )
    return replace(record, default=version)


def on_trial(record: Record, found: Found) -> Trial:
    """The trial that this boot is.

    Raises:
        SkerryError: it is none.
    """
    if record.trial is None or not found.on_trial or record.trial.version != found.running:
        raise SkerryError(
            f"kernel {found.running} is not on trial",
            "playbooks/kernel/trial.yml begins one, with a new kernel.",
        )
    return record.trial


def keep(record: Record, found: Found) -> frozenset[str]:
    """The kernels that must stay: what runs, what starts next, one that is proven besides the running, and the newest.

    That may wait for its trial; one that was given up is not it. Also those that a package follows, which would be removed
    with them: then no security update came any more.
    """
    spare = [one.version for one in record.proven if one.version != found.running]
    must = {found.running, record.default, newest(set(found.installed) - _given_up(record)), *found.followed}
    must |= {record.trial.version} if record.trial else set()
    return frozenset(must if must & set(spare) else {*must, *spare[-1:]}) & set(found.installed)


def followed(packages: str) -> frozenset[str]:
    """The versions of kernels that packages without a version depend on.

    Args:
        packages: a line for each: its state, its name, what it depends on, with tabs in between.
    """
    lines = [line.split("\t") for line in packages.splitlines()]
    there = [depends for state, name, depends in lines if state not in _GONE and not _VERSIONED.match(name)]
    return frozenset(name.removeprefix(_IMAGE) for text in there for name in _VERSIONED.findall(text))


def holders(packages: str, version: str) -> list[str]:
    """The installed packages that hold a kernel's files.

    Args:
        packages: a line for each: its state, its name, with a tab in between.
        version: the kernel.
    """
    names = {f"linux-{part}-{version}" for part in _PARTS}
    lines = [line.split("\t") for line in packages.splitlines()]
    return [name for state, name in lines if state == "installed" and name in names]


def newest(versions: Iterable[str]) -> str:
    """The newest of some kernels."""
    return max(versions, key=_age, default="")


def _age(version: str) -> tuple[tuple[int, ...], str]:
    return numbers(version), version


def prune(record: Record, found: Found) -> tuple[str, ...]:
    """The kernels that may go, the oldest first."""
    kept = keep(record, found)
    return tuple(sorted((version for version in found.installed if version not in kept), key=numbers))


def words(trial_boot: str, unlock: int, watchdog: int, modules: Iterable[str]) -> tuple[str, ...]:
    """What a trial boot has on its command line besides what every boot has.

    Args:
        trial_boot: the UUID of the /boot that GRUB starts it from.
        unlock: seconds within which somebody must unlock it.
        watchdog: seconds without food after which the watchdog resets the machine.
        modules: that may drive a watchdog, the best first.
    """
    return (
        "panic=10",
        "oops=panic",
        f"skerry.trial={trial_boot}",
        f"skerry.unlock={unlock}",
        f"skerry.watchdog={','.join([str(watchdog), *modules])}",
    )


def entry(menu: str, version: str, extra: Iterable[str]) -> str:
    """The menu's entry for a trial boot: as the menu has it for this kernel, with more on its command line.

    Args:
        menu: GRUB's menu, grub.cfg.
        version: the kernel.
        extra: words for its command line.

    Raises:
        SkerryError: the menu has no entry for it.
    """
    kernel = re.compile(rf"^\s*linux\s+\S*/vmlinuz-{re.escape(version)}\s(?!.*\ssingle\b)")
    for body in _entries(menu):
        if any(kernel.match(line) for line in body):
            lines = [f"{line} {' '.join(extra)}" if kernel.match(line) else line for line in body]
            # What GRUB can't start ends in the kernel that the menu begins with, not at the menu.
            head = ["set fallback=0", f"menuentry 'Trial of kernel {version}' --id {ENTRY} {{"]
            return "\n".join([*head, *lines, "}", ""])
    raise SkerryError(f"GRUB's menu has no entry for kernel {version}", "Write it anew: update-grub.")


def _entries(menu: str) -> Iterator[list[str]]:
    """The lines inside of each menu entry."""
    body: list[str] | None = None
    for line in menu.splitlines():
        if line.lstrip().startswith("menuentry "):
            body = []
        elif body is not None and line.strip() == "}":
            yield body
            body = None
        elif body is not None:
            body.append(line)


def first(menu: str) -> str:
    """The version of the kernel that GRUB starts unless told otherwise; empty where the menu has none."""
    found = re.search(r"^\s*linux\s+\S*/vmlinuz-(\S+)", menu, re.MULTILINE)
    return found[1] if found else ""


def top_level(version: str) -> str:
    """What makes a kernel the first of GRUB's menu, for /etc/default/grub.d."""
    return (
        "# Written by skerry-boot: the kernel that has proven itself, whatever else is installed.\n"
        f'GRUB_TOP_LEVEL="/boot/vmlinuz-{version}"\n'
    )


def protection(versions: Iterable[str]) -> str:
    """What keeps `apt autoremove` from kernels, for /etc/apt/apt.conf.d."""
    names = (re.sub(r"[.+]", r"\\\g<0>", version) for version in sorted(versions))
    patterns = "".join(f'    "^linux-image-{name}$";\n' for name in names)
    why = "// Written by skerry-boot: kernels that this machine may have to come back to.\n"
    return f"{why}APT::NeverAutoRemove {{\n{patterns}}};\n"
