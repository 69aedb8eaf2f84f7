# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""A volume's archive, from the host's file to the engine's program and back, and what the module returns of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ansible.module_utils.basic import AnsibleModule

from .engine_handler import Fields, apply, given
from .skerry_streams import stream
from .volume_handler import KEY, volume_result


def apply_archive(module: AnsibleModule) -> Fields:
    """What the module returns once a volume's files are in the archive, or those of the archive in the volume."""
    params: Fields = module.params
    saved = params["state"] == "saved"
    if saved and Path(params["path"]).exists():
        return {
            "changed": False,
            "volume": None,
            "steps": [],
            "stored": [],
            "missing": "",
            "path": params["path"],
        }
    key = {name: params[name] for name in KEY}
    request: Fields = {"verb": "volume_backup" if saved else "volume_restore", "volume": key}
    if not saved:
        request |= given({name: params[name] for name in ("size", "replace")})
    try:
        return volume_result(_applied(module, request, saved=saved)) | {"path": params["path"]}
    except OSError as error:
        module.fail_json(msg=f"path: {params['path']}: {error.strerror or error}", code="invalid")
    raise AssertionError("fail_json ends the module")


def _applied(module: AnsibleModule, request: Fields, *, saved: bool) -> Fields:
    if module.check_mode:
        return apply(module, request)
    with _file(module.params["path"], saved) as file, stream(file, "out" if saved else "in") as name:
        return apply(module, request | {"stream": name})


@contextlib.contextmanager
def _file(path: str, saved: bool) -> Iterator[BinaryIO]:
    """The archive, open; one that is written gets its name when it is whole."""
    if not saved:
        with Path(path).open("rb") as file:
            yield file
        return
    aside = Path(f"{path}.part")
    aside.unlink(missing_ok=True)  # of one that was cut off
    try:
        aside.touch(mode=0o600, exist_ok=False)
        with aside.open("wb") as file:
            yield file
        aside.rename(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
