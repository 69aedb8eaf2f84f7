"""From the layers of an OCI image to tarballs that one EROFS file each is made of. Nothing is unpacked.

The rules for a member are those of a tarball (:mod:`skerry.resources.images.tarball`), with what layers have besides:
whiteouts, device nodes of their builder below ``dev``, attributes of their builder's file system. Of the attributes only
``security.capability`` stays.
"""

import dataclasses
import tarfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import BinaryIO, cast

from skerry.model.errors import Code, SkerryError
from skerry.resources.images import tar_fields, tar_stream, tarball
from skerry.resources.images.oci_tree import WHITEOUT, Folder, Found, Inode, Laid, Tree
from skerry.resources.images.tar_tree import IMPLIED, MisplacedError

_OPAQUE = ".wh..wh..opq"
_AUFS = ".wh..wh."  # what AUFS kept beside the files: nothing of an image
_CAPABILITY = "security.capability"
_LARGEST_CAPABILITY = 24  # bytes of struct vfs_ns_cap_data
Watch = Callable[[int], None]


@dataclasses.dataclass
class Budget:
    """What all layers of an image may hold together.

    Attributes:
        members: headers that may still come.
        characters: of their paths.
        size: bytes of their files.
    """

    members: int = tarball.MOST_MEMBERS
    characters: int = tarball.MOST_CHARACTERS
    size: int = 8 * 1024**3

    def spend(self, member: tarfile.TarInfo) -> None:
        """Count one member in.

        Raises:
            SkerryError: there is too much.
        """
        self.members -= 1
        self.characters -= len(member.name) + len(member.linkname)
        self.size -= member.size if member.isreg() else 0
        for left, found, right in (
            (
                self.members,
                f"has more than {tarball.MOST_MEMBERS} members, its layers together",
                "fewer files",
            ),
            (
                self.characters,
                f"has paths of more than {tarball.MOST_CHARACTERS} characters",
                "shorter paths",
            ),
            (self.size, "holds files of more than 8G, its layers together", "smaller layers"),
        ):
            if left < 0:
                raise tarball.refusal(f"the image {found}", right)


@dataclasses.dataclass
class Layer:
    """What one layer says: paths to hide, folders to empty, members in their order."""

    hidden: list[str] = dataclasses.field(default_factory=list)
    opaque: list[str] = dataclasses.field(default_factory=list)
    members: list[Found] = dataclasses.field(default_factory=list)


def apply(tree: Tree, file: BinaryIO, number: int, budget: Budget, watch: Watch) -> None:
    """Lay one layer over a tree.

    Args:
        tree: the layers below it.
        file: the layer, unpacked.
        number: which layer it is, from 0.
        budget: what is left for it and those that come after it.
        watch: is told the bytes passed, often.

    Raises:
        SkerryError: what it holds cannot be part of an image; names the layer, the member and the rule.
    """
    try:
        layer = _read(file, number, budget, watch)
        for path in layer.hidden:
            tree.hide(path)
        for path in layer.opaque:
            tree.hide_below(path)
        for found in layer.members:
            _put(tree, found)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise _in_layer(
            number, tarball.refusal(f"it is not a tarball, or a damaged one ({error})", "a tar archive")
        ) from error
    except SkerryError as error:
        raise _in_layer(number, error) from error


def _in_layer(number: int, error: SkerryError) -> SkerryError:
    message = error.message.removeprefix("tarball: ")
    return SkerryError(Code.INVALID, f"layer {number + 1}: {message}", error.hint)


def _put(tree: Tree, found: Found) -> None:
    try:
        tree.put(found)
    except MisplacedError as error:
        raise tarball.refusal(f"member {found.path!r} {error.found}", error.right) from error


def _read(file: BinaryIO, number: int, budget: Budget, watch: Watch) -> Layer:
    """Look at every member; the reader is that of tarballs."""
    layer, end = Layer(), 0
    file.seek(0)
    with tar_stream.open_headers(cast("BinaryIO", tarball.Headers(file))) as tar:
        while (member := tar.next()) is not None:
            tarball.check_global(tar)
            budget.spend(member)
            _take_in(layer, member, number)
            tar.members.clear()  # type: ignore[attr-defined] # or else it remembers every one
            watch(member.offset)
            end = tar.offset
    tarball.check_end(file, end)
    return layer


