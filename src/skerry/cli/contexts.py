"""Contexts: the APIs that somebody asks, by names. A file keeps where each one's token is, and never a token itself."""

import argparse
import contextlib
import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from skerry.api_client import place
from skerry.cli.whom import FLAGS, LOCAL, contexts_file
from skerry.engine_calls import EngineError
from skerry.table import table
from skerry.text import printable

_ABOUT = "The APIs that you ask, by names. A file keeps where each one's token is, and never a token itself."
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_."
_PATIENCE = 60.0  # seconds: a keyring may ask for its password
Kept = dict[str, Any]


def main(words: Sequence[str]) -> int:
    """Carry out ``skerry context …``; the exit code.

    Raises:
        EngineError: it is refused.
    """
    args = _parser().parse_args(words)
    kept = _read()
    told: str = {"add": _add, "use": _use, "list": _list, "remove": _remove}[args.what](kept, args)
    print(printable(told))
    return 0


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("skerry context", description=_ABOUT)
    verbs = top.add_subparsers(dest="what", required=True, metavar="VERB")
    add = verbs.add_parser("add", help="name an API")
    add.add_argument("name", metavar="NAME")
    add.add_argument("url", metavar="URL", help="such as https://api.apps.example.org")
    token_of = add.add_mutually_exclusive_group(required=True)
    token_of.add_argument(
        "--token-file", metavar="FILE", help="file that has the token, and that you alone may read"
    )
    token_of.add_argument(
        "--token-command",
        metavar="COMMAND",
        help="program that prints it, such as 'secret-tool lookup skerry isle'",
    )
    add.add_argument("--ca", metavar="FILE", help=FLAGS["--ca"])
    for verb, text in (("use", "ask it from now on; 'local' is this host"), ("remove", "forget a name")):
        verbs.add_parser(verb, help=text).add_argument("name", metavar="NAME")
    verbs.add_parser("list", help="every name, and the one in use").add_argument(
        "--json", action="store_true"
    )
    return top


def find(name: str) -> dict[str, str]:
    """A context, or the one in use where no name is given; nothing where that is this host.

    Raises:
        EngineError: there is none of that name.
    """
    kept = _read()
    name = name or kept["current"]
    return {} if name == LOCAL else dict(_one(kept, name))


def token(context: dict[str, str]) -> str:
    """The token of a context, from where it is: a file, what a program prints, or the environment.

    Raises:
        EngineError: it is not there, or others could read it.
    """
    if path := context.get("token_file"):
        return _of_file(os.path.expanduser(path))
    if command := context.get("token_command"):
        return _printed(command)
    if found := os.environ.get("SKERRY_API_TOKEN"):
        return found
    raise EngineError(
        "invalid", "no token is given", "Give --token-file, or the environment variable SKERRY_API_TOKEN"
    )


def _of_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            if stat.S_ISREG(found.st_mode) and found.st_mode & 0o077:
                raise EngineError(
                    "invalid", f"{path}: other users of this computer may read the token", f"chmod 600 {path}"
                )
            return file.readline()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise EngineError("invalid", f"{path}: the token cannot be read: {why}", "Give its file") from error


def _printed(command: str) -> str:
    """What a program prints, such as that of a keyring."""
    try:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise EngineError("invalid", f"the token's command failed: {error}", f"Try it: {command}") from error
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode or not lines:
        said = f"exit code {done.returncode}" if done.returncode else "it printed nothing"
        raise EngineError("invalid", f"the token's command failed: {said}", f"Try it: {command}")
    return lines[0]


def _add(kept: Kept, args: argparse.Namespace) -> str:
    _check_name(args.name)
    place(args.url)
    new = {"url": args.url}
    for name in ("token_file", "ca"):
        if given := getattr(args, name):
            path = os.path.abspath(os.path.expanduser(given))
            with _readable(f"--{name.replace('_', '-')}", path), open(path, "rb"):
                new[name] = path
    if args.token_command:
        new["token_command"] = args.token_command
    else:
        token(new)
    there = kept["contexts"].get(args.name)
    if there == new:
        return "no change"
    if there is not None:
        raise EngineError(
            "exists", f"there is a context {args.name} already", f"skerry context remove {args.name}"
        )
    kept["contexts"][args.name] = new
    _write(kept)
    return f"{args.name}: added; 'skerry context use {args.name}' asks it from now on"


