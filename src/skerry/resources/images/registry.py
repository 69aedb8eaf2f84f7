"""An OCI image in a registry, read and copied by skopeo: in the sandbox, with the network, without privileges.

What it brings is checked here as well: a registry may lie, and so may a program that read its answers. Credentials lie in a
file of systemd's for this one run; no argument, variable, journal or state ever has them.
"""

import base64
import contextlib
import dataclasses
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from skerry.host import sandbox
from skerry.host.reach import Network
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.oci import Source
from skerry.resources.images import factory, oci_manifest
from skerry.resources.images.factory import BuildDir
from skerry.resources.images.oci_manifest import LARGEST_DOCUMENT, Manifest, refusal

_SKOPEO = "/usr/bin/skopeo"
_LOOK_TIMEOUT = 90.0  # seconds for one small document
_COPY_TIMEOUT = 3600.0
_PATIENCE = 180.0  # seconds without one byte more
_MOST_INDEXES = 2
_SAID = re.compile(r'level=(?:fatal|error) msg="((?:[^"\\]|\\.)*)"')
_HINTS = (
    (
        re.compile("server gave HTTP response to HTTPS"),
        "This registry speaks plain HTTP: say 'tls_verify: false' where that is meant",
    ),
    (
        re.compile("i/o timeout|deadline exceeded|operation not permitted|took longer", re.IGNORECASE),
        "It does not answer, or leads to a private address other than its own, which no registry may",
    ),
    (
        re.compile("x509|certificate"),
        "Trust its certificate authority on the host: update-ca-certificates(8)",
    ),
    (
        re.compile("unauthorized|authentication required|denied"),
        "Check the name, and give username and password",
    ),
    (re.compile("unknown|not found", re.IGNORECASE), "Check the name and the tag"),
)


@dataclasses.dataclass(frozen=True)
class Login:
    """How a registry is asked.

    Attributes:
        username: empty for nobody.
        password: never shown.
        tls_verify: False for a registry without TLS, or with a certificate that nobody vouches for.
    """

    username: str = ""
    password: str = dataclasses.field(default="", repr=False)
    tls_verify: bool = True

    def authfile(self, source: Source) -> str:
        """The file with the credentials, as containers-auth.json(5) has it."""
        word = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return json.dumps({"auths": {source.registry: {"auth": word}}})


@dataclasses.dataclass(frozen=True)
class Pulled:
    """An image, as its registry or its file tells of it.

    Attributes:
        manifest: what it consists of.
        manifest_digest: where it has one.
        config: its configuration, as bytes.
    """

    manifest: Manifest
    manifest_digest: str
    config: bytes


@contextlib.contextmanager
def _credential(host: HostConfig, source: Source, login: Login) -> Iterator[str]:
    """The file with the credentials, on tmpfs and root's alone, while it is needed; empty where there are none."""
    if not login.username:
        yield ""
        return
    descriptor, path = tempfile.mkstemp(prefix=factory.CREDENTIAL, dir=host.run)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(login.authfile(source))
        yield path
    finally:
        os.unlink(path)


def _arguments(login: Login, *words: str) -> list[str]:
    """A command of skopeo's. Every option has its value in the same word: no name can be taken for one."""
    command, *operands = words
    of = "src-" if command == "copy" else ""
    options = [
        f"--{of}authfile={sandbox.CREDENTIAL}" if login.username else f"--{of}no-creds",
        f"--{of}tls-verify={'true' if login.tls_verify else 'false'}",
        "--retry-times=1",
    ]
    return [_SKOPEO, "--insecure-policy", command, *options, *operands]


def look(host: HostConfig, source: Source, login: Login) -> Pulled:
    """What a registry says of an image: its manifest and configuration, some kilobytes.

    Raises:
        SkerryError: it cannot be asked, has no such image, or says what cannot be.
    """
    folder = tempfile.mkdtemp(prefix=factory.LOOK, dir=_made(f"{host.pool}/images"))
    try:
        with _credential(host, source, login) as credential:
            asking = _Asking(source, login, credential, folder)
            manifest, digest = asking.manifest()
            config = asking.ask("configuration", source.at(digest), "--config")
        oci_manifest.check_digest("configuration", config, manifest.config.digest)
        return Pulled(manifest, digest, config)
    finally:
        shutil.rmtree(folder)