def _take_in(layer: Layer, member: tarfile.TarInfo, number: int) -> None:
    path = tarball.path_of("member", member.name)
    above, _slash, name = path.rpartition("/")
    if name.startswith(WHITEOUT):
        _take_whiteout(layer, member, above, name)
        return
    if (member.ischr() or member.isblk()) and path.startswith("dev/"):
        return  # a builder's own; a container has its /dev from the host
    tarball.check_kind(member, path)
    tarball.check_fields(member)
    _capability(member)
    if tar_fields.is_folder(member):
        layer.members.append(Found(path, Folder(number, member.offset)))
    elif member.islnk():
        target = tarball.path_of(f"the hard link {member.name!r} to", member.linkname)
        layer.members.append(Found(path, same_as=target))
    else:
        link = member.linkname if member.issym() else ""
        layer.members.append(Found(path, Inode(number, member.offset, link)))


def _take_whiteout(layer: Layer, member: tarfile.TarInfo, above: str, name: str) -> None:
    if name == _OPAQUE:
        layer.opaque.append(above)
    elif name.startswith(_AUFS):
        return
    elif name[len(WHITEOUT) :] in {"", ".", ".."}:
        raise tarball.refusal(
            f"member {member.name!r} is a whiteout of no name", "a whiteout of a file's name"
        )
    else:
        layer.hidden.append(f"{above}/{name[len(WHITEOUT) :]}" if above else name[len(WHITEOUT) :])


def _capability(member: tarfile.TarInfo) -> dict[str, str]:
    """The one attribute of a member that stays."""
    if not any(key.endswith(_CAPABILITY) for key in member.pax_headers):
        return {}
    value = tar_fields.attributes(member).get(_CAPABILITY)
    if value is None:
        return {}
    if len(value.encode(errors="surrogateescape")) > _LARGEST_CAPABILITY:
        raise tarball.refusal(
            f"member {member.name!r} has a {_CAPABILITY} of more than {_LARGEST_CAPABILITY} bytes",
            "as setcap writes",
        )
    return {_CAPABILITY: value}


def check_root(tree: Tree) -> None:
    """Refuse what is no root: the last look at an image whose layers are all applied.

    Raises:
        SkerryError: it is empty, or the host could not mount upon one of its folders.
    """
    if not tree.root.children.keys() - set(tarball.MOUNTED_UPON):
        raise SkerryError(Code.INVALID, "image: it is empty", "Right would be: an image that has files")
    for name in tarball.MOUNTED_UPON:
        if isinstance(tree.root.children.get(name), Inode):
            raise SkerryError(
                Code.INVALID,
                f"image: {name!r} at its top is not a folder",
                "Right would be: a folder, or nothing; the host mounts there when a container starts",
            )


def write(found: Iterable[Laid], sources: Sequence[BinaryIO], target: BinaryIO, watch: Watch) -> None:
    """Write what was laid over one another as one tarball.

    Args:
        found: its paths, in order.
        sources: the layers, unpacked.
        target: the new one, as pax. Whiteouts are AUFS's, as mkfs.erofs reads them.
        watch: is told the bytes written, often.
    """
    with ExitStack() as stack:
        tars = [stack.enter_context(tar_stream.open_headers(source)) for source in sources]
        for one in found:
            if one.node is None:
                target.write(tar_stream.header(one.path, "", tarfile.TarInfo(one.path), {}))
            elif one.node.place == IMPLIED:
                target.write(tar_stream.header(one.path, "", tar_stream.implied(one.path), {}))
            else:
                source = sources[one.node.layer]
                member = tar_stream.member_at(tars[one.node.layer], source, one.node.place)
                target.write(tar_stream.header(one.path, one.same_as, member, _capability(member)))
                if member.isreg() and not one.same_as:
                    tar_stream.copy(source, target, member)
            watch(target.tell())
    target.write(tar_stream.END)
