"""What is kept of a container when its image changes."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class KeptRoot:
    """An earlier root of a container.

    Attributes:
        number: each root of a container has its own.
        image: what the container's image was called then.
        digest: of that image.
        size: bytes that the root takes.
    """

    number: int
    image: str
    digest: str
    size: int
