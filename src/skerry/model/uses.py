"""What a container has by name and does not own: volumes and secrets of its project."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from skerry.model.base import Frozen, Name
from skerry.model.paths import mount_point


def _read_only(value: Any) -> Any:
    """On a command line, as other programs say it: ``data:/srv/data:ro``."""
    return {"ro": True, "rw": False}.get(value, value) if isinstance(value, str) else value


class VolumeUse(Frozen):
    """A volume that a container has, and where."""

    in_words: ClassVar[str] = "a volume and a path"
    volume: Annotated[Name, Field(description="Name of a volume of the same project.")]
    path: Annotated[
        str,
        AfterValidator(mount_point),
        Field(
            description="Folder inside. It is made where the image has none. What the image has there is copied into "
            "a volume that is empty, when the container starts."
        ),
    ]
    read_only: Annotated[
        bool, BeforeValidator(_read_only), Field(description="Whether the container may only read it.")
    ] = False


class SecretUse(Frozen):
    """A secret that a container has, and as which file."""

    in_words: ClassVar[str] = "a secret"
    secret: Annotated[Name, Field(description="Name of a secret of the same project.")]
    file: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            description="Name of its file in /run/secrets, where that is not the secret's own.",
        ),
    ] = None
    mode: Annotated[
        Literal["0400", "0440", "0444"],
        Field(
            description="Permissions of the file. It belongs to the user of the container's program; with 0444, a "
            "program that changes its user can read it as well."
        ),
    ] = "0400"

    @property
    def target(self) -> str:
        """The name of its file."""
        return self.file or self.secret


def check_secrets(value: tuple[SecretUse, ...]) -> tuple[SecretUse, ...]:
    """Refuse two secrets as one file."""
    names = [use.target for use in value]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the file {name!r} is there twice; give one of them another with 'file'")
    return value


def check_volumes(value: tuple[VolumeUse, ...]) -> tuple[VolumeUse, ...]:
    """Refuse two volumes at one path."""
    paths = [use.path for use in value]
    for path in paths:
        if paths.count(path) > 1:
            raise ValueError(f"the path {path!r} is there twice; give each volume a path of its own")
    return value
