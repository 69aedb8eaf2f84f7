"""What the running machine says of each setting: the kernel, or the program that obeys it; no file of ours.

The kernel of a container is its host's: there, all that belongs to a kernel can't be had, and nothing of it is touched.
"""

from __future__ import annotations

import grp
import json
import pwd
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from stat import S_IMODE

from ..core.run import CommandError, run
from .files import audit_rules
from .model import Kind, Reading, Setting

IN_CONTAINER = Path("/run/systemd/container")
GRUB = Path("/usr/sbin/update-grub")
_MENU = "/boot/grub/grub.cfg"
_FOREIGN = Reading(None, "this machine is a container: its kernel is its host's")
_OF_THE_KERNEL = {Kind.WORD, Kind.MODULE, Kind.LOCK, Kind.APPARMOR, Kind.AUDIT}
Found = Mapping[str, Reading]


def read(settings: Sequence[Setting]) -> dict[str, Reading]:
    """Name → what the machine says; nothing is left out."""
    inside = IN_CONTAINER.exists()
    found: dict[str, Reading] = {}
    for kind, ask in _READERS.items():
        these = [setting for setting in settings if setting.kind is kind]
        foreign = [one for one in these if inside and _is_of_the_kernel(one)]
        answers = ask([one for one in these if one not in foreign]) if len(foreign) < len(these) else {}
        found |= {one.name: answers.get(one.key, _FOREIGN) for one in these}
    return found


def _is_of_the_kernel(setting: Setting) -> bool:
    """Whether a container has no such thing of its own. Of sysctls it has the network's."""
    own = setting.key.startswith("net.") and not setting.key.startswith("net.core.")
    return setting.kind in _OF_THE_KERNEL or (setting.kind is Kind.SYSCTL and not own)


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _words(settings: Sequence[Setting]) -> dict[str, Reading]:
    given = (_text("/proc/cmdline") or "").split()
    menu = handed(_text(_MENU) or "")
    return {one.key: _word(one, given, menu) for one in settings}


def handed(menu: str) -> list[list[str]]:
    """What GRUB hands each kernel of its menu."""
    lines = [line.split() for line in menu.splitlines()]
    return [words[2:] for words in lines if words[:1] == ["linux"]]


def _word(setting: Setting, given: Sequence[str], menu: Iterable[Sequence[str]]) -> Reading:
    said = _said(setting.key, given)
    if said == setting.value:
        return Reading(said)
    if not GRUB.exists():
        return Reading(
            None, "GRUB does not start this machine: give its kernel this word where it is started"
        )
    comes = any(_said(setting.key, words) == setting.value for words in menu)
    return Reading(
        said or "not given", later="the kernel's command line is read at its start" if comes else ""
    )


def _said(key: str, words: Sequence[str]) -> str:
    """The word that counts: the kernel takes the last of several."""
    return next((word for word in reversed(words) if word.partition("=")[0] == key), "")


def sysctl_path(key: str) -> Path:
    """Where the kernel shows it."""
    return Path("/proc/sys", *key.split("."))


def _sysctls(settings: Sequence[Setting]) -> dict[str, Reading]:
    return {one.key: _sysctl(one.key) for one in settings}


def _sysctl(key: str) -> Reading:
    value = _text(str(sysctl_path(key)))
    return Reading(None, "this kernel has no such key") if value is None else Reading(value)


def _modules(settings: Sequence[Setting]) -> dict[str, Reading]:
    refused = refused_modules(run(["modprobe", "--showconfig"]))
    loaded = {line.split()[0] for line in (_text("/proc/modules") or "").splitlines()}
    return {one.key: _module(one.key, refused, loaded) for one in settings}


def refused_modules(config: str) -> set[str]:
    """From all that modprobe is told. Where a module has a softdep as well, it does not obey the install line."""
    install = re.findall(r"^install (\S+) /bin/false$", config, re.MULTILINE)
    softdep = re.findall(r"^softdep (\S+) ", config, re.MULTILINE)
    return set(install) - set(softdep)


def _module(name: str, refused: Iterable[str], loaded: Iterable[str]) -> Reading:
    if name in loaded:
        return Reading("loaded", later="it is loaded already and may be in use")
    if Path("/sys/module", name).exists():
        return Reading(None, "it is built into this kernel")
    return Reading("refused" if name in refused else "may be loaded")


def _lock(settings: Sequence[Setting]) -> dict[str, Reading]:
    value = _text("/proc/sys/kernel/modules_disabled")
    if value is None:
        return {one.key: Reading(None, "this kernel has no modules") for one in settings}
    return {one.key: Reading(value, later="it is set five minutes after a boot") for one in settings}


