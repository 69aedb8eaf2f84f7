"""The lab's command line."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from skerry_base.core.errors import SkerryError
from skerry_lab import inventory
from skerry_lab.board import Board, Bus, Firmware
from skerry_lab.demo import demo
from skerry_lab.lab import Labs, Wanted
from skerry_lab.recipe import Flavour, Kind
from skerry_lab.start import run_shown
from skerry_lab.state import DEFAULT_MEMORY_MIB, Lab
from skerry_lab.switches import Power


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors meant for the user go to standard error, exit code 1."""
    args = _parser().parse_args(argv)
    operation: Callable[[Labs, argparse.Namespace], int] = args.operation
    try:
        return operation(Labs.of_this_user(), args)
    except SkerryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `lab down` takes away what is left", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    operations = parser.add_subparsers(required=True, metavar="command")
    _add_up(operations)
    _add_machine(_add(operations, "demo", _demo, "a lab, a platform on it, and a container's URL", names=1))
    _add(operations, "down", _down, "end labs and take away all that is theirs", names="*").add_argument(
        "--all", action="store_true", help="all of them, Molecule's too"
    )
    _add(operations, "list", _list, "the labs, where they are and whether they run").add_argument(
        "--json", action="store_true", help="for programs"
    )
    _add(operations, "ssh", _ssh, "log in as root, or run a command there", names=1).add_argument(
        "words", nargs=argparse.REMAINDER, help="the command"
    )
    _add(operations, "console", _console, "a shell (fast) or the serial line (metal)", names=1)
    _add(operations, "logs", _logs, "what the machine said", names=1)
    _add_switches(operations)
    image = _add(operations, "image", _image, "make an image ahead of time")
    _add_kind(image)
    _add(operations, "prune", _prune, "take away images that nobody used lately").add_argument(
        "--days", type=float, default=14, help="how long ago (default: 14)"
    )
    _add(operations, "inventory", _inventory, "what Ansible asks for (--list)").add_argument(
        "--list", action="store_true", help="as Ansible calls it"
    )
    return parser


def _add(
    operations: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str, operation: Callable[[Labs, argparse.Namespace], int], text: str, names: str | int | None = None,
) -> argparse.ArgumentParser:  # fmt: skip
    command = operations.add_parser(name, help=text, description=text)
    command.set_defaults(operation=operation)
    if names is not None:
        command.add_argument("names", nargs=names, metavar="NAME")
    return command


