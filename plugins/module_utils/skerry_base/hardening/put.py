"""Looks at the machine, and carries a plan out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import chown

from ..core.errors import SkerryError
from ..core.files import read_text, write_whole
from ..core.run import CommandError, run
from .files import Argv, File, files, remount_options
from .model import Kind, Setting
from .plan import Load, Put, Restore, State, Step, Write
from .read import GRUB, read, sysctl_path

BEFORE = Path("/var/lib/skerry-hardening/before.json")
"""How each thing was before Skerry set it, so that it can be given back."""
_SLOW_S = 600.0
_UNDONE = {"nosuid": "suid", "nodev": "dev", "noexec": "exec"}


def look(table: Sequence[Setting]) -> State:
    """What the machine is like now; changes nothing.

    Raises:
        SkerryError: a program that tells of it failed, or the list of former values can't be read.
    """
    have = {file.path: read_text(Path(file.path)) for file in files(())}
    return State(read(table), _remembered(), have, GRUB.exists())


def carry_out(steps: Iterable[Step]) -> None:
    """Carry a plan out.

    What must be run after a file was written is run once, after all steps. A file that its program refuses is put back.

    Raises:
        SkerryError: a step failed; those before it were done, and a new plan goes on from there.
    """
    steps = tuple(steps)
    _remember({step.setting.name: step.was for step in steps if isinstance(step, Put)})
    then: dict[Argv, None] = {}
    for step in steps:
        match step:
            case Write(file, was):
                _write(file, was)
                then |= dict.fromkeys(file.then + (file.only_written if file.content else ()))
            case Put(setting, was):
                _PUTS[setting.kind](setting.key, setting.value)
            case Restore(setting, value):
                _restore(setting, value)
            case Load(argv):
                then[argv] = None
    for argv in then:
        _run_or_put_back(argv, steps)
    _forget(step.setting.name for step in steps if isinstance(step, Restore))


def _run_or_put_back(argv: Argv, steps: Iterable[Step]) -> None:
    """Where it fails, the files that it follows are as they were: the next plan has them, and with them this, again."""
    try:
        run(argv, timeout=_SLOW_S)
    except CommandError:
        for step in steps:
            if isinstance(step, Write) and argv in step.file.then + step.file.only_written:
                _put_content(Path(step.file.path), step.was)
        raise


def _write(file: File, was: str) -> None:
    path = Path(file.path)
    if not file.content:
        for argv in file.first:
            run(argv)
    _put_content(path, file.content)
    if file.check:
        try:
            run(file.check)
        except CommandError as error:
            _put_content(path, was)
            raise SkerryError(f"{path} was refused and is as it was: {error}") from error


def _put_content(path: Path, content: str) -> None:
    """Whole or not at all; a file without content is removed."""
    if not content:
        path.unlink(missing_ok=True)
        return
    _make_folder(path.parent)
    write_whole(path, content)


def _make_folder(path: Path) -> None:
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir()
        path.chmod(0o755)  # whatever the umask


def _remembered() -> dict[str, str]:
    text = read_text(BEFORE)
    try:
        return dict(json.loads(text)) if text else {}
    except (ValueError, TypeError) as error:
        raise SkerryError(
            f"{BEFORE} is broken: {error}", "It holds how things were before: mend or remove it."
        ) from error


def _remember(values: dict[str, str]) -> None:
    """Keep them, but for what is kept already: that was before."""
    if values:
        _put_content(BEFORE, json.dumps(values | _remembered(), indent=1, sort_keys=True) + "\n")


def _forget(names: Iterable[str]) -> None:
    before, gone = _remembered(), set(names)
    if not gone & before.keys():
        return
    kept = {name: value for name, value in before.items() if name not in gone}
    _put_content(BEFORE, json.dumps(kept, indent=1, sort_keys=True) + "\n" if kept else "")
    if not kept:
        BEFORE.parent.rmdir()


def _sysctl(key: str, value: str) -> None:
    try:
        sysctl_path(key).write_text(f"{value}\n", encoding="utf-8")
    except OSError as error:
        raise SkerryError(f"the kernel refuses {value} for {key}: {error.strerror}") from error


def _mount(place: str, options: str) -> None:
    run(["mount", "-o", remount_options(place, options), place])


def _mode(path: str, value: str) -> None:
    """Also for every later version of a package that brings it."""
    user, group, mode = value.split()
    with suppress(CommandError):  # there was none
        run(["dpkg-statoverride", "--quiet", "--remove", path])
    run(["dpkg-statoverride", "--update", "--add", user, group, mode, path])


def _restore(setting: Setting, value: str) -> None:
    if not setting.one_way:
        _RESTORES[setting.kind](setting.key, setting.value, value)


def _restore_mount(place: str, given: str, before: str) -> None:
    lacked = [option for option in given.split(",") if option not in before.split(",")]
    options = [_UNDONE[option] for option in lacked if option in _UNDONE]
    if place == "/proc":
        options = ["hidepid=off", "gid=0"]
    if options:
        run(["mount", "-o", remount_options(place, ",".join(options)), place])


def _restore_mode(path: str, _given: str, before: str) -> None:
    user, group, mode = before.split()
    with suppress(CommandError):  # somebody took it away
        run(["dpkg-statoverride", "--quiet", "--remove", path])
    chown(path, user, group)
    Path(path).chmod(int(mode, 8))


_PUTS: dict[Kind, Callable[[str, str], None]] = {Kind.SYSCTL: _sysctl, Kind.MOUNT: _mount, Kind.MODE: _mode}
_RESTORES: dict[Kind, Callable[[str, str, str], None]] = {
    Kind.SYSCTL: lambda key, _given, before: _sysctl(key, before),
    Kind.MOUNT: _restore_mount,
    Kind.MODE: _restore_mode,
}