def _mounts(settings: Sequence[Setting]) -> dict[str, Reading]:
    there = mounted(_text("/proc/self/mountinfo") or "")
    return {one.key: _mount(one, there) for one in settings}


def mounted(mountinfo: str) -> dict[str, tuple[str, str]]:
    """Mount point → the mount's options and its file system's; the topmost one where several lie over each other."""
    lines = [line.split(" ") for line in mountinfo.splitlines()]
    return {words[4]: (words[5], words[-1]) for words in lines}


def _mount(setting: Setting, there: Mapping[str, tuple[str, str]]) -> Reading:
    if setting.key not in there:
        return Reading(None, "nothing is mounted there")
    options = {_named(option) for option in ",".join(there[setting.key]).split(",")}
    # In the table's order, so that the two can be compared; what else there is does not matter.
    return Reading(",".join(one for one in setting.value.split(",") if one in options))


def _named(option: str) -> str:
    """The kernel gives numbers, people names."""
    key, _equals, number = option.partition("=")
    if key == "gid" and number.isdigit():
        return f"gid={_group(int(number))}"
    return option


def _sshd(settings: Sequence[Setting]) -> dict[str, Reading]:
    said = dict(line.partition(" ")[::2] for line in run(["sshd", "-T"]).splitlines())
    missing = Reading(None, "this sshd knows no such option")
    return {one.key: Reading(said[one.key]) if one.key in said else missing for one in settings}


def _apparmor(settings: Sequence[Setting]) -> dict[str, Reading]:
    return {one.key: _enforced() for one in settings}


def _enforced() -> Reading:
    if _text("/sys/module/apparmor/parameters/enabled") != "Y":
        return Reading(None, "this kernel runs without AppArmor")
    try:
        said = json.loads(run(["aa-status", "--json"]))
    except CommandError as error:
        return Reading(f"unknown: {error}")
    return Reading(_profiles(said["profiles"], said["processes"]))


def _profiles(profiles: Mapping[str, str], processes: Mapping[str, Sequence[Mapping[str, str]]]) -> str:
    if "enforce" not in profiles.values():
        return "no profile is enforced"
    complaining = {
        one["profile"] for each in processes.values() for one in each if one["status"] == "complain"
    }
    return f"complaining: {', '.join(sorted(complaining))}" if complaining else "enforced"


def _audit(settings: Sequence[Setting]) -> dict[str, Reading]:
    try:
        loaded = set(run(["auditctl", "-l"]).splitlines())
    except CommandError as error:
        return {
            one.key: Reading("not audited" if error.code == 127 else f"unknown: {error}") for one in settings
        }
    return {one.key: Reading(_loaded(one, loaded)) for one in settings}


def _loaded(setting: Setting, loaded: Iterable[str]) -> str:
    """The setting's rules that the kernel has, as in the table."""
    rules = zip(setting.value.splitlines(), audit_rules(setting), strict=True)
    return "\n".join(rule for rule, whole in rules if whole in loaded) or "not audited"


def _manager(settings: Sequence[Setting]) -> dict[str, Reading]:
    asked = [f"--property={one.key}" for one in settings]
    said = dict(line.partition("=")[::2] for line in run(["systemctl", "show", *asked]).splitlines())
    return {one.key: Reading(said.get(one.key, "")) for one in settings}


def _sessions(settings: Sequence[Setting]) -> dict[str, Reading]:
    # Who asks may have got the mask from the setting, and a session that sets none inherits it.
    session = "umask 022; exec su --login root --command 'umask; ulimit -H -c'"
    umask, core = run(["sh", "-c", session]).split()[-2:]
    values = {"umask": umask, "core": core}
    return {one.key: Reading(values[one.key]) for one in settings}


def _modes(settings: Sequence[Setting]) -> dict[str, Reading]:
    return {one.key: _mode(Path(one.key)) for one in settings}


def _mode(path: Path) -> Reading:
    try:
        found = path.stat()
    except FileNotFoundError:
        return Reading(None, "there is no such file")
    return Reading(f"{_user(found.st_uid)} {_group(found.st_gid)} {S_IMODE(found.st_mode):04o}")


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


_READERS: dict[Kind, Callable[[Sequence[Setting]], dict[str, Reading]]] = {
    Kind.WORD: _words, Kind.SYSCTL: _sysctls, Kind.MODULE: _modules, Kind.LOCK: _lock, Kind.MOUNT: _mounts,
    Kind.SSHD: _sshd, Kind.APPARMOR: _apparmor, Kind.AUDIT: _audit, Kind.SYSTEMD: _manager, Kind.SESSION: _sessions,
    Kind.MODE: _modes,
}  # fmt: skip
