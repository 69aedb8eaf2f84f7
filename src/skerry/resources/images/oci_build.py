"""The build directory of an OCI image: its layers as they came, checked and unpacked; then an EROFS file each lower.

``layers/N`` is the tar of layer N, from 0. ``digest``, as of a tarball, says that all are there and whole.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.oci import Source
from skerry.resources.images import factory, oci_file, oci_layers, oci_manifest, registry, tarball
from skerry.resources.images.factory import BuildDir
from skerry.resources.images.oci_layers import Budget
from skerry.resources.images.oci_manifest import Blob, refusal
from skerry.resources.images.oci_tree import Tree
from skerry.resources.images.registry import Login, Pulled

_CHUNK = 1 << 20


def bring(host: HostConfig, source: Source, login: Login, pulled: Pulled) -> None:
    """Bring the layers of an image into a new build directory, check and unpack them.

    Raises:
        SkerryError: one cannot be had, is not what its digest says, or does not unpack within the limits.
    """
    build = BuildDir(host)
    build.make()
    if sum(layer.size for layer in pulled.manifest.layers) > build.room():
        raise factory.no_room(host)
    os.mkdir(f"{build.folder}/blobs")
    os.mkdir(f"{build.folder}/layers")
    config = oci_manifest.document("configuration", pulled.config)
    ids = oci_manifest.diff_ids(config, len(pulled.manifest.layers))
    if source.registry:
        _from_registry(build, source, login, pulled)
    else:
        _from_file(build, source, pulled)
    left = factory.MOST_UNPACKED
    for number, (blob, diff_id) in enumerate(zip(pulled.manifest.layers, ids, strict=True)):
        left -= _unpack(build, number, blob, diff_id, left)
    shutil.rmtree(f"{build.folder}/blobs")
    build.tell_digest(pulled.manifest.config.digest)


def _from_registry(build: BuildDir, source: Source, login: Login, pulled: Pulled) -> None:
    came = registry.copy(build.host, source, login, pulled.manifest_digest, build)
    for blob in set(pulled.manifest.layers):
        place = f"{build.folder}/blobs/{blob.digest}"
        try:
            os.rename(f"{came}/{blob.digest}", place)
        except FileNotFoundError as error:
            raise refusal(f"its layer sha256:{blob.digest} is missing", "a whole image") from error
        found = os.lstat(place)  # the maker is gone, and could leave anything
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise SkerryError(
                Code.FAILED, "skopeo left something else than files", "Do not trust this registry"
            )
    shutil.rmtree(came)


def _from_file(build: BuildDir, source: Source, pulled: Pulled) -> None:
    with oci_file.opened(source) as image:
        if image.config != pulled.config:
            raise refusal("it is another one than a moment ago", "one that nobody writes to meanwhile")
        for blob in set(pulled.manifest.layers):
            file, size = image.open(blob)
            if size > build.room():
                raise factory.no_room(build.host)
            with file, open(f"{build.folder}/blobs/{blob.digest}", "xb") as target:
                _copy(file, target, lambda done: build.look("copy", done))


def _copy(source: BinaryIO, target: BinaryIO, watch: Callable[[int], None]) -> None:
    done = 0
    while block := source.read(_CHUNK):
        target.write(block)
        done += len(block)
        watch(done)


def _unpack(build: BuildDir, number: int, blob: Blob, diff_id: str, left: int) -> int:
    """Check a layer's blob and unpack it; returns its size. The same blob may be several layers."""
    packed, plain = f"{build.folder}/packed", f"{build.folder}/layers/{number}"
    what = f"layer {number + 1} (sha256:{blob.digest[:12]})"
    os.link(f"{build.folder}/blobs/{blob.digest}", packed)
    if _digest(packed, build) not in {blob.digest, diff_id}:
        raise _lie(what, blob.digest)
    build.unpack(packed, plain, what, left)
    if os.path.lexists(packed):
        os.unlink(packed)
    if _digest(plain, build) != diff_id:
        raise _lie(f"{what}, unpacked,", diff_id)
    return os.stat(plain).st_size


def _lie(what: str, digest: str) -> SkerryError:
    return refusal(
        f"{what} has another digest than sha256:{digest}", "what was named; its source is broken, or lies"
    )


def _digest(path: str, build: BuildDir) -> str:
    digest, done = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
            done += len(block)
            build.tell("verify", done)
    return digest.hexdigest()


def make_lower(host: HostConfig, name: str, base: int, layers: int, *, last: bool) -> None:
    """Make one EROFS file of the layers in the build directory.

    Args:
        host: this host.
        name: its name.
        base: how many layers lie below it; what differs from them is what it has. 0 for all.
        layers: how many layers there are up to its end.
        last: with it the image is whole, so it must be a root; the build directory goes.

    Raises:
        SkerryError: a layer holds what it may not, or the making failed.
    """
    build = BuildDir(host)
    with ExitStack() as stack:
        sources = [stack.enter_context(open(f"{build.folder}/layers/{n}", "rb")) for n in range(layers)]
        below, tree = _applied(build, sources, base)
        if last:
            oci_layers.check_root(tree)
        with open(build.tar, "xb") as target:
            found = tree.beyond(below) if below else tree.everything()
            oci_layers.write(found, sources, target, lambda done: build.look("sort", done))
    build.convert(*(["--aufs"] if below else []))
    build.take_over(name)
    os.unlink(build.tar)
    if last:
        factory.clear(host)


def _applied(build: BuildDir, sources: Sequence[BinaryIO], base: int) -> tuple[Tree | None, Tree]:
    """The tree of the first ``base`` layers, where there are any, and that of all."""
    tree, below, budget = Tree(), None, Budget(size=factory.MOST_UNPACKED)
    for number, source in enumerate(sources):
        oci_layers.apply(tree, source, number, budget, lambda done: build.tell("check", done))
        if number + 1 == base:
            tree.imply(tarball.MOUNTED_UPON)
            below = tree.copy()
    tree.imply(tarball.MOUNTED_UPON)
    return below, tree
