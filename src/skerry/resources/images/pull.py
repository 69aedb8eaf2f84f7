"""From a request for an OCI image and what is there to a plan: what its source says, and which of its files are missing."""

import dataclasses
from collections.abc import Sequence

from skerry.model import oci
from skerry.model.container import Image
from skerry.model.oci import Source
from skerry.parts import storage
from skerry.protocol.images import ImagePull
from skerry.resources.images import oci_config, oci_file, oci_manifest, plan, registry, store
from skerry.resources.images.found import Decide, found, give_way
from skerry.resources.images.oci_tree import common
from skerry.resources.images.parts import OciLayers, OciLower
from skerry.resources.images.registry import Login, Pulled
from skerry.resources.kind import Context, Plan
from skerry.store.db import now


def planner(context: Context, request: ImagePull, named: Image | None) -> Sequence[Decide]:
    """Ask the source what it has, some kilobytes; then decide. No transaction waits for a registry."""
    source = oci.parse(request.source)
    login = Login(request.username or "", request.password or "", request.tls_verify)
    pulled = _look(context, source, login)
    image = _image(request, source, pulled)

    def decide(_found_now: Image | None) -> Plan[Image]:
        there = store.all_images(context.db)
        base = _base(image.chain, there)
        desired = with_layers(image, base, there)
        layers = OciLayers(image.reference, image.manifest, pulled, login)
        files = {one for one in store.layers(context.db) if storage.image_is_there(context.host, one)}
        lowers = _missing(desired, base, files)
        return plan.pull(request.verb, desired, found(context, named, image.digest), layers, lowers)

    return [decide, give_way(context, named, image.digest)]


def _look(context: Context, source: Source, login: Login) -> Pulled:
    if source.registry:
        return registry.look(context.host, source, login)
    with oci_file.opened(source) as image:
        return Pulled(image.manifest, image.manifest_digest, image.config)


def _image(request: ImagePull, source: Source, pulled: Pulled) -> Image:
    """The image as its configuration says, but for what the request says."""
    config = oci_manifest.document("configuration", pulled.config)
    ids = oci_manifest.diff_ids(config, len(pulled.manifest.layers))
    said = oci_config.read(config)
    return Image(
        digest=pulled.manifest.config.digest,
        name=request.name,
        size=0,
        command=said.command if request.command is None else tuple(request.command),
        env=said.env if request.env is None else request.env,
        created=now(),
        chain=oci_manifest.chain(ids),
        reference=str(source),
        manifest=pulled.manifest_digest,
        user=said.user,
        workdir=said.workdir,
        stop_signal=said.stop_signal,
        ports=said.ports,
        volumes=said.volumes,
        labels=said.labels,
        health=said.health,
        ignored=said.ignored,
    )


def _base(chain: Sequence[str], there: Sequence[Image]) -> int:
    """How many of an image's layers are its base: as many as it shares with some image here, the first one else."""
    return max(1, *(common(chain, image.chain) for image in there), 0)


def with_layers(image: Image, base: int, there: Sequence[Image]) -> Image:
    """The image with the names of its files: those of one here that has the very same layers, if one has.

    Args:
        image: with its chain.
        base: how many of its layers are one file, else.
        there: every image of the host.
    """
    twin = next((one for one in there if one.chain == image.chain), None)
    layers = twin.layers if twin else oci_manifest.lowers(image.chain, base)
    return dataclasses.replace(image, layers=layers)


def _missing(image: Image, base: int, there: set[str]) -> list[OciLower]:
    """The files of the image that are not on this host, the lowest first."""
    whole, spans = len(image.chain), [(0, base), (base, len(image.chain))]
    lowest_first = zip(reversed(image.layers), spans, strict=False)
    missing = [(digest, span) for digest, span in lowest_first if digest not in there]
    return [
        OciLower(image.name, digest, below, layers, last=layers == whole)
        for digest, (below, layers) in missing
    ]
