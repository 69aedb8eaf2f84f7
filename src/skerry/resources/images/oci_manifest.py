"""What the documents of an OCI image say: index, manifest, configuration. Pure; what they say is checked, not trusted."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from skerry.model.errors import Code, SkerryError
from skerry.text import printable

LARGEST_DOCUMENT = 8 * 1024**2  # bytes
MOST_LAYERS = 512
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_PLATFORM = ("linux", "amd64")
_CONFIGS = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
_LAYERS = re.compile(
    r"application/vnd\.(oci\.image\.layer\.v1\.tar(\+gzip|\+zstd)?|docker\.image\.rootfs\.diff\.tar(\.gzip|\.zstd)?)"
)
JSON = dict[str, Any]
_FORM = "skerry 1"  # raised when the same layers are to become other files


@dataclasses.dataclass(frozen=True)
class Blob:
    """A part of an image: its digest (hex digits, without ``sha256:``) and its size in bytes."""

    digest: str
    size: int


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What an image consists of: its configuration, and its layers, the oldest first."""

    config: Blob
    layers: tuple[Blob, ...]


def refusal(found: str, right: str) -> SkerryError:
    """The error for a document that cannot be."""
    return SkerryError(Code.INVALID, f"image: {printable(found)}", f"Right would be: {right}")


def digest_of(data: bytes) -> str:
    """SHA-256, as hex digits."""
    return hashlib.sha256(data).hexdigest()


def check_digest(what: str, data: bytes, digest: str) -> bytes:
    """``data``, which must have that digest.

    Raises:
        SkerryError: it has another one.
    """
    if digest_of(data) != digest:
        raise refusal(
            f"its {what} has the digest sha256:{digest_of(data)}, not sha256:{digest}",
            "what the digest says; its source is broken, or lies",
        )
    return data


def document(what: str, data: bytes) -> JSON:
    """A JSON object.

    Raises:
        SkerryError: it is something else, or too large.
    """
    if len(data) > LARGEST_DOCUMENT:
        raise refusal(
            f"its {what} has more than {LARGEST_DOCUMENT} bytes", "an image that says less of itself"
        )
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise refusal(f"its {what} is not JSON ({error})", "a JSON object") from error
    if not isinstance(found, dict):
        raise refusal(f"its {what} is not a JSON object", "a JSON object")
    return found


def is_index(said: JSON) -> bool:
    """Whether it lists manifests, one a platform, and is none itself."""
    return isinstance(said.get("manifests"), list)


def choose(said: JSON, tag: str = "") -> Blob:
    """The manifest, or the index, of an index: that of linux/amd64, or the one with a tag.

    Raises:
        SkerryError: there is none of it, or more than one that may be meant.
    """
    entries = [entry for entry in said["manifests"] if isinstance(entry, dict)]
    if tag:
        entries = [entry for entry in entries if tag in _names(entry)]
        if not entries:
            known = ", ".join(sorted({name for one in said["manifests"] for name in _names(one)})[:10])
            raise refusal(
                f"there is none with the tag {tag[:80]!r}", f"one of its tags: {known or 'it has none'}"
            )
    platforms = [_platform(entry) for entry in entries]
    fitting = [
        entry for entry, one in zip(entries, platforms, strict=True) if one[:2] in {_PLATFORM, ("", "")}
    ]
    if not fitting:
        found = ", ".join(sorted({"/".join(filter(None, one)) for one in platforms})) or "none"
        raise refusal(f"it is for {found[:300]}", "one for linux/amd64")
    plain = [entry for entry in fitting if len(_platform(entry)[2]) == 0] or fitting
    told_apart = any(_platform(entry)[0] and not _names(entry) for entry in plain)
    if len({str(entry.get("digest")) for entry in plain}) > 1 and not told_apart:
        known = ", ".join(sorted({name for one in plain for name in _names(one)})[:10])
        raise refusal("there are several here", f"its tag at the end, one of: {known or 'they have none'}")
    return _blob("manifest", plain[0])


