"""The wire format, version 1: one line of JSON a request; lines of progress and one last line as the answer."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from skerry.engine import wording
from skerry.model.container import ContainerKey, Frozen, Spec, check_command, check_env
from skerry.model.errors import Code, SkerryError

WIRE_VERSION = 1
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


class _OneContainer(Frozen):
    container: ContainerKey


class _Starts(_OneContainer):
    wait: Annotated[Literal["running", "ready"], Field(description="What to wait for.")] = "ready"
    timeout: Annotated[Seconds, Field(description="Seconds to wait for it.")] = 30.0


class Create(_Starts):
    """Make a container that must not exist yet."""

    verb: Literal["create"]
    spec: Spec
    start: bool = True


class Start(_Starts):
    """Start a container."""

    verb: Literal["start"]


class Stop(_OneContainer):
    """Stop a container."""

    verb: Literal["stop"]
    grace: Annotated[Seconds, Field(description="Seconds its program has to end by itself.")] = 10.0


class Restart(_Starts):
    """Stop a container and start it again."""

    verb: Literal["restart"]
    grace: Seconds = 10.0


class Update(_OneContainer):
    """Change options of a container; what is not named stays."""

    verb: Literal["update"]
    spec: dict[str, Any]


class Delete(_OneContainer):
    """Delete a container and all its files."""

    verb: Literal["delete"]


class Ensure(_Starts):
    """Bring a container to a state, whatever it is in now: what the Ansible module asks for."""

    verb: Literal["ensure"]
    state: Literal["present", "started", "stopped", "restarted", "absent"]
    spec: dict[str, Any] = {}
    grace: Seconds = 10.0


class Info(_OneContainer):
    """Tell all about one container."""

    verb: Literal["info"]


class List(Frozen):
    """Tell about every container, or those of one realm or project."""

    verb: Literal["list"]
    realm: str | None = None
    project: str | None = None


class Operations(Frozen):
    """Show the journal, newest first."""

    verb: Literal["operations"]
    count: Annotated[int, Field(ge=1, le=1000)] = 20


class Status(Frozen):
    """Tell about the host: version, fences, how much is promised to containers."""

    verb: Literal["status"]


# With an at sign and 12 characters of its digest, a name that had to give way still fits into a container's spec.
ImageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,57}$", description="Name of the image.")]


class _NewImage(Frozen):
    name: ImageName
    command: Annotated[
        list[str] | None,
        AfterValidator(check_command),
        Field(description="Program and arguments that its containers run."),
    ] = None
    env: Annotated[
        dict[str, str] | None,
        AfterValidator(lambda env: env and check_env(env)),
        Field(description="Environment of its containers' program."),
    ] = None


class ImageImport(_NewImage):
    """Make an image of a root file system tarball that lies on the host."""

    verb: Literal["image_import"]
    path: Annotated[
        str, Field(pattern=r"^/", description="The tarball: plain or packed by gzip, bzip2, xz or zstd.")
    ]
    sha256: Annotated[
        str, Field(pattern=r"^[0-9a-f]{64}$", description="Digest of the tarball as it lies there.")
    ]


def _plain_path(value: str) -> str:
    if not value.startswith("/") or "\0" in value or {"", ".", ".."} & set(value[1:].split("/")):
        raise ValueError("this is not a whole path; begin with / and leave out . and ..")
    return value


class ImageFile(Frozen):
    """A file to put into an image that is built: its text, or where it lies on the host."""

    content: str | None = None
    path: Annotated[str | None, Field(pattern=r"^/")] = None
    mode: Annotated[str, Field(pattern=r"^0[0-7]{3}$", description="Permissions, octal.")] = "0644"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.content is None) == (self.path is None):
            raise ValueError("give either content or path")
        return self


class ImageBuild(_NewImage):
    """Make a Debian image on the host with mmdebstrap."""

    verb: Literal["image_build"]
    suite: Annotated[str, Field(pattern=r"^[a-z]+$", description="Debian release by its code name.")] = (
        "trixie"
    )
    packages: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]*$")]],
        Field(description="Packages on top of the smallest Debian."),
    ] = []
    files: Annotated[
        dict[Annotated[str, AfterValidator(_plain_path)], ImageFile],
        Field(description="Files to add: path in the image, and what lies there."),
    ] = {}
    rebuild: Annotated[
        bool, Field(description="Build even if the recipe is the same, for newer packages.")
    ] = False


class ImageList(Frozen):
    """Tell about every image."""

    verb: Literal["image_list"]


class ImageDelete(Frozen):
    """Delete an image that no container is made of."""

    verb: Literal["image_delete"]
    name: Annotated[str, Field(description="Name of the image, or C(sha256:) and its digest.")]


Deed = Create | Start | Stop | Restart | Update | Delete | Ensure
ImageDeed = ImageImport | ImageBuild | ImageDelete


class PlanOnly(Frozen):
    """Tell what another request would do, and do nothing."""

    verb: Literal["plan"]
    of: Annotated[Deed | ImageDeed, Field(discriminator="verb")]


Request = Deed | ImageDeed | PlanOnly | Info | List | Operations | Status | ImageList


class _Envelope(BaseModel):
    request: Annotated[Request, Field(discriminator="verb")]


readable = wording.readable


def parse(raw: dict[str, Any]) -> Request:
    """The typed request in a decoded line.

    Raises:
        SkerryError: the version is not ours, the verb is unknown, or an option is wrong.
    """
    version = raw.pop("version", None)
    if version != WIRE_VERSION:
        raise SkerryError(
            Code.INVALID,
            f"version {version!r} of the wire format is not known here",
            f"This engine speaks version {WIRE_VERSION}; use the client it came with",
        )
    try:
        return _Envelope.model_validate({"request": raw}).request
    except ValidationError as error:
        raise readable(error) from error
