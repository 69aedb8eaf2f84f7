"""A Debian root file system, made on this host by mmdebstrap."""

import os
from pathlib import Path

from skerry.host import sandbox
from skerry.model.errors import Code, SkerryError
from skerry.resources.images.recipe import EPOCH, Recipe

_TIMEOUT = 3600.0  # seconds; a plain one takes 20 natively and a quarter of an hour under full emulation
_MEMORY = 2 * 1024**3  # bytes; the page cache of all that is unpacked counts
_LARGEST_FILE = 8 * 1024**3


def read_file(path: str) -> bytes:
    """The bytes of a file of the host that goes into an image.

    Raises:
        SkerryError: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SkerryError(
            Code.INVALID,
            f"files: {path} cannot be read: {error.strerror}",
            "Give the path of a file on this host",
        ) from error


def prepare(recipe: Recipe, tar: str, folder: str) -> sandbox.Job:
    """The job that makes the tarball of a recipe.

    Args:
        recipe: what to build.
        tar: the file to make.
        folder: an empty folder for what is needed meanwhile.
    """
    extra = f"{folder}/extra.tar"
    recipe.pack(Path(extra))
    os.mkdir(f"{folder}/root")
    return sandbox.Job(
        argv=["/usr/bin/mmdebstrap", *recipe.arguments(extra, "-", "root")],
        stdout=tar,
        scratch=f"{folder}/root",
        privileged=True,
        memory=_MEMORY,
        largest_file=_LARGEST_FILE,
        timeout=_TIMEOUT,
        env=(f"SOURCE_DATE_EPOCH={EPOCH}",),
    )
