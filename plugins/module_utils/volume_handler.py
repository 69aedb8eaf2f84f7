# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules about volumes share: the request that options describe, and the result of an answer."""

from __future__ import annotations

from .engine_handler import Fields, given, result

KEY = ("realm", "project", "name")


def ensure_request(params: Fields) -> Fields:
    """The request that brings a volume to the state which a module's options describe."""
    options = given(params)
    key = {name: options.pop(name) for name in KEY}
    return {"verb": "volume_ensure", "volume": key, **options}


def volume_result(answer: Fields) -> Fields:
    """What a module returns of an answer about one volume."""
    return result(answer) | {"volume": answer["after"], "missing": answer["missing"]}
