"""From a flavour to packages in the cache."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.files import digest, read_text, sha256
from skerry_base.core.locks import locked
from skerry_base.core.programs import Tool, apt_line
from skerry_base.core.run import CommandError, run_here, run_logged
from skerry_kernel import fragment, private
from skerry_kernel.archive import Archive, Package
from skerry_kernel.config import Configurator
from skerry_kernel.fragment import Flavour, Line
from skerry_kernel.source import Source, source, version
from skerry_kernel.toolchain import Places, toolchain, toolchain_key

DEFAULT_SOURCE = "linux-source-6.12"
SPACE = 5 * 1024**3
"""Bytes that a first build takes: source, tool chain, objects, the compiler's cache."""
_INDEXES = 512 * 1024**2
"""What is needed to ask at all: the archive's indexes, and a little."""
MANIFEST = "manifest.json"
_PROGRAMS = (
    Tool("apt-get", "apt"),
    Tool("dpkg-deb", "dpkg"),
    Tool("mmdebstrap", "mmdebstrap"),
    Tool("openssl", "openssl"),
    Tool("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    Tool("setpriv", "util-linux"),
    Tool("unshare", "util-linux"),
    Tool("xz", "xz-utils"),
)
_SOURCE = re.compile(r"linux-source-\d+\.\d+")
_OBJECTS = {Flavour.LAB: 2490, Flavour.METAL: 3110}
_COMPILE_S = 8 * 3600
_COMPILE = Path(__file__).with_name("compile.sh")
_CACHED_GCC = Path(__file__).with_name("cached_gcc.sh")


@dataclass(frozen=True)
class Wanted:
    """What a user asks for."""

    flavour: Flavour
    source: str = DEFAULT_SOURCE
    """Debian's package with the source."""
    extra: tuple[Path, ...] = ()
    """Fragments of the user's own, which have the last word."""
    seed: Path | None = None
    """File with the seed of the structures' layout; without it each build has its own (`lab`: each user)."""
    key: Path | None = None
    """File with the key that signs modules; without it each build has its own, which ends with it."""


@dataclass(frozen=True)
class Job:
    """All that decides a kernel."""

    wanted: Wanted
    package: Package
    """The source."""
    tools: str
    """The key of the tool chain."""
    lines: dict[str, Line]
    seed: str
    """Empty where the build makes one of its own."""

    def key(self) -> str:
        """The name of the result in the cache."""
        pinned = [hashlib.sha256(self.seed.encode()).hexdigest() if self.seed else ""]
        pinned.append(sha256(self.wanted.key) if self.wanted.key else "")
        lines = sorted(line.text() for line in self.lines.values())
        texts = [*lines, _COMPILE.read_text(encoding="utf-8")]
        return digest([self.wanted.flavour, self.package.sha256, self.tools, texts, pinned])

    def fragments(self) -> list[Path]:
        """The files its lines come from."""
        return [*fragment.files(self.wanted.flavour, version(self.package)), *self.wanted.extra]


def prepare(cache: Cache, wanted: Wanted) -> Job:
    """Ask Debian's archive for the newest source, and read the fragments.

    Raises:
        SkerryError: a file is wrong, a program is missing, there is no space, or the archive can't be had.
    """
    check_programs()
    seed = private.read_seed(wanted.seed) if wanted.seed else ""
    if wanted.key:
        private.check_key(wanted.key)
        _check_pair(wanted.key)
    for path in wanted.extra:
        fragment.read(path)
    if not _SOURCE.fullmatch(wanted.source):
        raise SkerryError(f"{wanted.source!r} is no package with a source: it is as {DEFAULT_SOURCE}")
    if len({path.name for path in wanted.extra}) < len(wanted.extra):
        raise SkerryError("two fragments have the same name; the manifest tells them by it")
    cache.home.mkdir(parents=True, exist_ok=True)
    if not seed and wanted.flavour is Flavour.LAB:
        seed = private.kept_seed(cache.home / "kernel-lab.seed")
    check_space(cache.home, shutil.disk_usage(cache.home).free, _INDEXES)
    with own_archive(cache) as archive, cache.progress.stage(f"archive: newest {wanted.source}"):
        archive.update()
        package, tools = archive.newest(wanted.source), toolchain_key(archive)
    lines = fragment.assemble(fragment.files(wanted.flavour, version(package)), wanted.extra)
    return Job(wanted, package, tools, lines, seed)


def _check_pair(path: Path) -> None:
    public = {}
    for what, words in (("private key", ["pkey", "-pubout"]), ("certificate", ["x509", "-noout", "-pubkey"])):
        try:
            public[what] = run_here(["openssl", *words, "-in", str(path)])
        except CommandError as error:
            raise SkerryError(f"{path}: openssl can't read its {what}") from error
    if len(set(public.values())) > 1:
        raise SkerryError(f"{path}: the certificate in it is of another key")


def build(cache: Cache, job: Job) -> Path:
    """The folder with a kernel's package, manifest, configuration and image, built if it is not there yet.

    Raises:
        SkerryError: what was asked for can't be; there is no such folder then.
    """

    def fill(place: Path) -> None:
        _fill(cache, job, place)

    return cache.entry(f"kernel-{job.wanted.flavour}", job.key(), fill, goes_on=True)


def built(cache: Cache, job: Job) -> Path:
    """Where the kernel is, or would be."""
    return cache.home / f"kernel-{job.wanted.flavour}-{job.key()}"


@contextmanager
def own_archive(cache: Cache) -> Iterator[Archive]:
    """The cache's apt, for one at a time."""
    with locked(cache.home / "kernel-archive.lock"):
        yield Archive(cache.home / "kernel-archive")


def check_programs(present: Callable[[Tool], bool] = Tool.present) -> None:
    """Whether this computer has what a build starts.

    Raises:
        SkerryError: it has not; the message says what to install.
    """
    missing = sorted({tool.package for tool in _PROGRAMS if not present(tool)})
    if missing:
        raise SkerryError(f"this computer lacks programs; install them with:\n    {apt_line(missing)}")


def check_space(folder: Path, free: int, needed: int = SPACE) -> None:
    """Whether a build has room.

    Args:
        folder: where it would be.
        free: bytes there.
        needed: bytes.

    Raises:
        SkerryError: it has not.
    """
    if free < needed:
        raise SkerryError(
            f"no space for the build: it takes {SPACE / 1024**3:.1f} GiB below {folder}, and "
            f"{free / 1024**3:.1f} GiB are free there"
        )


def configure(cache: Cache, job: Job, work: Path) -> tuple[Configurator, Source]:
    """Get tool chain and source, and write the configuration below a folder.

    Raises:
        SkerryError: a package or a line was refused, or there is no space.
    """
    check_space(cache.home, shutil.disk_usage(cache.home).free)
    with own_archive(cache) as archive:
        linux = source(cache, archive, job.package)
    private.lay_out(work / "private", job.seed or private.new_seed(), job.wanted.key)
    for folder in (work / "build", ccache(cache)):
        folder.mkdir(parents=True, exist_ok=True)
    places = Places(linux.tree, work / "build", ccache(cache), work / "private")
    shutil.copy(_CACHED_GCC, places.build)
    compiler = f"/build/{_CACHED_GCC.name}" if job.seed else "gcc"
    configurator = Configurator(toolchain(cache, job.tools), places, compiler)
    with cache.progress.stage(f"kernel {job.wanted.flavour}: configuration"):
        configurator.configure(job.lines | {line.symbol: line for line in _own_lines(job)})
    return configurator, linux


def _own_lines(job: Job) -> Iterable[Line]:
    # What differs between builds is not here but an argument of make: the compiler's cache goes by the configuration.
    yield Line("LOCALVERSION", f'"-skerry-{job.wanted.flavour}"', "", "", "the build")
    yield Line("MODULE_SIG_KEY", '"/private/signing.pem"', "", "", "the build")


def ccache(cache: Cache) -> Path:
    """The compiler's cache. It is of use where the seed stays the same."""
    return cache.home / "kernel-ccache"


def _fill(cache: Cache, job: Job, place: Path) -> None:
    """Configure, compile, pack; `place` may hold what a killed build left."""
    work, log = place / "work", place / "build.log"
    work.mkdir(exist_ok=True)
    private.lay_out(work / "private", job.seed or private.new_seed(), job.wanted.key)
    seed_hash = hashlib.sha256(private.laid_out_seed(work / "private").encode()).hexdigest()
    configurator, linux = configure(cache, job, work)
    release = f"{version(job.package)}-skerry-{job.wanted.flavour}-{digest([job.key(), seed_hash])[:8]}"
    # With a seed of one's own nothing may be random: the plugin for entropy at boot takes its numbers from this.
    flags = f"-frandom-seed={seed_hash[:16]}" if job.seed else ""
    words = [
        str(os.cpu_count() or 1),
        flags,
        release,
        job.package.version,
        str(linux.epoch),
        configurator.compiler,
    ]
    name = f"kernel {job.wanted.flavour}: compile {release}"
    with cache.progress.stage(name, detail=_counter(log, job.wanted.flavour)):
        shutil.copyfile(_COMPILE, configurator.places.build / _COMPILE.name)
        inside = ["sh", f"/build/{_COMPILE.name}", *words]
        run_logged(configurator.tools.command(configurator.places, inside), log, timeout=_COMPILE_S)
    _collect(job, work / "build/out", place, release, log)
    shutil.rmtree(work)


def _collect(job: Job, out: Path, place: Path, release: str, log: Path) -> None:
    for path in sorted(out.iterdir()):
        if path.name != "facts":
            shutil.move(path, place / path.name)
    facts = dict(row.split("=", 1) for row in read_text(out / "facts").splitlines())
    manifest = {
        "release": release,
        "flavour": job.wanted.flavour,
        "source": asdict(job.package),
        "fragments": fragment.digests(job.fragments()),
        "toolchain": job.tools,
        **facts,
        "objects": objects(read_text(log)),
        "image_sha256": sha256(place / "vmlinuz"),
        "packages": fragment.digests(place.glob("*.deb")),
    }
    (place / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _counter(log: Path, flavour: Flavour) -> Callable[[], str]:
    def say() -> str:
        return f"{objects(read_text(log)):,} objects of about {_OBJECTS[flavour]:,}"

    return say


def objects(said: str) -> int:
    """How many objects make said that it compiled."""
    return sum(row.startswith(("  CC ", "  AS ")) for row in said.splitlines())
