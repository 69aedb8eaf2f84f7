"""An OCI image that lies on this host: an OCI layout, a folder or a tarball of one, or what ``docker save`` writes.

Of a tarball only the places of its members are read; nothing is unpacked. Of members that share a name the last one counts.
"""

import contextlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from skerry.model.errors import Code, SkerryError
from skerry.model.oci import Source
from skerry.resources.images import oci_manifest, tar_stream, tarball
from skerry.resources.images.oci_manifest import JSON, LARGEST_DOCUMENT, Blob, Manifest, refusal

_MOST_MEMBERS = 10_000
_MOST_INDEXES = 3  # an index may name an index
_LINKS = 8  # `docker save` of before links a layer to the same one of another image


class _Store(Protocol):
    """Named files."""

    def open(self, name: str) -> tuple[BinaryIO, int]:
        """A file at its begin, and its size.

        Raises:
            KeyError: there is none of that name.
        """


class _Folder:
    def __init__(self, path: str) -> None:
        self._path = path

    def open(self, name: str) -> tuple[BinaryIO, int]:
        """No link is followed on the way: whoever made the image would choose what this host's root opens."""
        *folders, last = name.split("/")
        if not last or {"", ".."} & {*folders, last}:
            raise KeyError(name)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            at = os.open(self._path, flags | os.O_DIRECTORY)
            for folder in folders:
                above, at = at, -1
                try:
                    at = os.open(folder, flags | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
                finally:
                    os.close(above)
            try:
                descriptor = os.open(last, flags | os.O_NOFOLLOW, dir_fd=at)
            finally:
                os.close(at)
        except OSError as error:
            raise KeyError(name) from error
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise KeyError(name)
        return open(descriptor, "rb"), found.st_size


class _Tarball:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        try:
            self._index(file)
        except (tarfile.TarError, ValueError, OverflowError) as error:
            raise refusal(
                f"it is not a tarball, or a damaged one ({error})", "what `docker save` writes"
            ) from error

    def _index(self, file: BinaryIO) -> None:
        count = 0
        with tar_stream.open_headers(cast("BinaryIO", tarball.Headers(file))) as tar:
            while (member := tar.next()) is not None:
                count += 1
                if count > _MOST_MEMBERS:
                    raise refusal(
                        f"its tarball has more than {_MOST_MEMBERS} members", "an image in a tarball"
                    )
                name = os.path.normpath(member.name)
                if member.isreg() and member.sparse is None:
                    self._places[name] = (member.offset_data, member.size)
                elif member.issym() or member.islnk():
                    above = os.path.dirname(name) if member.issym() else ""
                    self._links[name] = os.path.normpath(os.path.join(above, member.linkname))
                tar.members.clear()  # type: ignore[attr-defined] # or else it remembers every one

    def open(self, name: str) -> tuple[BinaryIO, int]:
        for _ in range(_LINKS):
            if name in self._places:
                place, size = self._places[name]
                return cast("BinaryIO", io.BufferedReader(_Window(self._file, place, size), 1 << 20)), size
            name = self._links[name]
        raise KeyError(name)


class _Window(io.RawIOBase):
    """A part of a file, to read from its begin to its end."""

    def __init__(self, file: BinaryIO, place: int, size: int) -> None:
        self._file, self._place, self._left = file, place, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._place)
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._place, self._left = self._place + len(data), self._left - len(data)
        return len(data)


