"""The commands of skerry-boot that are about kernels."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...core.errors import SkerryError
from ..initramfs.machine import INSTALLED
from . import guard, machine, plan, proof, record, trial

_PROG = "skerry-boot"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to the parser."""
    fitting = commands.add_parser(
        "fit", help="does a kernel fit this machine and the platform? changes nothing"
    )
    fitting.add_argument("version", metavar="VERSION", help="an installed kernel")
    fitting.add_argument("--json", action="store_true", help="for programs")
    fitting.set_defaults(run=_fit)
    _add_trial(commands)
    proving = commands.add_parser(
        "prove", help="on a trial boot: the kernel stays if it passes, else back to the old one"
    )
    proving.add_argument(
        "--only-look", action="store_true", help="run the checks, whatever kernel runs; nothing follows"
    )
    proving.add_argument("--json", action="store_true", help="for programs")
    proving.set_defaults(run=_prove)
    choosing = commands.add_parser("default", help="have GRUB start a proven kernel from the next boot on")
    choosing.add_argument("version", metavar="VERSION", help="a kernel that has proven itself")
    choosing.set_defaults(run=_default)
    pruning = commands.add_parser(
        "prune", help="remove kernels that failed or are older than needed; a proven one always stays"
    )
    pruning.add_argument("--check", action="store_true", help="name them only")
    pruning.add_argument("--json", action="store_true", help="for programs")
    pruning.set_defaults(run=_prune)
    settling = commands.add_parser(
        "settle", help="write down how a trial ended, and have GRUB start a proven kernel"
    )
    settling.add_argument("--hook", action="store_true", help="passes on machines not made by install.yml")
    settling.add_argument(
        "--before-menu", action="store_true", help="GRUB's menu is written right after this"
    )
    settling.set_defaults(run=_settle)
    guarding = commands.add_parser(
        "guard", help="on a trial boot: feed the watchdog until the kernel is proven"
    )
    guarding.set_defaults(run=lambda _options: guard.guard())


def _add_trial(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    trying = commands.add_parser("trial", help="boot a new kernel once; the old one stays the default")
    trying.add_argument(
        "version", metavar="VERSION", nargs="?", help="the newest one that is not proven unless named"
    )
    trying.add_argument(
        "--unlock", type=_within(10, 86400), default=600, metavar="SECONDS", help="to unlock it within"
    )
    trying.add_argument(
        "--prove",
        type=_within(60, 86400),
        default=1800,
        metavar="SECONDS",
        help="to prove itself within, after that",
    )
    trying.add_argument(
        "--watchdog",
        type=_within(30, 600),
        default=120,
        metavar="SECONDS",
        help="without a sign of life: a hang",
    )
    trying.add_argument("--older", action="store_true", help="also one that is older than the running kernel")
    trying.add_argument("--cancel", action="store_true", help="take back a trial that was not booted yet")
    trying.add_argument("--json", action="store_true", help="for programs")
    trying.set_defaults(run=_trial)


def _within(least: int, most: int) -> Callable[[str], int]:
    """Reads seconds; what is below or above is refused as argparse refuses."""

    def seconds(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: {least} to {most} seconds")
        return int(text)

    return seconds


def sentences(kernels: Mapping[str, Any]) -> Iterator[str]:
    """What `status` says of the kernels, to a person."""
    proven = ", ".join(kernels["proven"]) or "none"
    yield f"kernels: starts {kernels['default'] or 'the first of the menu'}; proven: {proven}"
    if kernels["trial"]:
        yield f"on trial: {kernels['trial']}"
    elif kernels["candidate"]:
        yield f"waits for its trial: {kernels['candidate']}"
    last = kernels["last_trial"]
    if last:
        how = "proved itself" if last["proven"] else f"was given up: {last['reason']}"
        yield f"last trial ({last['at']}): {last['version']} {how}"


def _fit(options: argparse.Namespace) -> int:
    lacks, watchdogs = trial.fits(options.version)
    refused = [lack for lack in lacks if lack.refused]
    if options.json:
        found = {"version": options.version, "fits": not refused, "watchdogs": watchdogs}
        print(json.dumps(found | {"lacks": [asdict(lack) for lack in lacks]}))
        return 1 if refused else 0
    for lack in lacks:
        print(f"{_PROG}: {'' if lack.refused else 'note: '}{lack.name}: {lack.text}")
    verdict = (
        f"does not fit this machine: {len(refused)} things are missing" if refused else "fits this machine"
    )
    print(f"{_PROG}: kernel {options.version} {verdict}")
    return 1 if refused else 0


def _trial(options: argparse.Namespace) -> int:
    if options.cancel:
        trial.cancel()
        print(f"{_PROG}: no trial")
        return 0
    version = plan.candidate(trial.settle(), machine.look()) if options.version is None else options.version
    if options.version == "":
        raise SkerryError(
            "no kernel is named: VERSION is empty", "Leave it out for the newest that was never tried."
        )
    if version and proof.has_platform() and not proof.has_sample():
        raise SkerryError(
            f"this platform has no image {proof.SAMPLE}, of which the proof makes a container",
            "playbooks/image/hello.yml brings it.",
        )
    begun = version and trial.begin(
        version, unlock=options.unlock, prove=options.prove, watchdog=options.watchdog, older=options.older
    )
    if options.json:
        print(json.dumps({"begun": version}))
    elif begun:
        print(
            f"{_PROG}: the next boot, and only that one, is a trial of kernel {version}; then: {_PROG} prove"
        )
    else:
        print(f"{_PROG}: no kernel waits for its trial")
    return 0


def _prove(options: argparse.Namespace) -> int:
    begun = None if options.only_look else plan.on_trial(record.load(), machine.look())
    shown = proof.show(begun.failed_units if begun else ())
    passed = all(one.passed for one in shown)
    if begun and passed:
        trial.accept()
        shown.append(_removed())
    elif begun:
        failed = "; ".join(f"{one.name}: {one.text}" for one in shown if not one.passed)
        trial.give_up(f"its proof failed: {failed}")
    if options.json:
        print(json.dumps({"proven": passed, "shown": [asdict(one) for one in shown]}), flush=True)
    else:
        for one in shown:
            print(f"{_PROG}: {'passed' if one.passed else 'FAILED'}: {one.name}: {one.text}", flush=True)
    if begun and not passed:
        guard.reboot()
    return 0 if passed else 1


def _removed() -> proof.Shown:
    """What became of the kernels that may go; the new one stays, whatever that is."""
    try:
        removed = trial.remove_old()
    except SkerryError as error:
        return proof.Shown("old kernels", False, f"they could not be removed: {error}")
    return proof.Shown("old kernels", True, f"removed: {', '.join(removed)}" if removed else "none has to go")


def _default(options: argparse.Namespace) -> int:
    trial.choose(options.version)
    print(f"{_PROG}: starts {options.version} from the next boot on")
    return 0


def _prune(options: argparse.Namespace) -> int:
    versions = trial.old() if options.check else trial.remove_old()
    if options.json:
        print(json.dumps({"removed": versions}))
    else:
        print(f"{_PROG}: {'would remove' if options.check else 'removed'}: {', '.join(versions) or 'none'}")
    return 0


def _settle(options: argparse.Namespace) -> int:
    # Below the root of a rescue system no kernel of ours runs.
    if options.hook and not (Path("/", INSTALLED).exists() and Path("/run/systemd/system").exists()):
        return 0
    trial.settle(before_menu=options.before_menu)
    return 0
