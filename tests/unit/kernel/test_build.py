"""What decides a kernel's name in the cache, and what is refused before any work."""

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.progress import Progress
from skerry_kernel import build, private
from skerry_kernel.archive import Package
from skerry_kernel.build import Job, Wanted
from skerry_kernel.fragment import Flavour, Line
from skerry_kernel.source import version

SEED = "5a" * 32
JOB = Job(
    Wanted(Flavour.LAB),
    Package("linux-source-6.12", "6.12.118-1", "00" * 32),
    "tools",
    {"KSM": Line("KSM", "y", "", "", "a.config:1"), "AIO": Line("AIO", "n", "", "", "a.config:2")},
    SEED,
)


@pytest.mark.parametrize(
    ("debian", "linux"), [("6.12.118-1", "6.12.118"), ("7.3.4-1~bpo13+1", "7.3.4"), ("6.13~rc1-1", "6.13")]
)
def test_the_version_is_linuxs_without_debians_revision(debian: str, linux: str) -> None:
    assert version(Package("linux-source", debian, "")) == linux


def test_a_comment_or_the_order_of_lines_makes_no_other_kernel() -> None:
    lines = {"AIO": Line("AIO", "n", "why", "grsec", "b.config:9"), "KSM": JOB.lines["KSM"]}
    assert replace(JOB, lines=lines).key() == JOB.key()


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, wanted=Wanted(Flavour.METAL)),
        replace(JOB, package=replace(JOB.package, sha256="11" * 32)),
        replace(JOB, tools="newer tools"),
        replace(JOB, lines={"KSM": JOB.lines["KSM"]}),
        replace(JOB, seed=""),
        replace(JOB, seed="a5" * 32),
    ],
    ids=["flavour", "source", "tools", "lines", "no seed", "another seed"],
)
def test_all_else_makes_another_kernel(other: Job) -> None:
    assert other.key() != JOB.key()


def test_the_seed_is_not_in_the_name() -> None:
    assert JOB.key() not in SEED
    assert len(JOB.key()) == 24


def test_too_little_space_is_refused_with_both_figures() -> None:
    with pytest.raises(SkerryError, match=r"it takes 5\.0 GiB below /var/cache, and 1\.5 GiB are free there"):
        build.check_space(Path("/var/cache"), int(1.5 * 1024**3))
    build.check_space(Path("/var/cache"), build.SPACE)


def test_missing_programs_are_named_with_their_packages() -> None:
    with pytest.raises(
        SkerryError, match=r"apt-get install --no-install-recommends --yes mmdebstrap xz-utils$"
    ):
        build.check_programs(lambda tool: tool.what not in {"mmdebstrap", "xz"})
    build.check_programs(lambda _: True)


def test_a_fragment_that_is_wrong_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.config"
    wrong.write_text("KSM=y\n")
    home = tmp_path / "cache"
    with pytest.raises(SkerryError, match=r"wrong\.config:1"):
        build.prepare(Cache(home, Progress(out=io.StringIO())), Wanted(Flavour.LAB, extra=(wrong,)))
    assert not home.exists()


def test_objects_are_counted_as_make_says_them() -> None:
    said = "  HOSTCC  scripts/x.o\n  CC      kernel/fork.o\n  CC [M]  fs/xfs/xfs.o\n  AS      entry.o\n  LD      vmlinux\n"
    assert build.objects(said) == 3


def test_a_seed_and_a_key_are_looked_at_first(tmp_path: Path) -> None:
    path = tmp_path / "seed"
    path.write_text("not a seed\n")
    with pytest.raises(SkerryError, match=r"seed: a seed is 64 lowercase hex digits"):
        private.read_seed(path)
    path.write_text(f"{SEED}\n")
    assert private.read_seed(path) == SEED
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(SkerryError, match=r"key\.pem: no certificate in it"):
        private.check_key(key)
    key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    with pytest.raises(SkerryError, match=r"key\.pem: its private key asks for a passphrase"):
        private.check_key(key)
    with pytest.raises(SkerryError, match=r"gone: this signing key can't be read"):
        private.check_key(tmp_path / "gone")


def test_a_labs_seed_is_made_once_and_is_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "kernel-lab.seed"
    first = private.kept_seed(path)
    assert private.kept_seed(path) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_build_that_goes_on_keeps_its_seed(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    private.lay_out(folder, SEED, None)
    private.lay_out(folder, private.new_seed(), None)
    assert private.laid_out_seed(folder) == SEED
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.listdir(folder) == ["randstruct.seed"]
