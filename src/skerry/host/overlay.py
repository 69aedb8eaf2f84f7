"""The upper layer of a container's overlay: what the kernel notes in it, and what only the host's root may write there."""

import os

from skerry.host import inside

UPPER = "upper"  # the layer, in the folder of a container's root
OPAQUE = "trusted.overlay.opaque"  # a folder that hides the image's of the same name
REDIRECT = (
    "trusted.overlay.redirect"  # a folder of the image's that was renamed, and has its files there still
)
# The kernel makes them anew: they name inodes of the file system that they are on.
NOTES = frozenset({"trusted.overlay.origin", "trusted.overlay.impure", "trusted.overlay.uuid"})
LIST = "opaque"  # a file beside the layer: the paths of folders that are to be opaque, each with a zero byte after it


def make_opaque(folder: str) -> None:
    """Make the folders that :data:`LIST` names opaque, and remove it. No link is followed.

    Args:
        folder: that of a container's root.

    Raises:
        OSError: one of them is not there, or a link is on the way.
    """
    listed = os.open(f"{folder}/{LIST}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(listed, "rb") as file:
        paths = file.read().split(b"\0")[:-1]
    top = os.open(f"{folder}/{UPPER}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for path in paths:
            opened = inside.below(top, os.fsdecode(path))
            os.setxattr(opened, OPAQUE, b"y")
            os.close(opened)
    finally:
        os.close(top)
    os.unlink(f"{folder}/{LIST}")