def _platform(entry: JSON) -> tuple[str, str, str]:
    said = entry.get("platform")
    found = said if isinstance(said, dict) else {}
    return str(found.get("os", "")), str(found.get("architecture", "")), str(found.get("variant", ""))


def _names(entry: Any) -> set[str]:
    said = entry.get("annotations") if isinstance(entry, dict) else None
    if not isinstance(said, dict):
        return set()
    names = {
        str(said[key])
        for key in ("org.opencontainers.image.ref.name", "io.containerd.image.name")
        if key in said
    }
    return names | {name.removeprefix("docker.io/library/") for name in names}


def manifest(said: JSON) -> Manifest:
    """The manifest of one image.

    Raises:
        SkerryError: it is of another kind, or not whole.
    """
    if said.get("schemaVersion") == 1:
        raise refusal(
            "its manifest is of Docker's schema 1", "an image pushed since 2016: OCI, or Docker's schema 2"
        )
    config, layers = said.get("config"), said.get("layers")
    if not isinstance(config, dict) or not isinstance(layers, list):
        raise refusal("its manifest names no configuration and layers", "the manifest of an image")
    kind = str(config.get("mediaType", ""))
    if kind not in _CONFIGS:
        raise refusal(
            f"it is no image of a root file system, but {kind[:80] or 'of no type'}", sorted(_CONFIGS)[1]
        )
    if not layers:
        raise refusal("it is empty: it has no layer", "an image that has files")
    if len(layers) > MOST_LAYERS:
        raise refusal(f"it has {len(layers)} layers", f"at most {MOST_LAYERS}")
    return Manifest(_blob("configuration", config), tuple(_layer(one) for one in layers))


def _layer(said: Any) -> Blob:
    found = _blob("layer", said)
    kind = str(said.get("mediaType", ""))
    if not _LAYERS.fullmatch(kind):
        raise refusal(
            f"its layer sha256:{found.digest[:12]} is of the type {kind[:80]!r}",
            "a tar, plain or packed by gzip or zstd",
        )
    return found


def _blob(what: str, said: Any) -> Blob:
    found = _DIGEST.fullmatch(str(said.get("digest"))) if isinstance(said, dict) else None
    size = said.get("size") if found else None
    if found is None or not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**50:
        raise refusal(f"its {what} has no digest and size", "sha256: and 64 hex digits, and a size in bytes")
    return Blob(found[1], size)


def diff_ids(config: JSON, layers: int) -> tuple[str, ...]:
    """The digests of the layers as they are unpacked, the oldest first, of an image for this host.

    Raises:
        SkerryError: it is for another platform, or has others than the manifest.
    """
    platform = (str(config.get("os", "")), str(config.get("architecture", "")))
    if platform != _PLATFORM:
        raise refusal(f"it is for {'/'.join(platform)[:80]}", "one for linux/amd64")
    rootfs = config.get("rootfs")
    said = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    found = [_DIGEST.fullmatch(str(one)) for one in said] if isinstance(said, list) else []
    if not found or len(found) != layers:
        raise refusal(
            f"its configuration names {len(found)} layers, its manifest {layers}", "the same layers"
        )
    if None in found:
        raise refusal("its configuration names a layer by no digest", "sha256: and 64 hex digits")
    return tuple(one[1] for one in found if one)


def chain(ids: Sequence[str]) -> tuple[str, ...]:
    """The ChainID of every layer, as the OCI specification has it: a digest of the layer and all below it."""
    found: list[str] = []
    for one in ids:
        found.append(digest_of(f"sha256:{found[-1]} sha256:{one}".encode()) if found else one)
    return tuple(found)


def lowers(chain_ids: Sequence[str], base: int) -> tuple[str, ...]:
    """The names of the EROFS files of an image, topmost first: that of its first ``base`` layers, and of the rest."""
    below, whole = chain_ids[base - 1], chain_ids[-1]
    rest = (
        () if base == len(chain_ids) else (digest_of(f"{_FORM} sha256:{whole} over sha256:{below}".encode()),)
    )
    return (*rest, digest_of(f"{_FORM} sha256:{below}".encode()))
