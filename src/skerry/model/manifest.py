"""What an archive of a container begins with: which container it was. JSON, so that a person can read it too."""

import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, ValidationError

from skerry.model.base import Frozen
from skerry.model.container import Container, Image
from skerry.model.errors import Code, SkerryError

VERSION = 1
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Text = Annotated[str, Field(max_length=1024)]


class ManifestImage(Frozen):
    """The image that the container is made of.

    Attributes:
        name: what the container's spec calls it.
        digest: which one it is.
        source: of an OCI image, where it came from; else empty.
    """

    in_words: ClassVar[str] = "a name, a digest and a source"
    name: _Text
    digest: Digest
    source: _Text


class Manifest(Frozen):
    """The container as it was exported.

    Attributes:
        version: of this form.
        name: realm, project and name there.
        created: when its files were as they are in the archive.
        image: what they lie over.
        spec: its options.
        volumes: the names of its volumes, whose files are not in the archive.
        secrets: the names of its secrets, whose values are not in it.
    """

    version: Literal[1]
    name: _Text
    created: _Text
    image: ManifestImage
    spec: Annotated[dict[str, Any], Field(repr=False)]
    volumes: tuple[_Text, ...]
    secrets: tuple[_Text, ...]


def write(container: Container, image: Image, called: str, created: str) -> str:
    """The manifest of a container.

    Args:
        container: which one.
        image: what its files lie over, which its spec calls ``called``.
        called: see there.
        created: when its files were so.
    """
    spec = container.spec.model_dump(mode="json") | {"image": called}
    found = Manifest(
        version=VERSION,
        name=str(container.key),
        created=created,
        image=ManifestImage(name=called, digest=image.digest, source=image.reference),
        spec=spec,
        volumes=tuple(dict.fromkeys(use.volume for use in container.spec.volumes)),
        secrets=tuple(dict.fromkeys(use.secret for use in container.spec.secrets)),
    )
    return f"{json.dumps(found.model_dump(mode='json'), indent=1)}\n"


def read(text: str) -> Manifest:
    """The manifest that :func:`write` wrote; of another version, or of none, it says so.

    Raises:
        SkerryError: it is another one, or none; the message names the field.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("is no JSON") from error
    if not isinstance(found, dict):
        raise _wrong("is no object")
    version = found.get("version")
    if version != VERSION or isinstance(version, bool):
        raise SkerryError(
            Code.INVALID,
            f"archive: its manifest is of version {json.dumps(version)[:40]}, and this Skerry reads {VERSION}",
            "Bring this host to the Skerry that wrote it, or a newer one (site.yml)",
        )
    try:
        return Manifest.model_validate(found)
    except ValidationError as error:  # of the input it may quote a secret
        first = error.errors(include_input=False, include_url=False)[0]
        raise _wrong(f"is wrong at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _wrong(what: str) -> SkerryError:
    return SkerryError(Code.INVALID, f"archive: its manifest {what}", "Take it as 'export' wrote it")
