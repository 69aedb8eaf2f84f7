"""The wire format, version 1: one line of JSON a request; lines of progress and one last line as the answer."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from skerry.model.container import ContainerKey, Frozen, Spec
from skerry.model.errors import Code, SkerryError

WIRE_VERSION = 1
Seconds = Annotated[float, Field(ge=0, le=3600)]


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


class ImageImport(Frozen):
    """Make an image of a root file system tarball that lies on the host."""

    verb: Literal["image_import"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    path: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    command: list[str] = []
    env: dict[str, str] = {}


class ImageBuild(Frozen):
    """Make a Debian image on the host with mmdebstrap."""

    verb: Literal["image_build"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    suite: Annotated[str, Field(pattern=r"^[a-z]+$")] = "trixie"
    packages: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]*$")]] = []
    files: dict[str, str] = {}
    command: list[str] = []
    env: dict[str, str] = {}


class ImageList(Frozen):
    """Tell about every image."""

    verb: Literal["image_list"]


class ImageDelete(Frozen):
    """Delete an image that no container is made of."""

    verb: Literal["image_delete"]
    name: str


Deed = Create | Start | Stop | Restart | Update | Delete | Ensure
ImageDeed = ImageImport | ImageBuild | ImageDelete


class PlanOnly(Frozen):
    """Tell what another request would do, and do nothing."""

    verb: Literal["plan"]
    of: Annotated[Deed | ImageDeed, Field(discriminator="verb")]


Request = Deed | ImageDeed | PlanOnly | Info | List | Operations | Status | ImageList


class _Envelope(BaseModel):
    request: Annotated[Request, Field(discriminator="verb")]


def readable(error: ValidationError, prefix: str = "") -> SkerryError:
    """The first thing that is wrong with a request, in words: where, what came, what would be right."""
    first = error.errors()[0]
    skip = {"request", "spec", "container", "of", first.get("input") if first["type"] == "literal_error" else None}
    where = [str(part) for part in first["loc"] if part not in skip and not str(part).istitle()]
    message = first["msg"].removeprefix("Value error, ")
    name = prefix + (".".join(where[1:] if where and where[0].islower() and len(where) > 1 else where) or "the request")
    found = "" if first["type"] in {"missing", "value_error"} else f" (found {str(first['input'])[:80]!r})"
    return SkerryError(Code.INVALID, f"{name}: {message}{found}")


def parse(raw: dict[str, Any]) -> Request:
    """The typed request in a decoded line.

    Raises:
        SkerryError: the version is not ours, the verb is unknown, or an option is wrong.
    """
    version = raw.pop("version", None)
    if version != WIRE_VERSION:
        raise SkerryError(Code.INVALID, f"version {version!r} of the wire format is not known here",
                          f"This engine speaks version {WIRE_VERSION}; use the client it came with")
    try:
        return _Envelope.model_validate({"request": raw}).request
    except ValidationError as error:
        raise readable(error) from error
