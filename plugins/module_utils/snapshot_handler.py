# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules about snapshots share: the request that options describe, and the result of an answer."""

from __future__ import annotations

from .engine_handler import Fields, given, result

_RESTORING = ("keep", "wait", "timeout", "grace")


def source(options: Fields) -> str | None:
    """What a snapshot is of, as the engine names it; taken out of the options."""
    container, volume = options.pop("container", None), options.pop("volume", None)
    return container if volume is None else f"volume/{volume}"


def request(params: Fields) -> Fields:
    """The request that brings a snapshot, or what it is of, to the state which a module's options describe."""
    options = given(params)
    restoring = {name: options.pop(name) for name in _RESTORING if name in options}
    key = {name: options.pop(name) for name in ("realm", "project", "name")} | {"source": source(options)}
    if options["state"] == "restored":
        return {"verb": "snapshot_restore", "snapshot": key, **restoring}
    return {"verb": "snapshot_ensure", "snapshot": key, **options}


def snapshot_result(params: Fields, answer: Fields) -> Fields:
    """What a module returns of an answer: about a snapshot, or about what was restored to one."""
    about = "snapshot" if params["state"] != "restored" else "volume" if params["volume"] else "container"
    return result(answer) | {about: answer["after"], "missing": answer["missing"]}
