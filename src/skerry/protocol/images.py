"""What is asked about images, and how it is answered."""

from typing import Annotated, Any, Literal, Self, TypedDict

from pydantic import AfterValidator, Field, model_validator

from skerry.model import copies, oci
from skerry.model.base import Frozen, Name
from skerry.model.container import Secret
from skerry.model.copies import Copied
from skerry.model.program import check_command, check_env
from skerry.model.snapshot import SnapshotKey, SourceKey
from skerry.protocol.core import Change, Request, Resource, ShowEnv

# With an at sign and 12 characters of its digest, a name that had to give way still fits into a container's spec.
ImageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,57}$", description="Name of the image.")]


class _NewImage(Frozen):
    name: ImageName
    command: Annotated[
        list[str] | None,
        AfterValidator(check_command),
        Field(
            description="Program and arguments that its containers run, unless they name their own. "
            "Where it is not given, a new image has none and one that exists keeps its own."
        ),
    ] = None
    env: Annotated[
        dict[str, str] | None,
        AfterValidator(lambda env: env and check_env(env)),
        Field(
            description="Environment of its containers' program. Where it is not given, as with the command. "
            "Its values may be secrets, so diffs, results and logs have the names only."
        ),
        Secret(),
    ] = None


class ImageImport(_NewImage, Change):
    """Make an image of a root file system tarball that lies on the host."""

    verb: Literal["image_import"]
    path: Annotated[
        str,
        Field(
            pattern=r"^/",
            description="The tarball on the host, plain or packed by gzip, bzip2, xz or zstd. The engine sees "
            "nothing below /tmp, /home and /root; /var/lib/skerry/incoming is a place for it.",
        ),
    ]
    sha256: Annotated[
        str,
        Field(
            pattern=r"^[0-9a-f]{64}$",
            description="Digest of the tarball as it lies there.",
        ),
    ]


def _plain_path(value: str) -> str:
    if not value.startswith("/") or "\0" in value or {"", ".", ".."} & set(value[1:].split("/")):
        raise ValueError("this is not a whole path; begin with / and leave out . and ..")
    return value


class ImageFile(Frozen):
    """A file to put into an image that is built: its text, or where it lies on the host."""

    content: Annotated[str | None, Field(description="Text of the file.")] = None
    path: Annotated[
        str | None, Field(pattern=r"^/", description="A file on the host to take, instead of a text.")
    ] = None
    mode: Annotated[
        str, Field(pattern=r"^0[0-7]{3}$", description="Its permissions. The file belongs to root.")
    ] = "0644"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.content is None) == (self.path is None):
            raise ValueError("give either content or path")
        return self


class ImageBuild(_NewImage, Change):
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
        bool,
        Field(
            description="Build even where suite, packages and files are those the image was built from, for newer "
            "packages. Where they give the same image, nothing changes."
        ),
    ] = False


class ImagePull(_NewImage, Change):
    """Bring an OCI image from a registry, or from an OCI layout or ``docker save`` tarball that lies on the host."""

    verb: Literal["image_pull"]
    source: Annotated[
        str,
        AfterValidator(oci.check),
        Field(
            description="Where it comes from. HOST/PATH:TAG or HOST/PATH@DIGEST of a registry, such as "
            "docker.io/library/nginx:1.27. Or what lies on the host: oci:PATH of an OCI layout, oci-archive:PATH of one "
            "in a tarball, docker-archive:PATH of what docker save wrote; where it holds several, with :TAG at the end.",
        ),
    ]
    username: Annotated[
        str | None,
        Field(pattern=r"^[^:\s]{1,255}$", description="Who asks the registry."),
    ] = None
    password: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=65_536,
            repr=False,
            description="The password or token. It is kept nowhere.",
        ),
        Secret(),
    ] = None
    tls_verify: Annotated[
        bool,
        Field(
            description="Refuse a registry that speaks plain HTTP, or whose certificate the host does not trust."
        ),
    ] = True

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("give username and password, or none of them")
        if self.username and not oci.parse(self.source).registry:
            raise ValueError("username and password are for a registry, and the source is none")
        return self


class ImagePublish(_NewImage, Change):
    """Make an image of a container: of its image and what it has written, as they are now or in a snapshot."""

    verb: Literal["image_publish"]
    source: Annotated[
        Copied,
        Field(
            description="The container whose files it has: CONTAINER, or CONTAINER@SNAPSHOT. Volumes and secrets are not "
            "among them. Program, environment, user and folder of the container become the image's."
        ),
    ]
    realm: Annotated[Name, Field(description="Tenant that owns the container.")] = "default"
    project: Annotated[Name, Field(description="Project of the container.")] = "default"
    rebuild: Annotated[
        bool,
        Field(
            description="Publish even where there is an image of that name, of this container or another source. "
            "The name moves to the new one. Where that is the same, nothing changes."
        ),
    ] = False

    @property
    def key(self) -> SourceKey | SnapshotKey:
        """The container, or the snapshot of it."""
        return copies.key_of(self.source, "container", self.realm, self.project)


class ImagePrune(Change):
    """Delete every image that no container is made of."""

    verb: Literal["image_prune"]


class ImageDelete(Change):
    """Delete an image that no container is made of."""

    verb: Literal["image_delete"]
    name: Annotated[str, Field(description="Name of the image, or sha256: and its digest.")]


class ImageList(Request):
    """Tell about every image."""

    verb: Literal["image_list"]
    show_env: ShowEnv = False


class Images(TypedDict):
    """The answer to ``image_list``: each image, with the containers that are made of it."""

    images: list[dict[str, Any]]


RESOURCE = Resource(
    "image",
    1,
    (ImageImport, ImagePull, ImageBuild, ImagePublish, ImageDelete, ImagePrune, ImageList),
    ("name", "digest", "size", "containers", "created", "reference"),
)
