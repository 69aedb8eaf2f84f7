# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules about images share: the request that options describe, and the result of an answer."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .engine_handler import Fields, apply, delete, given, result


def image_request(params: Fields) -> Fields:
    """The request that brings an image to the state which a module's options describe."""
    if params["state"] == "absent":
        return {"verb": "image_delete", "name": params["name"]}
    common = given({name: params[name] for name in ("name", "command", "env")})
    if params["tarball"]:
        return {"verb": "image_import", **common, **params["tarball"]}
    if params["oci"]:
        return {"verb": "image_pull", **common, **given(params["oci"])}
    if params["container"]:
        return {"verb": "image_publish", **common, **given(params["container"])}
    debian = given(params["debian"])
    files = {file["dest"]: given(file) for file in debian.pop("files", [])}
    for file in files.values():
        del file["dest"]
    return {"verb": "image_build", **common, **debian, "files": files}


def apply_image(module: AnsibleModule) -> Fields:
    """What the module returns once the image is in the state that its options describe, in check mode would be."""
    request = image_request(module.params)
    if module.params["state"] == "absent":
        return delete(module, request, "image")
    answer = apply(module, request)
    return result(answer) | {"image": answer["after"]}


def prune_images(module: AnsibleModule) -> Fields:
    """What the module returns once no image is there that no container is made of, in check mode would be."""
    return result(apply(module, {"verb": "image_prune"}))
