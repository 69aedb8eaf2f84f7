# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""Paths that an operator gives on the command line or in the inventory: of files on the controller."""

from __future__ import annotations

import os
from pathlib import Path

_KINDS = {"file": Path.is_file, "folder": Path.is_dir}


def local_path(path: str) -> str:
    """The whole path: a relative one begins where the command is typed, not where the playbook lies. Empty stays empty."""
    return os.path.normpath(Path.cwd() / Path(path).expanduser()) if path else ""


def local_path_problem(path: str, option: str, kind: str = "file") -> str:
    """What is wrong with a path that is to be read; empty where nothing is.

    Args:
        path: as it was given.
        option: the variable that it was given by.
        kind: ``file`` or ``folder``.
    """
    whole = local_path(path)
    if not whole:
        return f"{option} is empty. Give the path of a {kind} on this computer."
    relative = not Path(path).expanduser().is_absolute()
    begin = f" A relative path begins where the command is typed: {Path.cwd()}." if relative else ""
    if not Path(whole).exists():
        return f"{option}={path}: there is no {whole}. Give the path of a {kind} on this computer.{begin}"
    if not _KINDS[kind](Path(whole)):
        return f"{option}={path}: {whole} is no {kind}. Give the path of a {kind} on this computer.{begin}"
    if not os.access(whole, os.R_OK | (os.X_OK if kind == "folder" else 0)):
        return f"{option}={path}: this user may not read {whole}. Give one that you may read.{begin}"
    return ""