class ImageFile:
    """One image of what lies at a path.

    Attributes:
        manifest: what it consists of.
        manifest_digest: of its manifest; empty where it has none, as of older ``docker save``.
        config: its configuration, as it lies there.
    """

    def __init__(self, source: Source, store: _Store) -> None:
        self._store = store
        self._names: dict[str, str] = {}
        self.manifest_digest = ""
        try:
            self.manifest, self.config = self._read_layout(source.tag)
        except KeyError:
            self.manifest, self.config = self._read_saved(source.tag)

    def open(self, blob: Blob) -> tuple[BinaryIO, int]:
        """A layer, and its size.

        Raises:
            SkerryError: it is missing.
        """
        name = self._names.get(blob.digest, f"blobs/sha256/{blob.digest}")
        try:
            return self._store.open(name)
        except KeyError as error:
            raise refusal(f"its layer {name} is missing", "an image with all of its layers") from error

    def _document(self, name: str) -> bytes:
        file, size = self._store.open(name)
        with file:
            if size > LARGEST_DOCUMENT:
                raise refusal(f"its {name} has {size} bytes", f"at most {LARGEST_DOCUMENT}")
            return file.read(LARGEST_DOCUMENT)

    def _blob(self, what: str, blob: Blob) -> bytes:
        try:
            data = self._document(f"blobs/sha256/{blob.digest}")
        except KeyError as error:
            raise refusal(f"its {what} sha256:{blob.digest} is missing", "a whole OCI layout") from error
        return oci_manifest.check_digest(what, data, blob.digest)

    def _read_layout(self, tag: str) -> tuple[Manifest, bytes]:
        said = oci_manifest.document("index.json", self._document("index.json"))
        for _ in range(_MOST_INDEXES):
            if not oci_manifest.is_index(said):
                found = oci_manifest.manifest(said)
                return found, self._blob("configuration", found.config)
            chosen = oci_manifest.choose(said, tag)
            tag, self.manifest_digest = "", chosen.digest
            said = oci_manifest.document("manifest", self._blob("manifest", chosen))
        raise refusal(f"its indexes are deeper than {_MOST_INDEXES}", "an index of manifests")

    def _read_saved(self, tag: str) -> tuple[Manifest, bytes]:
        """What ``docker save`` wrote before it wrote OCI layouts."""
        try:
            listed = oci_manifest.document(
                "manifest.json", b'{"images":' + self._document("manifest.json") + b"}"
            )
        except KeyError as error:
            raise refusal(
                "it has neither index.json nor manifest.json", "an OCI layout, or what `docker save` writes"
            ) from error
        entry = _saved(listed["images"], tag)
        names = [os.path.normpath(str(name)) for name in entry["Layers"]]
        try:
            config = self._document(os.path.normpath(str(entry["Config"])))
        except KeyError as error:
            raise refusal(
                f"its configuration {entry['Config']!r} is missing", "a whole `docker save`"
            ) from error
        ids = oci_manifest.diff_ids(oci_manifest.document("configuration", config), len(names))
        self._names = dict(zip(ids, names, strict=True))
        blob = Blob(oci_manifest.digest_of(config), len(config))
        layers = tuple(Blob(one, self._size(name)) for one, name in zip(ids, names, strict=True))
        return Manifest(blob, layers), config

    def _size(self, name: str) -> int:
        try:
            file, size = self._store.open(name)
        except KeyError as error:
            raise refusal(f"its layer {name} is missing", "an image with all of its layers") from error
        file.close()
        return size


def _saved(images: object, tag: str) -> JSON:
    """The one image of a ``manifest.json`` that is meant."""
    entries = [
        one
        for one in (images if isinstance(images, list) else [])
        if isinstance(one, dict) and isinstance(one.get("Layers"), list) and one["Layers"] and "Config" in one
    ]
    tags = [_tags(one) for one in entries]
    known = ", ".join(sorted(name for names in tags for name in names)[:10]) or "it has no tags"
    fitting = [one for one, names in zip(entries, tags, strict=True) if not tag or tag in names]
    if len(fitting) != 1:
        found = (
            "several images" if fitting else f"no image {tag[:80]!r}" if tag else "no image that has a layer"
        )
        raise refusal(f"there is {found} in it", f"its tag at the end, one of: {known}")
    return fitting[0]


def _tags(entry: JSON) -> list[str]:
    said = entry.get("RepoTags")
    return [str(one) for one in said] if isinstance(said, list) else []


@contextlib.contextmanager
def opened(source: Source) -> Iterator[ImageFile]:
    """The image that lies at a source's path.

    Raises:
        SkerryError: nothing can be read there, or it is no image.
    """
    path = Path(source.path)
    try:
        if path.is_dir():
            yield ImageFile(source, _Folder(source.path))
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SkerryError(
            Code.INVALID,
            f"source: {source.path!r} cannot be read: {error.strerror}",
            "Give the path of an image on this host; the engine sees nothing below /tmp, /home and /root",
        ) from error
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SkerryError(
                Code.INVALID, f"source: {source.path} is neither a file nor a folder", "Give one"
            )
        yield ImageFile(source, _Tarball(file))
