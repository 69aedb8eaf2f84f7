"""What apt lets through: Debian's own archive, copied to a folder, then changed by a byte in one place after another."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from skerry_base.core.errors import SkerryError
from skerry_kernel.archive import Archive
from skerry_kernel.mirrors import mirror as own_mirror

# A small package of a small part of the archive; what holds for it holds for the source.
PACKAGE, SUITE = "kernel-hardening-checker", "trixie-backports"
INDEX = f"dists/{SUITE}/main/binary-amd64/Packages.xz"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is a copy of Debian's archive, as far as this package goes."""
    home = tmp_path_factory.mktemp("archive")
    debian = own_mirror().debian
    archive = Archive(home / "apt", (f"{debian} {SUITE} main",))
    archive.update()
    package = archive.fetch(archive.newest(PACKAGE))
    mirror = home / "mirror"
    lists = home / "apt/lists"
    index = mirror / INDEX
    index.parent.mkdir(parents=True)
    fetch = ["/usr/lib/apt/apt-helper", "download-file", f"{debian}/{INDEX}", str(index)]
    subprocess.run(fetch, check=True, capture_output=True)
    shutil.copy(next(lists.glob("*_InRelease")), mirror / f"dists/{SUITE}/InRelease")
    plain = next(lists.glob("*_Packages"))
    (place,) = re.findall(rf"^Filename: (\S*/{PACKAGE}_\S+)$", plain.read_text(), re.MULTILINE)
    (mirror / place).parent.mkdir(parents=True)
    shutil.copy(package, mirror / place)
    return mirror


@pytest.fixture
def mirror(original: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return shutil.copytree(original, tmp_path / "mirror")


def fetched(mirror: Path, home: Path) -> Path:
    home.mkdir()
    archive = Archive(home, (f"file:{mirror} {SUITE} main",))
    archive.update()
    return archive.fetch(archive.newest(PACKAGE))


def change(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def the_package(mirror: Path) -> None:
    (package,) = mirror.glob("pool/**/*.deb")
    flip(package)


def the_index(mirror: Path) -> None:
    flip(mirror / INDEX)


def the_signed_list(mirror: Path) -> None:
    change(mirror / f"dists/{SUITE}/InRelease", b"Origin: Debian", b"Origin: Debiam")


def no_signature(mirror: Path) -> None:
    signed = mirror / f"dists/{SUITE}/InRelease"
    text = signed.read_text().split("\n\n", 1)[1].split("-----BEGIN PGP SIGNATURE-----")[0]
    signed.with_name("Release").write_text(text)
    signed.unlink()


def test_the_copy_itself_is_let_through(mirror: Path, tmp_path: Path) -> None:
    assert fetched(mirror, tmp_path / "apt").stat().st_size > 100_000


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (the_package, rf"{PACKAGE} \S+ was refused: .*Debian signed"),
        (the_index, "the packages' index was refused: it is not there, or not what Debian signed\n"),
        (the_signed_list, "the packages' index was refused: it is not there, or not what Debian signed\n"),
        (no_signature, "the packages' index was refused: it is not there, or not what Debian signed\n"),
    ],
)
def test_what_was_changed_is_refused(
    mirror: Path, tmp_path: Path, changed: Callable[[Path], None], said: str
) -> None:
    changed(mirror)
    with pytest.raises(SkerryError, match=said):
        fetched(mirror, tmp_path / "apt")
    assert not list((tmp_path / "apt").glob("packages/*"))


def test_a_package_that_changed_in_the_cache_is_fetched_anew(mirror: Path, tmp_path: Path) -> None:
    package = fetched(mirror, tmp_path / "apt")
    whole = package.read_bytes()
    package.write_bytes(whole[:-1] + b"x")
    archive = Archive(tmp_path / "apt", (f"file:{mirror} {SUITE} main",))
    assert archive.fetch(archive.newest(PACKAGE)).read_bytes() == whole
