# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules about images share: the request that options describe, and the result of an answer."""

from __future__ import annotations

from typing import Any

from .door import diff, given

Fields = dict[str, Any]


def image_request(params: Fields) -> Fields:
    """The request that brings an image to the state which a module's options describe."""
    if params["state"] == "absent":
        return {"verb": "image_delete", "name": params["name"]}
    common = given({name: params[name] for name in ("name", "command", "env")})
    if params["tarball"]:
        return {"verb": "image_import", **common, **params["tarball"]}
    debian = given(params["debian"])
    files = {file["dest"]: given(file) for file in debian.pop("files", [])}
    for file in files.values():
        del file["dest"]
    return {"verb": "image_build", **common, **debian, "files": files}


def image_result(answer: Fields) -> Fields:
    """What a module returns of an answer about an image."""
    return {
        "changed": answer["changed"],
        "image": answer["after"],
        "steps": [step for plan in answer["plans"] for step in plan["steps"]],
        "diff": diff(answer),
    }
