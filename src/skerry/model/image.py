"""What an image is, as the store knows it."""

import dataclasses
from typing import Any

OF_CONTAINER = "container:"  # begins the reference of an image that was published


@dataclasses.dataclass(frozen=True)
class Image:
    """A root file system on this host, of one EROFS file or two that lie over one another.

    Attributes:
        digest: of the tarball it was made from; of an OCI image, of its configuration; of a container's files, of these.
        size: bytes of its files, with those that it shares with other images.
        recipe: the digest of what it was built from; empty where it was imported.
        stop_signal: what asks its program to end; empty for the usual one.
        health: in the form of the option ``health``; empty for none.
        layers: the names of its files, the topmost first; empty where it has one, with its own digest.
        chain: of an OCI image, the ChainID of each of its layers, the oldest first.
        reference: of an OCI image, where it came from; of a container's files, :data:`OF_CONTAINER` and that container.
        manifest: of an OCI image, the digest of its manifest there; empty where it has none.
        user: who its program runs as, as the image says it; and so on with what its containers take from it.
        volumes: folders that are meant to outlive a container.
        ports: TCP ports that its program listens on, the lowest first.
        ignored: what it says that has no effect, in words.
    """

    digest: str
    name: str
    size: int
    command: tuple[str, ...] = ()
    env: dict[str, str] = dataclasses.field(default_factory=dict, repr=False)
    created: str = ""
    recipe: str = ""
    layers: tuple[str, ...] = ()
    chain: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    reference: str = ""
    manifest: str = ""
    user: str = ""
    workdir: str = ""
    stop_signal: str = ""
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: dict[str, str] = dataclasses.field(default_factory=dict, repr=False)
    health: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    ignored: tuple[str, ...] = ()

    @property
    def lowers(self) -> tuple[str, ...]:
        """The names of its EROFS files, the topmost first."""
        return self.layers or (self.digest,)
