"""The command: `python -m skerry_kernel build|plan|config|score`."""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.paths import cache_home
from skerry_base.core.progress import Progress
from skerry_kernel import score
from skerry_kernel.build import DEFAULT_SOURCE, Job, Wanted, build, built, configure, prepare
from skerry_kernel.fragment import Flavour

Operation = Callable[[Cache, Wanted], int]


def main(argv: list[str] | None = None) -> int:
    """Run a command; the exit code."""
    args = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is half done is tidied up
    wanted = Wanted(args.flavour, args.source, tuple(args.fragment), args.seed, args.key)
    operation: Operation = args.operation
    try:
        return operation(Cache(cache_home(), Progress()), wanted)
    except SkerryError as error:
        print(f"skerry_kernel: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # the cache can't be written, or the disk is full
        print(
            f"skerry_kernel: {error}. XDG_CACHE_HOME names a folder with 5 GiB for the cache", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="skerry_kernel", description="Build the hardened kernel.")
    operations = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, operation, text in (
        ("build", _build, "build a kernel, where the cache has none like it; prints its folder"),
        ("plan", _plan, "say where it is or would be, and whether it is built, as JSON; builds nothing"),
        ("config", _config, "only the configuration: check that every line is in force, and print it"),
        ("score", _score, "what kernel-hardening-checker says of the configuration, beside Debian's"),
    ):
        command = operations.add_parser(name, help=text, description=text)
        command.set_defaults(operation=operation)
        _add_options(command)
    return parser


def _flavour(text: str) -> Flavour:
    if text not in list(Flavour):
        raise argparse.ArgumentTypeError(f"{text!r}: there are {' and '.join(Flavour)}")
    return Flavour(text)


def _add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("flavour", type=_flavour, metavar="FLAVOUR", help=f"{' or '.join(Flavour)}")
    command.add_argument(
        "--source", default=DEFAULT_SOURCE, help=f"Debian's package; default: {DEFAULT_SOURCE}"
    )
    for name, text in (
        ("--seed", "file with 64 hex digits: the layout of structures is made of it, not by chance"),
        (
            "--key",
            "file with a private key and its certificate (PEM): signs the modules, instead of a new one",
        ),
    ):
        command.add_argument(name, type=Path, metavar="FILE", help=text)
    text = "a fragment of your own, which has the last word; may be given again"
    command.add_argument("--fragment", type=Path, action="append", default=[], metavar="FILE", help=text)


def _build(cache: Cache, wanted: Wanted) -> int:
    print(build(cache, prepare(cache, wanted)))
    return 0


def _plan(cache: Cache, wanted: Wanted) -> int:
    place = built(cache, prepare(cache, wanted))
    print(json.dumps({"folder": str(place), "built": place.is_dir()}))
    return 0


def _config(cache: Cache, wanted: Wanted) -> int:
    sys.stdout.write(_configuration(cache, prepare(cache, wanted)))
    return 0


def _score(cache: Cache, wanted: Wanted) -> int:
    job = prepare(cache, wanted)
    result = score.score(cache, job.package, _configuration(cache, job))
    print(result.table())
    return 1 if result.problems() else 0


def _configuration(cache: Cache, job: Job) -> str:
    with tempfile.TemporaryDirectory(dir=cache.home) as work:
        configurator, _ = configure(cache, job, Path(work))
        return configurator.dot_config.read_text(encoding="utf-8")
