# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""An archive of a volume or container, from the host's file to the engine's program and back; what modules return of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ansible.module_utils.basic import AnsibleModule

from .container_handler import container_result
from .engine_calls import EngineError
from .engine_handler import Fields, apply, call, fail, given
from .skerry_streams import HeadError, head, stream
from .volume_handler import KEY, volume_result

_NOTHING: Fields = {"changed": False, "steps": [], "stored": [], "missing": ""}


def apply_archive(module: AnsibleModule) -> Fields:
    """What the module returns once a volume's files are in the archive, or those of the archive in the volume."""
    params: Fields = module.params
    saved = params["state"] == "saved"
    if saved and Path(params["path"]).exists():
        return {**_NOTHING, "volume": None, "path": params["path"]}
    key = {name: params[name] for name in KEY}
    request: Fields = {"verb": "volume_backup" if saved else "volume_restore", "volume": key}
    if not saved:
        request |= given({name: params[name] for name in ("size", "replace")})
    return volume_result(_applied(module, request, written=saved)) | {"path": params["path"]}


def apply_container_archive(module: AnsibleModule) -> Fields:
    """What the module returns once a container is in the archive, or there is a container made of it."""
    params: Fields = module.params
    exported = params["state"] == "exported"
    key = {name: params[name] for name in KEY}
    if Path(params["path"]).exists() if exported else _is_there(module, key):
        return {**_NOTHING, "container": None, "url": "", "path": params["path"]}
    request: Fields = {"verb": "export" if exported else "import", "container": key}
    if exported:
        request |= given({"snapshot": params["snapshot"]})
    found = container_result(_applied(module, request, written=exported, begins="manifest"))
    kept = ("changed", "steps", "stored", "diff", "container", "url", "missing")
    return {name: found[name] for name in kept} | {"path": params["path"]}


def _is_there(module: AnsibleModule, key: Fields) -> bool:
    try:
        call(module, {"verb": "info", "container": key})
    except EngineError as error:
        if error.code == "not_found":
            return False
        fail(module, error)
    return True


def _applied(module: AnsibleModule, request: Fields, *, written: bool, begins: str = "") -> Fields:
    """The engine's answer to a request with the archive; ``begins`` is the field of what one that is read begins with."""
    path = module.params["path"]
    if module.params.get("api_url"):
        apply(module, request)  # says that it needs the host, before a file is touched
    try:
        if module.check_mode and (written or not begins):
            return apply(module, request)
        with _file(path, written) as file:
            if begins and not written:
                request = request | {begins: head(file)}
            if module.check_mode:
                return apply(module, request)
            with stream(file, "out" if written else "in") as name:
                return apply(module, request | {"stream": name})
    except OSError as error:
        module.fail_json(msg=f"path: {path}: {error.strerror or error}", code="invalid")
    except HeadError as error:
        module.fail_json(msg=f"path: {path}: {error}", code="invalid")
    raise AssertionError("fail_json ends the module")


@contextlib.contextmanager
def _file(path: str, written: bool) -> Iterator[BinaryIO]:
    """The archive, open; one that is written gets its name when it is whole."""
    if not written:
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
