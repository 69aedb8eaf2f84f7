"""How images are shown: in an answer, and all of them."""

import dataclasses
from typing import Any

from skerry.model.container import Image
from skerry.parts import storage
from skerry.protocol.images import ImageList, Images
from skerry.resources.images import store
from skerry.resources.kind import Context
from skerry.store import references


def view(image: Image) -> dict[str, Any]:
    """The image as JSON; its size and digest are null where only the making will tell; of its environment the names."""
    shown = dataclasses.asdict(image) | {
        "digest": image.digest or None,
        "size": image.size or None,
        "command": list(image.command),
        "env": list(image.env),
        "layers": list(image.lowers if image.digest else ()),
        "manifest": image.manifest or None,
    }
    del shown["recipe"], shown["chain"]
    return shown


def list_all(context: Context, request: ImageList) -> Images:
    """Every image, with the containers made of it; the values of its environment only where they are asked for."""
    return {
        "images": [
            view(image)
            | {"containers": _users(context, image)}
            | {"missing": not all(storage.image_is_there(context.host, one) for one in image.lowers)}
            | ({"env_values": image.env} if request.show_env else {})
            for image in store.all_images(context.db)
            if context.sees_image(image)
        ]
    }


def _users(context: Context, image: Image) -> list[str]:
    """The containers that are made of it, as far as who asks may know of them."""
    every = references.users_of_image(context.db, image.digest)
    return [one for one in every if context.sees(*one.split("/")[:2])]