@contextlib.contextmanager
def _readable(flag: str, path: str) -> Any:
    try:
        yield
    except OSError as error:
        raise EngineError(
            "invalid", f"{flag}: {path}: {error.strerror}", "Give a file that is there"
        ) from error


def _check_name(name: str) -> None:
    if name == LOCAL or not 0 < len(name) <= 64 or set(name) - set(_LETTERS):
        raise EngineError(
            "invalid",
            f"{name[:64]!r} is no name of a context",
            f"Give lower-case letters, digits, dashes and dots; {LOCAL} is this host",
        )


def _use(kept: Kept, args: argparse.Namespace) -> str:
    if args.name != LOCAL:
        _one(kept, args.name)
    if kept["current"] == args.name:
        return "no change"
    kept["current"] = args.name
    _write(kept)
    return f"{args.name}: in use"


def _remove(kept: Kept, args: argparse.Namespace) -> str:
    _one(kept, args.name)
    del kept["contexts"][args.name]
    was = kept["current"] == args.name
    kept["current"] = LOCAL if was else kept["current"]
    _write(kept)
    return f"{args.name}: removed" + (f"; {LOCAL} is in use" if was else "")


def _list(kept: Kept, args: argparse.Namespace) -> str:
    local = {"url": "the engine of this host"}
    rows = [
        {
            "name": name,
            "in_use": "yes" if name == kept["current"] else "",
            "url": one["url"],
            "token": _where(one),
        }
        for name, one in {LOCAL: local, **kept["contexts"]}.items()
    ]
    return json.dumps(kept, indent=2) if args.json else table(rows, ("name", "in_use", "url", "token"))


def _where(context: dict[str, str]) -> str:
    return context.get("token_file") or context.get("token_command", "")


def _one(kept: Kept, name: str) -> dict[str, str]:
    try:
        return dict(kept["contexts"][name])
    except KeyError:
        there = ", ".join(kept["contexts"]) or "none"
        raise EngineError("not_found", f"there is no context {name[:64]}", f"Contexts: {there}") from None


def _read() -> Kept:
    """What is kept.

    Raises:
        EngineError: the file is not one of ours, or others may write it: it names programs that are run.
    """
    path = contexts_file()
    try:
        with open(path, encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o022:
                raise EngineError("invalid", f"{path}: others may write this file", f"chmod 600 {path}")
            found = json.load(file)
            return {"current": str(found["current"]), "contexts": dict(found["contexts"])}
    except FileNotFoundError:
        return {"current": LOCAL, "contexts": {}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError("invalid", f"{path}: cannot be read: {error}", "Mend it, or delete it") from error


def _write(kept: Kept) -> None:
    path = contexts_file()
    aside = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=2)
        os.replace(aside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise EngineError(
            "invalid", f"{path}: cannot be written: {error.strerror}", "Mend that first"
        ) from error


def completion(words: Sequence[str]) -> int:
    """Print what makes a shell complete ``skerry``; the exit code.

    Raises:
        EngineError: argcomplete, which does it, is not there.
    """
    parser = argparse.ArgumentParser(
        "skerry completion", description="Print what makes a shell complete skerry."
    )
    parser.add_argument("shell", choices=["bash", "zsh"])
    shell = parser.parse_args(words).shell
    try:
        from argcomplete.shell_integration import shellcode  # noqa: PLC0415 - no other call pays for it
    except ImportError:
        raise EngineError(
            "invalid",
            "argcomplete, which completes commands, is missing",
            "Install python3-argcomplete, or argcomplete by pip beside skerry",
        ) from None
    sys.stdout.write(shellcode(["skerry"], shell=shell))
    return 0
