"""What an image consists of on its host: a tarball while it is made, its file, its mount."""

import dataclasses
import os
from typing import ClassVar

from skerry.model import oci
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import UNJOURNALED, Part
from skerry.resources.images import factory, merged, oci_build
from skerry.resources.images.factory import BuildDir
from skerry.resources.images.merged import Merged
from skerry.resources.images.recipe import Recipe
from skerry.resources.images.registry import Login, Pulled


def short(digest: str) -> str:
    """A digest as people read it."""
    return f"sha256:{digest[:12]}" if digest else "its digest is not known yet"


@dataclasses.dataclass(frozen=True)
class _Tarball(Part):
    """A plain tarball in the build directory."""

    def remove(self, host: HostConfig) -> None:
        """End its making, and take the build directory away."""
        factory.clear(host)

    def exists(self, host: HostConfig) -> bool:
        """Whether it is whole."""
        return factory.has_tarball(host)


@dataclasses.dataclass(frozen=True)
class FetchedTarball(_Tarball):
    """The tarball at ``path``, copied, checked against ``sha256`` and unpacked."""

    kind: ClassVar[str] = "image_tarball"
    making: ClassVar[str] = "copy and check"
    path: str
    sha256: str

    def __str__(self) -> str:
        return f"tarball {self.path} ({short(self.sha256)})"

    def make(self, host: HostConfig) -> None:
        """Copy and check it."""
        with factory.room_matters(host):
            directory = BuildDir(host)
            directory.make()
            directory.fetch(self.path, self.sha256)


@dataclasses.dataclass(frozen=True)
class DebianTarball(_Tarball):
    """The tarball of a Debian release and packages, whose recipe has the digest ``recipe_digest``."""

    kind: ClassVar[str] = "image_debian"
    making: ClassVar[str] = "build"
    suite: str
    recipe_digest: str
    recipe: Recipe | None = dataclasses.field(default=None, compare=False, repr=False, metadata=UNJOURNALED)

    def __str__(self) -> str:
        return f"tarball of Debian {self.suite}"

    def make(self, host: HostConfig) -> None:
        """Build it.

        Raises:
            SkerryError: mmdebstrap failed; or the journal, which has no recipe, is all that is left of this part.
        """
        if self.recipe is None:
            raise SkerryError(
                Code.FAILED, f"the recipe of {self} is not known any more", "Build the image again"
            )
        with factory.room_matters(host):
            directory = BuildDir(host)
            directory.make()
            directory.build(self.recipe)


@dataclasses.dataclass(frozen=True)
class ContainerTarball(_Tarball):
    """The tarball of a container's files, those of its image among them."""

    kind: ClassVar[str] = "image_container"
    making: ClassVar[str] = "read"
    source: str
    files: Merged | None = dataclasses.field(default=None, compare=False, repr=False, metadata=UNJOURNALED)

    def __str__(self) -> str:
        return f"files of {self.source}"

    def make(self, host: HostConfig) -> None:
        """Read them.

        Raises:
            SkerryError: they cannot be read; or the journal is all that is left of this part.
        """
        if self.files is None:
            raise SkerryError(Code.FAILED, f"the {self} are not known any more", "Publish it again")
        with factory.room_matters(host):
            merged.bring(host, self.files)


@dataclasses.dataclass(frozen=True)
class OciLayers(_Tarball):
    """The layers of an OCI image, brought from ``source``, checked against their digests and unpacked.

    Attributes:
        manifest: the digest of its manifest; empty where it has none.
    """

    kind: ClassVar[str] = "image_layers"
    making: ClassVar[str] = "bring and check"
    source: str
    manifest: str
    pulled: Pulled | None = dataclasses.field(default=None, compare=False, repr=False, metadata=UNJOURNALED)
    login: Login = dataclasses.field(default=Login(), compare=False, repr=False, metadata=UNJOURNALED)

    def __str__(self) -> str:
        return f"layers of {self.source}" + (f" ({short(self.manifest)})" if self.manifest else "")

    def make(self, host: HostConfig) -> None:
        """Bring, check and unpack them.

        Raises:
            SkerryError: they cannot be had, or are not what was named; or the journal is all that is left of this part.
        """
        if self.pulled is None:
            raise SkerryError(Code.FAILED, f"the {self} are not known any more", "Pull the image again")
        with factory.room_matters(host):
            oci_build.bring(host, oci.parse(self.source), self.login, self.pulled)


@dataclasses.dataclass(frozen=True)
class OciLower(Part):
    """The EROFS file of the layers ``base`` to ``layers`` of an image; it is made of what is in the build directory.

    Attributes:
        digest: its name.
        base: how many layers another file has, over which this one lies.
        layers: up to which layer, counted from 1, it goes.
        last: whether the build directory is of no more use.
    """

    kind: ClassVar[str] = "image_lower"
    name: str
    digest: str
    base: int
    layers: int
    last: bool

    def __str__(self) -> str:
        which = (
            f"layers {self.base + 1} to {self.layers}"
            if self.layers > self.base + 1
            else f"layer {self.layers}"
        )
        return f"file of {which} of image {self.name}"

    def make(self, host: HostConfig) -> None:
        """Make it."""
        with factory.room_matters(host):
            oci_build.make_lower(host, self.digest, self.base, self.layers, last=self.last)

    def remove(self, host: HostConfig) -> None:
        """End its making, and delete it."""
        factory.clear(host)
        factory.delete_file(host, self.digest)

    def exists(self, host: HostConfig) -> bool:
        """Whether it is in its place."""
        return os.path.exists(factory.file_path(host, self.digest))


@dataclasses.dataclass(frozen=True)
class ImageFile(Part):
    """The file of the image ``name`` with this digest; it is made of the tarball in the build directory."""

    kind: ClassVar[str] = "image_file"
    name: str
    digest: str

    def __str__(self) -> str:
        return f"image {self.name} ({short(self.digest)})"

    def make(self, host: HostConfig) -> None:
        """Make it of the tarball, and take the build directory away."""
        with factory.room_matters(host):
            BuildDir(host).finish(self.digest)

    def remove(self, host: HostConfig) -> None:
        """End its making, and delete it."""
        factory.clear(host)
        factory.delete_file(host, self.digest)

    def exists(self, host: HostConfig) -> bool:
        """Whether it is in its place."""
        return os.path.exists(factory.file_path(host, self.digest))


@dataclasses.dataclass(frozen=True)
class ImageMount(Part):
    """The mount of the image ``name`` with this digest."""

    kind: ClassVar[str] = "image_mount"
    name: str
    digest: str

    def __str__(self) -> str:
        return f"mount of image {self.name} ({short(self.digest)})"

    def make(self, host: HostConfig) -> None:
        """Mount it where it is not mounted."""
        factory.mount(host, self.digest)

    def remove(self, host: HostConfig) -> None:
        """Unmount it."""
        factory.unmount(host, self.digest)

    def exists(self, host: HostConfig) -> bool:
        """Whether it is mounted."""
        return os.path.ismount(factory.mount_point(host, self.digest))