def _made(folder: str) -> str:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


@dataclasses.dataclass(frozen=True)
class _Asking:
    source: Source
    login: Login
    credential: str
    folder: str

    def manifest(self) -> tuple[Manifest, str]:
        """The manifest for this host, and its digest."""
        digest = self.source.digest
        for _ in range(_MOST_INDEXES):
            data = self.ask("manifest", self.source.at(digest) if digest else str(self.source), "--raw")
            if digest:
                oci_manifest.check_digest("manifest", data, digest)
            digest = digest or oci_manifest.digest_of(data)
            said = oci_manifest.document("manifest", data)
            if not oci_manifest.is_index(said):
                return oci_manifest.manifest(said), digest
            digest = oci_manifest.choose(said).digest
        raise refusal(f"its indexes are deeper than {_MOST_INDEXES}", "an index of manifests")

    def ask(self, what: str, name: str, option: str) -> bytes:
        """One document."""
        options = ("--raw",) if option == "--raw" else (option, "--raw")
        answer = f"{self.folder}/answer"
        job = sandbox.Job(
            _arguments(self.login, "inspect", *options, f"docker://{name}"),
            stdout=answer,
            largest_file=LARGEST_DOCUMENT,
            timeout=_LOOK_TIMEOUT,
            env=("HOME=/nonexistent",),
            network=Network(self.source.host),
            credential=self.credential,
        )
        try:
            sandbox.run(job, lambda: None)
        except sandbox.JobError as error:
            raise failed(self.source, f"the {what}", error) from error
        data = Path(answer).read_bytes()
        os.unlink(answer)
        return data


def copy(host: HostConfig, source: Source, login: Login, digest: str, build: BuildDir) -> str:
    """Copy an image into the maker's folder of a build directory, a file a blob; returns where that is.

    Raises:
        SkerryError: it cannot be had, comes too slowly, or leaves no room.
    """
    folder, patience = f"{build.scratch}/image", _Patience(source)

    def written() -> int:
        return patience.look(sum(_size(one) for one in os.scandir(folder)) if os.path.isdir(folder) else 0)

    with _credential(host, source, login) as credential:
        job = sandbox.Job(
            _arguments(
                login, "copy", "--quiet", f"docker://{source.at(digest)}", f"dir:{sandbox.SCRATCH}/image"
            ),
            scratch=build.scratch,
            timeout=_COPY_TIMEOUT,
            env=("HOME=/nonexistent",),
            network=Network(source.host),
            credential=credential,
        )
        try:
            build.run(job, "download", written)
        except sandbox.JobError as error:
            raise failed(source, "the image", error) from error
    return folder


def _size(entry: os.DirEntry[str]) -> int:
    """Bytes of a file that comes and goes; 0 where it is gone."""
    try:
        return entry.stat(follow_symlinks=False).st_blocks * 512
    except FileNotFoundError:
        return 0


class _Patience:
    """Ends what does not come forward."""

    def __init__(self, source: Source) -> None:
        self._source, self._done, self._since = source, -1, time.monotonic()

    def look(self, done: int) -> int:
        """Take in how far it is.

        Raises:
            SkerryError: it stands still.
        """
        now = time.monotonic()
        if done != self._done:
            self._done, self._since = done, now
        if now - self._since > _PATIENCE:
            raise SkerryError(
                Code.FAILED,
                f"{self._source}: nothing more has come for {_PATIENCE:g} s, after {done} bytes",
                "Try again, or another registry",
            )
        return done


def failed(source: Source, what: str, error: sandbox.JobError) -> SkerryError:
    """What skopeo's failure means for a person."""
    found = _SAID.findall(error.journal)
    said = found[-1].replace('\\"', '"') if found else error.message
    hint = next((hint for pattern, hint in _HINTS if pattern.search(said)), "Its journal says more")
    return SkerryError(Code.FAILED, f"{what} of {source} cannot be had: {said[:500]}", hint, error.journal)
