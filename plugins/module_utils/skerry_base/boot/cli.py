"""The command skerry-boot."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..core.errors import SkerryError
from ..storage.mirror.rebuild import wait
from .initramfs.checks import check
from .initramfs.image import read_image
from .initramfs.machine import INSTALLED, probe
from .initramfs.needs import needs_of
from .kernels import commands as kernels
from .status import status
from .sync.copy import synchronise

_PROG = "skerry-boot"
_AFTER = """\
exit codes of check, fit and prove: 0 good, or nothing to check; 1 defects, each named; 2 it could not be checked.
After every update of a kernel or initramfs the check runs by itself, on machines that install.yml made.
Help on a refusal: /usr/share/doc/skerry-boot/README.md
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SkerryError as error:
        print(f"{_PROG}: {error}", file=sys.stderr)
        return 2
    except (OSError, UnicodeError) as error:  # a file system that is full, read-only or broken
        print(f"{_PROG}: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        _PROG, description="Will this machine boot and can it be unlocked from afar?", epilog=_AFTER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    checking = commands.add_parser(
        "check", help="open initramfs images and compare them with what the machine needs"
    )
    checking.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="where the system's root is mounted"
    )
    which = checking.add_mutually_exclusive_group()
    which.add_argument(
        "--kernel", metavar="VERSION", help="only this kernel's image; else those of all kernels"
    )
    which.add_argument(
        "--image", type=Path, metavar="FILE", help="only this image; its name ends with the kernel's version"
    )
    checking.add_argument(
        "--hook", action="store_true", help="after an update: passes on machines not made by install.yml"
    )
    checking.add_argument("--json", action="store_true", help="the defects as a list")
    checking.set_defaults(run=_check)
    copying = commands.add_parser("sync", help="in a mirror: bring the other disk's /boot to what /boot is")
    copying.add_argument(
        "--hook", action="store_true", help="after an update: passes on machines not made by install.yml"
    )
    copying.set_defaults(run=_sync)
    rebuilding = commands.add_parser(
        "rebuild", help="wait until a mirror is rebuilt; 2 where it is not being rebuilt"
    )
    rebuilding.add_argument(
        "--until", type=float, default=100.0, metavar="PERCENT", help="wait until so much of it is done"
    )
    rebuilding.set_defaults(run=_rebuild)
    kernels.add(commands)
    telling = commands.add_parser("status", help="kernel, encryption, mirror, kernels and trials")
    telling.add_argument("--json", action="store_true", help="for programs")
    telling.set_defaults(run=_status)
    return parser


def _check(options: argparse.Namespace) -> int:
    root: Path = options.root
    if options.hook and not (root / INSTALLED).exists():
        return 0
    machine = probe(root)
    if machine is None:
        print(
            "[]" if options.json else f"{_PROG}: {root} is not encrypted: nothing to unlock, nothing to check"
        )
        return 0
    images = _images(options)
    found = [
        {"image": path.name} | asdict(defect)
        for path in images
        for defect in check(read_image(path), needs_of(machine, root, _version(path)))
    ]
    if options.json:
        print(json.dumps(found))
    elif not found:
        print(f"{_PROG}: good: {', '.join(path.name for path in images)}")
    else:
        print("".join(map(_DEFECT.format_map, found)) + _GO_ON.format(count=len(found)), file=sys.stderr)
    return 1 if found else 0


_DEFECT = f"{_PROG}: {{image}}: {{name}}: {{text}}.\n    {{hint}}\n"
_GO_ON = """\
DO NOT REBOOT: this machine might not come back, or give a secret away. Defects: {count}. Mend what is named above,
then: skerry-boot check. Where a package was left unfinished: dpkg --configure -a."""


def _images(options: argparse.Namespace) -> list[Path]:
    if options.image:
        return [options.image]
    boot: Path = options.root / "boot"
    if options.kernel:
        return [boot / f"initrd.img-{options.kernel}"]
    # One for every kernel that the boot menu offers, whether or not it is there.
    images = [boot / f"initrd.img-{path.name.partition('-')[2]}" for path in sorted(boot.glob("vmlinuz-*"))]
    if not images:
        raise SkerryError(f"{boot}: no kernel lies there", "Mount /boot, or install linux-image-amd64.")
    return images


def _version(image: Path) -> str:
    return image.name.removesuffix(".new").partition("-")[2]


def _sync(options: argparse.Namespace) -> int:
    if options.hook and not (Path("/") / INSTALLED).exists():
        return 0
    done = synchronise()
    if done is None:
        print(f"{_PROG}: there are no two /boot of a mirror here: nothing was copied")
    else:
        print("".join(f"{step}\n" for step in done) + f"{_PROG}: both disks have the same /boot")
    return 0


def _rebuild(options: argparse.Namespace) -> int:
    print(wait(options.until))
    return 0


def _status(options: argparse.Namespace) -> int:
    found = status()
    if options.json:
        print(json.dumps(found))
    else:
        encrypted = "encrypted" if found["encrypted"] else "NOT encrypted"
        rebuilt = f" ({found['rebuilt']} %)" if found["mirror"] == "rebuilding" else ""
        print(f"kernel {found['kernel']}; root {encrypted}; mirror: {found['mirror']}{rebuilt}")
        print("\n".join(kernels.sentences(found["kernels"])))
    return 0
