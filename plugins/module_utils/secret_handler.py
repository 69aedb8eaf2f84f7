# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules about secrets share: the request that options describe, and the result of an answer."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from .engine_handler import Fields, result

KEY = ("realm", "project", "name")
LARGEST = 512 * 1024  # bytes: skerry.model.secret.LARGEST


def secret_request(module: AnsibleModule) -> Fields:
    """The request that brings a secret to the state which a module's options describe."""
    key = {name: module.params[name] for name in KEY}
    if module.params["state"] == "absent":
        return {"verb": "secret_absent", "secret": key}
    value = _value(module)
    if len(value) > LARGEST:
        module.fail_json(
            msg=f"value: {len(value)} bytes are too many. Give at most {LARGEST // 1024}K; more belongs into a volume",
            code="invalid",
        )
    return {"verb": "secret_set", "secret": key, "value": base64.b64encode(value).decode()}


def _value(module: AnsibleModule) -> bytes:
    params: Fields = module.params
    if params["value"] is not None:
        return str(params["value"]).encode("utf-8", "surrogateescape")
    if params["path"] is not None:
        try:
            with Path(params["path"]).open("rb") as file:
                return file.read(LARGEST + 1)
        except OSError as error:
            module.fail_json(msg=f"path: {params['path']} cannot be read: {error.strerror}", code="invalid")
    try:
        return base64.b64decode(params["value_base64"], validate=True)
    except (binascii.Error, ValueError):
        module.fail_json(
            msg="value_base64: this is no base64. Give what the filter b64encode makes", code="invalid"
        )
    raise AssertionError("fail_json ends the module")


def secret_result(answer: Fields) -> Fields:
    """What a module returns of an answer about one secret; no value is in it."""
    return result(answer) | {"secret": answer["after"], "missing": answer["missing"]}
