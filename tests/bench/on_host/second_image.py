"""What a second image on the same base costs: bytes of disk, and bytes of the page cache.

``python3 second_image.py`` runs on the host, as root, and prints one line of JSON, in bytes. Podman makes two OCI images:
the sample image's root as their base, and a file of 4 MiB on it, which is another one in each.
"""

import contextlib
import ctypes
import json
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from peers_setup import IMAGE, POOL, run

from skerry.client import EngineClient

INCOMING, IMAGES = Path("/var/lib/skerry/incoming"), Path("/var/lib/skerry/pool/images")
NAMES = ("bench-first", "bench-second")
OWN = "usr/share/bench-own"
OWN_SIZE = 4 * 1024**2
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.mmap.restype = ctypes.c_void_p
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_FAILED = ctypes.c_void_p(-1).value


def resident(path: Path) -> int:
    """Bytes of a file that are in the page cache, by mincore(2). Nothing of it is read for that."""
    opened = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(opened).st_size
        if not size:
            return 0
        place = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, opened, 0)
        if place == _FAILED:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
        pages = ctypes.create_string_buffer(-(-size // mmap.PAGESIZE))
        failed = _libc.mincore(place, size, pages)
        error = ctypes.get_errno()
        _libc.munmap(place, size)
        if failed:
            raise OSError(error, os.strerror(error), str(path))
        return sum(page & 1 for page in pages.raw) * mmap.PAGESIZE
    finally:
        os.close(opened)


def files_of(root: Path) -> list[str]:
    """Every regular file below /usr of a root: its path from the root."""
    return [
        str(path.relative_to(root))
        for folder, _, names in os.walk(root / "usr")
        for path in (Path(folder, name) for name in names)
        if path.is_file() and not path.is_symlink()
    ]


def cached(root: Path, names: Iterable[str]) -> int:
    """Bytes of these files that are in the page cache, as seen through this root."""
    return sum(resident(root / name) for name in names)


def read_all(root: Path, names: Iterable[str]) -> None:
    """Read these files through this root."""
    for name in names:
        with (root / name).open("rb") as file:
            while file.read(1 << 20):
                pass


def build(name: str) -> Path:
    """An OCI image with the sample image as its base; its archive, where the engine takes one from."""
    container, archive = run("podman", "create", IMAGE), INCOMING / f"{name}.tar"
    with tempfile.TemporaryDirectory(dir=POOL) as folder:
        own = Path(folder, "own")
        own.write_bytes(os.urandom(OWN_SIZE))
        run("podman", "cp", str(own), f"{container}:/{OWN}")
    run("podman", "commit", "--quiet", container, f"localhost/{name}")
    run("podman", "rm", container)
    INCOMING.mkdir(mode=0o700, exist_ok=True)
    archive.unlink(missing_ok=True)
    run("podman", "save", "--quiet", "--format=oci-archive", f"--output={archive}", f"localhost/{name}")
    return archive


def on_disk() -> dict[str, int]:
    """Each file that images are made of, and the bytes that it takes."""
    return {path.name: path.stat().st_blocks * 512 for path in IMAGES.iterdir()}


def pool_used() -> int:
    """Bytes of the pool that are in use."""
    run("sync", "--file-system", str(IMAGES))
    about = os.statvfs(IMAGES)
    return (about.f_blocks - about.f_bfree) * about.f_frsize


def root_of(container_id: str) -> Path:
    """The root of a running container, as its own program sees it."""
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            inside = f"skerry-{container_id}.service" in (process / "cgroup").read_text()
            if inside and (process / "comm").read_text().strip() == "python3":
                return process / "root"
    raise RuntimeError(f"no program of {container_id} runs")


@contextlib.contextmanager
def running(client: EngineClient, name: str) -> Iterator[Path]:
    """Within it, a container of the image of that name runs; its root."""
    key = {"name": name}
    made = client.call("create", container=key, spec={"image": name}, wait="ready")["after"]
    try:
        yield root_of(made["id"])
    finally:
        client.call("delete", container=key)


def disk(client: EngineClient) -> dict[str, int]:
    """Pull both, one after the other, and see what each adds to the disk."""
    found = {}
    for which, name in zip(("first", "second"), NAMES, strict=True):
        archive = build(name)
        files, used = on_disk(), pool_used()
        client.call("image_pull", name=name, source=f"oci-archive:{archive}")
        added = {each: size for each, size in on_disk().items() if each not in files}
        found |= {
            f"files added by the {which}": len(added),
            f"disk added by the {which}": sum(added.values()),
            f"pool used more by the {which}": pool_used() - used,
        }
        archive.unlink()
    return found


def page_cache(client: EngineClient) -> dict[str, int]:
    """Run both, and see what of the base the second one finds in the page cache, and what it adds."""
    with running(client, NAMES[0]) as first:
        names = [name for name in files_of(first) if name != OWN]
        read_all(first, [*names, OWN])
        before = cached(first, names)
        with running(client, NAMES[1]) as second:
            shared, own_before = cached(second, names), cached(second, [OWN])
            read_all(second, [*names, OWN])
            return {
                "files of the base": len(names),
                "base in the page cache, the first has read all": before,
                "the same, seen through the second, which has not": shared,
                "base added when the second reads all": cached(second, names) - shared,
                "own layer of the second, before": own_before,
                "own layer of the second, after": cached(second, [OWN]),
            }


def clean(client: EngineClient) -> None:
    """Take both away, with what an earlier run that was cut off left."""
    for name in NAMES:
        client.call("ensure", container={"name": name}, state="absent")
        if any(image["name"] == name for image in client.call("image_list")["images"]):
            client.call("image_delete", name=name)
        subprocess.run(["podman", "rmi", "--force", f"localhost/{name}"], capture_output=True, check=False)


def main() -> int:
    client = EngineClient()
    clean(client)
    try:
        found = disk(client) | page_cache(client)
    finally:
        clean(client)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
