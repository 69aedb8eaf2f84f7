"""Debian packages by apt, which verifies Debian's signature and each package's digest; nothing is installed.

apt gets a configuration of its own in the cache: the computer's sources and state are neither read nor changed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.debian import recipe_of
from skerry_base.core.errors import SkerryError
from skerry_base.core.files import sha256
from skerry_base.core.run import CommandError, run_here
from skerry_kernel.mirrors import mirror

_CONF = """\
Dir "{home}";
Dir::State "{home}";
Dir::State::lists "lists";
Dir::State::status "{home}/status";
Dir::Cache "{home}/cache";
Dir::Etc "{home}";
Dir::Etc::sourcelist "sources.list";
Dir::Etc::sourceparts "none";
Dir::Etc::trusted "none";
Dir::Etc::trustedparts "none";
Dir::Etc::main "none";
Dir::Etc::parts "none";
Dir::Etc::preferences "none";
Dir::Etc::preferencesparts "none";
Dir::Log "{home}";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "2";
"""
_FETCH_S = 900


@dataclass(frozen=True)
class Package:
    """A package as a signed index of Debian's describes it."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Archive:
    """An apt of our own. Whoever uses it at the same time as others holds a lock."""

    home: Path
    """Its folder."""
    sources: tuple[str, ...] = ()
    """Lines of sources.list without `deb`; empty for the Debian archive of this computer."""

    def update(self) -> None:
        """Get the indexes.

        Raises:
            SkerryError: it is not known where the archive is, it does not answer, or what it answers is not signed by
                Debian.
        """
        debian = recipe_of(())
        lines = self.sources or mirror().lines(debian.suite)
        for folder in ("lists/partial", "cache/archives/partial", "none"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "status").touch()
        (self.home / "apt.conf").write_text(_CONF.format(home=self.home), encoding="utf-8")
        signed = "".join(f"deb [signed-by={debian.keyring}] {line}\n" for line in lines)
        (self.home / "sources.list").write_text(signed, encoding="utf-8")
        try:
            self._run("apt-get", "update", "--quiet=2")
        except CommandError as error:
            raise SkerryError(
                f"the packages' index was refused: it is not there, or not what Debian signed\n{_errors(error)}"
            ) from error

    def newest(self, name: str) -> Package:
        """The version that apt would install.

        Raises:
            SkerryError: there is no such package; the message names those that are alike.
        """
        version = self._candidate(name)
        for record in self._run("apt-cache", "show", f"{name}={version}").split("\n\n"):
            digest = re.search(r"^SHA256: ([0-9a-f]{64})$", record, re.MULTILINE)
            if digest:
                return Package(name, version, digest[1])
        raise SkerryError(f"the index has no sha256 of {name} {version}")

    def _candidate(self, name: str) -> str:
        policy = self._run("apt-cache", "policy", name)
        candidate = re.search(r"^  Candidate: (\S+)$", policy, re.MULTILINE)
        if candidate is None or candidate[1] == "(none)":
            there = self._run("apt-cache", "search", "--names-only", f"^{re.escape(name.rsplit('-', 1)[0])}-")
            alike = ", ".join(sorted(line.split()[0] for line in there.splitlines()))
            raise SkerryError(f"Debian has no package {name}; alike are: {alike or 'none'}")
        return candidate[1]

    def versions(self, names: Iterable[str]) -> dict[str, str]:
        """Name → version that apt would install."""
        return {name: self._candidate(name) for name in names}

    def fetch(self, package: Package) -> Path:
        """The package's file, downloaded where it is not there yet; older versions of it are taken away.

        Raises:
            SkerryError: it can't be had, or is not what the signed index describes.
        """
        folder = self.home / "packages"
        folder.mkdir(exist_ok=True)
        for stale in folder.glob(f"{package.name}_*.deb"):
            if sha256(stale) != package.sha256:
                stale.unlink()
        if not any(folder.glob(f"{package.name}_*.deb")):
            self._download(package, folder)
        (file,) = folder.glob(f"{package.name}_*.deb")
        if (digest := sha256(file)) != package.sha256:
            file.unlink()
            raise SkerryError(
                f"{package.name} {package.version} was refused: its sha256 is {digest}, and Debian signed "
                f"{package.sha256}"
            )
        return file

    def _download(self, package: Package, folder: Path) -> None:
        wanted = f"{package.name}={package.version}"
        command = ["env", f"--chdir={folder}", "apt-get", "download", "--quiet=2", wanted]
        try:
            self._run(*command)
        except CommandError as error:
            raise SkerryError(
                f"{package.name} {package.version} was refused: it is not there, or not what Debian signed\n"
                f"{_errors(error)}"
            ) from error

    def _run(self, *command: str) -> str:
        return run_here(command, timeout=_FETCH_S, env={"APT_CONFIG": str(self.home / "apt.conf")})


def unpack(package: Path, target: Path) -> None:
    """Unpack a package's files."""
    run_here(["dpkg-deb", "--extract", str(package), str(target)], timeout=_FETCH_S)


def _errors(error: CommandError) -> str:
    """What apt says is wrong, without its progress."""
    rows = list(_rows(error.stderr))
    return "\n".join(f"    {row}" for row in rows) or f"    {error.stderr.strip()}"


def _rows(said: str) -> Iterator[str]:
    for row in said.splitlines():
        if row.startswith(("E:", "W:", "   ")):
            yield row
