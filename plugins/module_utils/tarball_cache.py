# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""Tarballs of images on the controller: made by mmdebstrap, kept by what they were made from."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .skerry_recipe import EPOCH, Recipe, RecipeError, from_folder, from_mapping

PROGRAMS = ("mmdebstrap", "zstd")


def bring(module: AnsibleModule) -> dict[str, Any]:
    """The tarball of the recipe that the module's options name: the kept one, or a new one."""
    cache = Path(module.params["cache"])
    name, recipe, settings = _read(module)
    path = cache / f"{name}-{recipe.digest()[:24]}.tar.zst"
    cache.mkdir(parents=True, exist_ok=True)
    with _only(path):
        missing = module.params["rebuild"] or not _is_whole(module, path)
        if missing and not module.check_mode:
            _build(module, recipe, path)
    digest = module.sha256(str(path)) if path.exists() else ""
    return {"changed": missing, "path": str(path), "sha256": digest, **settings}


def _read(module: AnsibleModule) -> tuple[str, Recipe, dict[str, Any]]:
    try:
        return _said(module.params)
    except (RecipeError, ValueError) as error:
        module.fail_json(msg=str(error))
    raise AssertionError("fail_json ends the module")


def _said(params: dict[str, Any]) -> tuple[str, Recipe, dict[str, Any]]:
    if params["recipe"] is not None:
        return params["name"], from_mapping({**params["recipe"], "files": {}}, Path()), {}
    folder = Path(params["folder"])
    recipe, settings = from_folder(folder)
    return params["name"] or folder.name, recipe, settings


@contextmanager
def _only(path: Path) -> Iterator[None]:
    """One at a time makes this tarball; the next one finds it."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_whole(module: AnsibleModule, path: Path) -> bool:
    """Whether a tarball is there, and its own checksums are right: a computer that lost power may have cut it off."""
    program = module.get_bin_path("zstd")
    return path.exists() and program is not None and module.run_command([program, "-tq", str(path)])[0] == 0


def _build(module: AnsibleModule, recipe: Recipe, path: Path) -> None:
    for program in PROGRAMS:
        if module.get_bin_path(program) is None:
            module.fail_json(
                msg=f"{program} is not installed on the controller. Install it: apt-get install {program}"
            )
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        extra, made = Path(folder, "extra.tar"), Path(folder, "made.tar.zst")
        recipe.pack(extra)
        extra.chmod(0o644)
        mode = "root" if os.geteuid() == 0 else "unshare"
        status, _out, said = module.run_command(
            ["mmdebstrap", *recipe.arguments(str(extra), str(made), mode)],
            environ_update={"SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C"},
        )
        if status:
            last = said.strip().splitlines()[-1:] or ["it said nothing"]
            module.fail_json(msg=f"mmdebstrap failed: {last[0]}", stderr=said)
        made.rename(path)
