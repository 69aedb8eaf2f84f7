"""From a flavour to packages in the cache."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from skerry_kernel import fragment, private
from skerry_kernel.archive import Archive, sha256
from skerry_kernel.config import Configurator
from skerry_kernel.errors import KernelError
from skerry_kernel.fragment import Flavour, Line
from skerry_kernel.source import Source, source
from skerry_kernel.toolchain import Places, Toolchain, toolchain
from skerry_lab.cache import Cache
from skerry_lab.locks import locked
from skerry_lab.recipe import digest
from skerry_lab.run import read_text, run_logged

DEFAULT_SOURCE = "linux-source-6.12"
SPACE = 5 * 1024**3
"""Bytes that a first build takes: source, tool chain, objects, the compiler's cache."""
MANIFEST = "manifest.json"
_OBJECTS = {Flavour.LAB: 2740, Flavour.METAL: 3370}
_COMPILE_S = 8 * 3600
_COMPILE = Path(__file__).with_name("compile.sh")


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
    source: Source
    tools: Toolchain
    lines: dict[str, Line]
    seed: str
    """Empty where the build makes one of its own."""

    def key(self) -> str:
        """The name of the result in the cache."""
        pinned = [hashlib.sha256(self.seed.encode()).hexdigest() if self.seed else ""]
        pinned.append(sha256(self.wanted.key) if self.wanted.key else "")
        lines = sorted(line.text() for line in self.lines.values())
        texts = [*lines, _COMPILE.read_text(encoding="utf-8")]
        return digest([self.wanted.flavour, self.source.package.sha256, self.tools.digest, texts, pinned])

    def fragments(self) -> list[Path]:
        """The files its lines come from."""
        return [*fragment.files(self.wanted.flavour, self.source.version), *self.wanted.extra]


def build(cache: Cache, wanted: Wanted) -> Path:
    """The folder with a kernel's package, manifest, configuration and image, built if it is not there yet.

    Raises:
        KernelError: what was asked for can't be; nothing is left in the cache then.
    """
    job = prepare(cache, wanted)

    def fill(place: Path) -> None:
        _fill(cache, job, place)

    return cache.entry(f"kernel-{wanted.flavour}", job.key(), fill, goes_on=True)


def prepare(cache: Cache, wanted: Wanted) -> Job:
    """Get source and tool chain, and read the fragments.

    Raises:
        KernelError: a file is wrong, Debian's archive can't be had, or there is no space.
    """
    seed = private.read_seed(wanted.seed) if wanted.seed else ""
    if wanted.key:
        private.check_key(wanted.key)
    for path in wanted.extra:
        fragment.read(path)
    cache.home.mkdir(parents=True, exist_ok=True)
    check_space(cache.home, shutil.disk_usage(cache.home).free)
    if not seed and wanted.flavour is Flavour.LAB:
        seed = private.kept_seed(cache.home / "kernel-lab.seed")
    archive = Archive(cache.home / "kernel-archive")
    with locked(cache.home / "kernel-archive.lock"):
        with cache.progress.stage(f"archive: newest {wanted.source}"):
            archive.update()
            package = archive.newest(wanted.source)
        tools = toolchain(cache, archive)
        linux = source(cache, archive, package)
    lines = fragment.assemble(fragment.files(wanted.flavour, linux.version), wanted.extra)
    return Job(wanted, linux, tools, lines, seed)


def check_space(folder: Path, free: int) -> None:
    """Whether a build has room.

    Args:
        folder: where it would be.
        free: bytes there.

    Raises:
        KernelError: it has not.
    """
    if free < SPACE:
        raise KernelError(
            f"no space for the build: it takes {SPACE / 1024**3:.1f} GiB below {folder}, and "
            f"{free / 1024**3:.1f} GiB are free there"
        )


def configure(job: Job, work: Path, cache: Cache, suffix: str = "") -> tuple[Configurator, dict[str, str]]:
    """Write the configuration below a folder; raises as `Configurator.configure`."""
    private.lay_out(work / "private", job.seed or private.new_seed(), job.wanted.key)
    for folder in (work / "build", ccache(cache)):
        folder.mkdir(parents=True, exist_ok=True)
    places = Places(job.source.tree, work / "build", ccache(cache), work / "private")
    configurator = Configurator(job.tools, places, "ccache gcc" if job.seed else "gcc")
    ours = (
        Line("LOCALVERSION", f'"-skerry-{job.wanted.flavour}{suffix}"', "", "", "the build"),
        Line("MODULE_SIG_KEY", '"/private/signing.pem"', "", "", "the build"),
    )
    return configurator, configurator.configure(job.lines | {line.symbol: line for line in ours})


def ccache(cache: Cache) -> Path:
    """The compiler's cache. It is of use where the seed stays the same."""
    return cache.home / "kernel-ccache"


def _fill(cache: Cache, job: Job, place: Path) -> None:
    """Configure, compile, pack; `place` may hold what a killed build left."""
    work, name = place / "work", f"kernel {job.wanted.flavour}"
    work.mkdir(exist_ok=True)
    private.lay_out(work / "private", job.seed or private.new_seed(), job.wanted.key)
    seed_hash = hashlib.sha256(private.laid_out_seed(work / "private").encode()).hexdigest()
    suffix = f"-{digest([job.key(), seed_hash])[:8]}"
    with cache.progress.stage(f"{name}: configuration"):
        configurator, _ = configure(job, work, cache, suffix)
    release = f"{job.source.version}-skerry-{job.wanted.flavour}{suffix}"
    log = place / "build.log"
    with cache.progress.stage(f"{name}: compile {release}", detail=_counter(log, job.wanted.flavour)):
        _compile(job, configurator, release, seed_hash, log)
    _collect(job, work / "build/out", place, release, log)
    shutil.rmtree(work)


def _compile(job: Job, configurator: Configurator, release: str, seed_hash: str, log: Path) -> None:
    places = configurator.places
    shutil.copyfile(_COMPILE, places.build / _COMPILE.name)
    # With a seed of one's own nothing may be random: the plugin for entropy at boot takes its numbers from this.
    flags = f"-frandom-seed={seed_hash[:16]}" if job.seed else ""
    words = [str(os.cpu_count() or 1), flags, release, job.source.package.version, str(job.source.epoch)]
    inside = ["sh", f"/build/{_COMPILE.name}", *words, configurator.compiler]
    run_logged(job.tools.command(places, inside), log, timeout=_COMPILE_S)


def _collect(job: Job, out: Path, place: Path, release: str, log: Path) -> None:
    for path in sorted(out.iterdir()):
        if path.name != "facts":
            shutil.move(path, place / path.name)
    facts = dict(row.split("=", 1) for row in read_text(out / "facts").splitlines())
    manifest = {
        "release": release,
        "flavour": job.wanted.flavour,
        "source": asdict(job.source.package),
        "fragments": fragment.digests(job.fragments()),
        "toolchain": job.tools.digest,
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
