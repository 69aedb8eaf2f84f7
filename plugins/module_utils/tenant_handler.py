# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules about realms and projects share: the request that options describe, and the result of an answer."""

from __future__ import annotations

from .engine_handler import Fields, given, result


def realm_request(params: Fields) -> Fields:
    """The request that brings a realm to the state which a module's options describe."""
    options = _options(params)
    return {"verb": "realm_ensure", "realm": {"name": options.pop("name")}, **options}


def project_request(params: Fields) -> Fields:
    """The request that brings a project to the state which a module's options describe."""
    options = _options(params)
    key = {name: options.pop(name) for name in ("realm", "name")}
    return {"verb": "project_ensure", "project": key, **options}


def _options(params: Fields) -> Fields:
    options = given(params)
    return options | ({"quota": given(options["quota"])} if "quota" in options else {})


def tenant_result(answer: Fields, kind: str) -> Fields:
    """What a module returns of an answer about one realm or project."""
    return result(answer) | {kind: answer["after"], "missing": answer["missing"]}
