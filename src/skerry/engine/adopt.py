"""Before the store is opened: what a restore has decided on takes its place. Cut off anywhere, it is begun again."""

import logging
import os
from pathlib import Path

from skerry.host import files
from skerry.model.host import HostConfig
from skerry.parts import state
from skerry.pki.files import Place, serve

_log = logging.getLogger(__name__)


def adopt(host: HostConfig) -> bool:
    """Take over what :func:`skerry.parts.state.decide` decided on; whether there was anything.

    Raises:
        SkerryError: the running proxy refused the certificate.
        OSError: a file cannot be written.
    """
    new = Path(state.decided(host))
    if not new.is_dir():
        return False
    if (new / "state.db").exists():
        for left in ("-wal", "-shm"):  # of the old store, and never to be taken for the new one's
            Path(host.database + left).unlink(missing_ok=True)
        os.replace(new / "state.db", host.database)
    if (new / "secret").exists():
        os.replace(new / "secret", host.secret)
    if (new / "secrets").is_dir():
        files.remove_tree(f"{host.state}/secrets")
        os.rename(new / "secrets", f"{host.state}/secrets")
    _take_certificates(host, new / "pki")
    files.sync(host.state)
    files.remove_tree(str(new))
    _log.warning("the state of a backup has taken the place of the one before")
    return True


def _take_certificates(host: HostConfig, new: Path) -> None:
    """The authority and its key, then what the proxy serves: it goes on without a pause."""
    place = Place(Path(host.pki), host.proxy_socket, host.routes_map)
    for name, mode in (("ca.key", 0o600), ("ca.crt", 0o644)):
        if (new / name).exists():
            files.make_folder(host.pki, 0o755)
            files.replace(str(place.folder / name), (new / name).read_bytes(), mode)
    if (new / "server.pem").exists():
        serve(place, (new / "server.pem").read_text(encoding="utf-8"))
