"""Bring the files in ``/etc/skerry/pki`` to what they should be, and the running proxy with them."""

import dataclasses
import datetime
import os
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from skerry.host import routes
from skerry.host.haproxy import Master, ProxyDownError, retry
from skerry.model.errors import SkerryError
from skerry.pki import certificates
from skerry.pki.certificates import Authority


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the files are, and the proxy that serves them.

    Attributes:
        folder: the folder of the files.
        socket: HAProxy's master socket.
        routes_map: the proxy's map; the lock of all its changes is beside it.
        dry_run: say what would be done, and do nothing.
    """

    folder: Path
    socket: str
    routes_map: str
    dry_run: bool = False

    @property
    def server(self) -> Path:
        """What HAProxy serves: certificate, chain and key."""
        return self.folder / "server.pem"


def ensure_internal(place: Place, domain: str, now: datetime.datetime) -> list[str]:
    """Have an authority, and a certificate from it that is good for another month; returns what was done, and why.

    Raises:
        SkerryError: the running proxy refused the new certificate; the old one stays.
    """
    authority, changes = _ensure_authority(place, domain, now)
    problem = _server_problem(place, authority, domain, now)
    if problem:
        serve(place, certificates.new_bundle(domain, authority, now).to_pem())
        changes.append(f"certificate for *.{domain}: {problem}")
    return changes


def ensure_own(place: Place, pem: str, domain: str, now: datetime.datetime) -> list[str]:
    """Serve the operator's certificate; returns what was done.

    Raises:
        SkerryError: it is not fit for this host, or the running proxy refused it; the old one stays.
    """
    bundle = certificates.parse_bundle(pem)
    certificates.check_bundle(bundle, domain, now)
    desired = bundle.to_pem()
    if _read(place.server) == desired:
        return []
    serve(place, desired)
    return [f"certificate for *.{domain}: another one was given"]


def _ensure_authority(place: Place, domain: str, now: datetime.datetime) -> tuple[Authority, list[str]]:
    """The authority of this host. Its key stays for as long as it can be read, so that trust in it lasts."""
    key_path, certificate_path = place.folder / "ca.key", place.folder / "ca.crt"
    key, changes = _load_key(key_path), []
    if key is None:
        key = certificates.new_key()
        _write(place, key_path, certificates.key_pem(key), 0o600)
        changes.append("key of the authority: there was none that can be read")
    certificate = _load_certificate(certificate_path)
    problem = "there was none that can be read"
    if certificate is not None:
        problem = certificates.authority_problem(certificate, key, domain, now)
        if not problem:
            return Authority(certificate, key), changes
    authority = certificates.new_authority(domain, key, now)
    _write(place, certificate_path, certificates.certificate_pem(authority.certificate), 0o644)
    return authority, [*changes, f"authority for {domain}: {problem}"]


def _server_problem(place: Place, authority: Authority, domain: str, now: datetime.datetime) -> str:
    try:
        bundle = certificates.parse_bundle(_read(place.server))
    except SkerryError:
        return "there was none that can be read"
    return certificates.bundle_problem(bundle, authority, domain, now)


def serve(place: Place, pem: str) -> None:
    """Swap the certificate of the running proxy, without a restart, and of the file that it starts from.

    Raises:
        SkerryError: the proxy refused it; the old one stays in both places.
    """
    if place.dry_run:
        return
    try:
        retry(lambda: _swap(place, pem))
    except ProxyDownError:
        _write(place, place.server, pem, 0o600)


def _swap(place: Place, pem: str) -> None:
    with routes.lock(place.routes_map):  # a reload in between would read the old file
        Master(place.socket).set_certificate(str(place.server), pem)
        _write(place, place.server, pem, 0o600)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(_read(path).encode(), password=None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _load_certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(_read(path).encode())
    except ValueError:
        return None


def _write(place: Place, path: Path, text: str, mode: int) -> None:
    """Replace a file: whole or not at all, and never readable by others in between."""
    if place.dry_run:
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
