"""A backup as it is before age encrypts it: a tar archive in memory, and what is read out of one."""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from skerry import __version__
from skerry.host import credentials
from skerry.host.files import read_if_there
from skerry.model import backup
from skerry.model.backup import Backup, BackupImage
from skerry.model.errors import Code, SkerryError
from skerry.parts import sealed
from skerry.parts import state as parts
from skerry.parts.state import StagedState, Value
from skerry.resources.kind import Context
from skerry.resources.state import view
from skerry.store import backups, references
from skerry.store.db import now
from skerry.streams import HEAD, LARGEST_HEAD

_TRIES = 3
_PKI = ("ca.key", "ca.crt", "server.pem")


def write(context: Context) -> bytes:
    """The whole archive.

    Raises:
        SkerryError: a secret cannot be decrypted; or the host remembers more than an archive begins with.
    """
    host = context.host
    data, values = _moment(context)
    files = {
        "state.db": data,
        "secret": Path(host.secret).read_bytes(),
        "secrets.json": json.dumps(values).encode(),
    }
    for name in _PKI:
        if (found := read_if_there(f"{host.pki}/{name}")) is not None:
            files[f"pki/{name}"] = found
    head = _head(context, backups.tables(data), files)
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in {HEAD: head.encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()


def _moment(context: Context) -> tuple[bytes, dict[str, str]]:
    """A copy of the store, and the value of each secret in it. A value that is replaced meanwhile makes it begin again."""
    for _ in range(_TRIES):
        data = backups.copy(context.host.database)
        try:
            return data, {one: _value(context, one, version) for one, version in backups.values(data).items()}
        except FileNotFoundError:
            continue
    raise SkerryError(Code.BUSY, "secrets get new values all the time", "Make the backup when that is over")


def _value(context: Context, secret_id: str, version: int) -> str:
    path = Path(sealed.top(context.host), f"{secret_id}-{version}")
    return base64.b64encode(credentials.unseal(secret_id, path.read_bytes())).decode()


def _head(context: Context, tables: Mapping[str, int], files: Mapping[str, bytes]) -> str:
    state = view.now(context)
    head = backup.as_text(
        {
            "host": state.domain,
            "created": now(),
            "skerry": __version__,
            "tables": dict(tables),
            "epoch": state.epoch,
            "containers": state.containers,
            "volumes": state.volumes,
            "secrets": state.secrets,
            "aliases": state.aliases,
            "images": tuple(
                BackupImage(name=one.name, digest=one.digest, source=one.reference, layers=one.lowers)
                for one in references.all_images(context.db)
            ),
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        }
    )
    if len(head.encode()) > LARGEST_HEAD:
        raise SkerryError(
            Code.INVALID,
            f"the names of all that this host remembers take {len(head.encode())} bytes, more than a backup begins with",
            f"Delete what is not needed any more; {LARGEST_HEAD} bytes are the most",
        )
    return head


def read(context: Context, found: Backup) -> tuple[StagedState, list[str]]:
    """What was unpacked, checked and made ready for a host to begin with; and what the pool has not.

    Raises:
        SkerryError: it is damaged, or not what it says.
    """
    host = context.host
    parts.check_members(host)
    files = {name: parts.member(host, name) for name in found.files}
    for name, digest in found.files.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise backup.damaged(f"its {name} is not the one that it begins with")
    data = files.pop("state.db")
    if backups.tables(data) != found.tables:
        raise backup.damaged("its state.db has other tables than it says")
    if len(files["secret"]) < 16:  # the engine makes one of 32 bytes
        raise backup.damaged("its secret is too short to draw ids with")
    values = _values(files.pop("secrets.json"), backups.values(data))
    least = int(context.db.get_meta("epoch", "1"))
    files["state.db"], lost = backups.settled(data, least, lambda place: Path(host.pool, place).is_dir())
    return StagedState(found.host, files, values), lost


def _values(text: bytes, known: Mapping[str, int]) -> tuple[Value, ...]:
    try:
        found = {one: base64.b64decode(value, validate=True) for one, value in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError):
        raise backup.damaged("its secrets.json cannot be read") from None
    if found.keys() != known.keys():
        raise backup.damaged("its secrets.json has other secrets than its state.db")
    return tuple(Value(one, version, found[one]) for one, version in known.items())
