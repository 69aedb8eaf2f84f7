# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the module about tokens asks, and what it returns of an answer."""

from __future__ import annotations

from .engine_handler import Fields, given, result

ROTATED = "rotated"


def token_request(params: Fields) -> Fields:
    """The request that brings a token to the state which a module's options describe."""
    options = given(params)
    key = {name: options.pop(name) for name in ("realm", "name") if name in options}
    if options["state"] == ROTATED:
        return {"verb": "token_rotate", "token": key} | {
            name: value for name, value in options.items() if name != "state"
        }
    return {"verb": "token_ensure", "token": key, **options}


def token_result(answer: Fields) -> Fields:
    """What a module returns of an answer about one token. Its value is in no diff."""
    once = {"value": answer["once"]["token"]} if "once" in answer else {}
    found = {"token": answer["after"], "new": not answer["before"], "missing": answer["missing"]}
    return result(answer) | found | once