def _add_up(operations: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    up = _add(operations, "up", _up, "start a lab, or leave a running one as it is", names=1)
    _add_machine(up)
    up.add_argument("--owner", default="make", help="who it is for; the inventory goes by it")
    up.add_argument("--fresh", action="store_true", help="end it first if it runs")


def _add_switches(operations: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "a bare machine: on (from its disks), off, cut, or disks (cut and on)"
    _add(operations, "power", _power, text, names=1).add_argument("what", type=Power, choices=list(Power))
    _add(operations, "rescue", _rescue, "start a bare machine in its rescue system", names=1)
    link = _add(operations, "link", _link, "a bare machine's network cable: off pulls it", names=1)
    link.add_argument("what", choices=["on", "off"])
    disk = _add(
        operations, "disk", _disk, "pull a bare machine's disk, or put a new, blank one in its place", names=1
    )
    disk.add_argument("what", choices=["pull", "new"])
    disk.add_argument("slot", type=int, help="0 or 1")

    for name, operation, text in (
        ("save", _save, "keep the disks of a bare machine that is off, as they are now, under a label"),
        ("restore", _restore, "put the disks of a bare machine back to what they were under a label"),
    ):
        _add(operations, name, operation, text, names=1).add_argument("label", metavar="LABEL")


def _add_kind(command: argparse.ArgumentParser) -> None:
    command.add_argument("--kind", type=Kind, choices=list(Kind), default=Kind.FAST, help="default: fast")
    text = (
        "host: the platform's packages are in it (default); plain: a bare Debian; "
        "rescue (metal): blank disks and a rescue system"
    )
    command.add_argument("--image", type=Flavour, choices=list(Flavour), default=Flavour.HOST, help=text)


def _add_machine(command: argparse.ArgumentParser) -> None:
    _add_kind(command)
    text = f"metal: its RAM (default: {DEFAULT_MEMORY_MIB})"
    command.add_argument("--memory", type=int, default=DEFAULT_MEMORY_MIB, metavar="MIB", help=text)
    text = (
        "metal: this kernel instead of Debian's: a folder that `make kernel FLAVOUR=lab` names; "
        "with --image rescue it is installed with Debian"
    )
    command.add_argument("--kernel", type=Path, metavar="FOLDER", help=text)
    bare = command.add_argument_group("with --image rescue")
    bare.add_argument("--firmware", type=Firmware, choices=list(Firmware), default=Firmware.UEFI)
    bare.add_argument("--disks", type=int, choices=[1, 2], default=1)
    bare.add_argument("--bus", type=Bus, choices=list(Bus), default=Bus.NVME)


def _up(labs: Labs, args: argparse.Namespace) -> int:
    lab = labs.up(_wanted(args, args.owner), fresh=args.fresh)
    print(f"{lab.name}: up; ssh on 127.0.0.1:{lab.ports['ssh']}, https on 127.0.0.1:{lab.ports['https']}")
    return 0


def _demo(labs: Labs, args: argparse.Namespace) -> int:
    print(demo(labs, _wanted(args, "make")))
    return 0


def _wanted(args: argparse.Namespace, owner: str) -> Wanted:
    board = None
    if args.image is Flavour.RESCUE:
        board = Board(args.firmware, args.bus).with_blank_disks(args.disks)
    return Wanted(
        args.names[0], args.kind, args.image, owner, args.memory, board, args.kernel and args.kernel.resolve()
    )


def _down(labs: Labs, args: argparse.Namespace) -> int:
    names = labs.store.names() if args.all else args.names
    if not names:
        raise SkerryError("which one? `lab down NAME…`, or `lab down --all`; `lab list` shows them")
    for name in names:
        labs.down(name)
    return 0


def _list(labs: Labs, args: argparse.Namespace) -> int:
    rows = [_row(lab) for lab in labs.store.all()]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        print(f"{row['name']:<24} {row['kind']:<6} {row['image']:<6} {row['state']:<8} ssh {row['ssh']}  "
              f"https {row['https']}  {row['owner']}")  # fmt: skip
    return 0


def _row(lab: Lab) -> dict[str, Any]:
    row: dict[str, Any] = {"name": lab.name, "kind": lab.kind, "image": lab.flavour}
    row |= {"state": lab.state(), "owner": lab.owner, **lab.ports, "home": str(lab.home)}
    if lab.kind is Kind.METAL:
        row["cpu_s"] = lab.cpu_seconds()
    if lab.board:
        row |= {"firmware": lab.board.firmware, "bus": lab.board.bus}
        row["disks"] = [{**asdict(disk), "file": str(lab.home / disk.file)} for disk in lab.board.disks]
    return row


def _ssh(labs: Labs, args: argparse.Namespace) -> int:
    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    return run_shown(labs.store.get(args.names[0]).login.command(words))


def _console(labs: Labs, args: argparse.Namespace) -> int:
    lab = labs.store.get(args.names[0])
    return run_shown(labs.machine(lab.kind, lab.flavour).console(lab))


def _logs(labs: Labs, args: argparse.Namespace) -> int:
    lab = labs.store.get(args.names[0])
    return run_shown(labs.machine(lab.kind, lab.flavour).logs(lab))


def _power(labs: Labs, args: argparse.Namespace) -> int:
    with labs.switches(args.names[0]) as (switches, lab):
        switches.power(lab, args.what)
    return 0


def _rescue(labs: Labs, args: argparse.Namespace) -> int:
    with labs.switches(args.names[0]) as (switches, lab):
        switches.rescue(lab)
    return 0


def _link(labs: Labs, args: argparse.Namespace) -> int:
    with labs.switches(args.names[0]) as (switches, lab):
        switches.link(lab, plugged=args.what == "on")
    return 0


def _disk(labs: Labs, args: argparse.Namespace) -> int:
    with labs.switches(args.names[0]) as (switches, lab):
        (switches.pull_disk if args.what == "pull" else switches.new_disk)(lab, args.slot)
    return 0


def _save(labs: Labs, args: argparse.Namespace) -> int:
    with labs.switches(args.names[0]) as (switches, lab):
        switches.save(lab, args.label)
    return 0


def _restore(labs: Labs, args: argparse.Namespace) -> int:
    with labs.switches(args.names[0]) as (switches, lab):
        switches.restore(lab, args.label)
    return 0


def _image(labs: Labs, args: argparse.Namespace) -> int:
    labs.prepare(args.kind, args.image)
    return 0


def _prune(labs: Labs, args: argparse.Namespace) -> int:
    print("\n".join(labs.prune(args.days)) or "nothing to take away")
    return 0


def _inventory(labs: Labs, _args: argparse.Namespace) -> int:
    print(json.dumps(inventory.listing(inventory.chosen(labs.store)), indent=2))
    return 0
