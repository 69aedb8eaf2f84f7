"""OCI images to order, without any builder: layers, an OCI layout, its tarball, what ``docker save`` writes."""

import dataclasses
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def descriptor(kind: str, data: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{digest(data)}", "size": len(data), **more}


def packed_by_gzip(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


@dataclasses.dataclass(frozen=True)
class Made:
    """An image: its layers as tars, the oldest first, and what it says of itself."""

    layers: Sequence[bytes]
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    platform: tuple[str, str] = ("linux", "amd64")
    packed: bool = True
    config_type: str = _CONFIG
    layer_type: str = ""

    @property
    def configuration(self) -> bytes:
        ids = [f"sha256:{digest(layer)}" for layer in self.layers]
        said = {"os": self.platform[0], "architecture": self.platform[1], "config": dict(self.config)}
        return json.dumps({**said, "rootfs": {"type": "layers", "diff_ids": ids}}).encode()

    @property
    def blobs(self) -> list[bytes]:
        return [packed_by_gzip(layer) if self.packed else layer for layer in self.layers]

    @property
    def manifest(self) -> bytes:
        kind = self.layer_type or (f"{_LAYER}+gzip" if self.packed else _LAYER)
        layers = [descriptor(kind, blob) for blob in self.blobs]
        config = descriptor(self.config_type, self.configuration)
        said = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": layers}
        return json.dumps(said).encode()


def index(**images: Made) -> bytes:
    """An index of images by their tags."""
    names = "org.opencontainers.image.ref.name"
    entries = [descriptor(_MANIFEST, one.manifest, annotations={names: tag}) for tag, one in images.items()]
    return json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}).encode()


def platforms(*images: Made) -> bytes:
    """An index of the same image for several platforms."""
    entries = [
        descriptor(
            _MANIFEST, one.manifest, platform=dict(zip(("os", "architecture"), one.platform, strict=True))
        )
        for one in images
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}).encode()


def layout(said: bytes, *images: Made) -> dict[str, bytes]:
    """The files of an OCI layout, by their paths."""
    blobs = [blob for one in images for blob in (one.manifest, one.configuration, *one.blobs)]
    files = {f"blobs/sha256/{digest(blob)}": blob for blob in blobs}
    return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": said, **files}


def saved(image: Made, tag: str = "web:1") -> dict[str, bytes]:
    """The files of ``docker save`` as it was before it wrote OCI layouts."""
    name = f"{digest(image.configuration)}.json"
    layers = {f"{number}{digest(layer)[:8]}/layer.tar": layer for number, layer in enumerate(image.layers)}
    entry = {"Config": name, "RepoTags": [tag], "Layers": list(layers)}
    return {name: image.configuration, **layers, "manifest.json": json.dumps([entry]).encode()}


def tarred(files: Mapping[str, bytes]) -> bytes:
    """A tarball of files."""
    with tarfile.open(fileobj=(file := io.BytesIO()), mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file.getvalue()


def written(files: Mapping[str, bytes], folder: Path) -> Path:
    """The files, in a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder
