"""What is said where no volume has the name that a request gives."""

from skerry.model.errors import Code, SkerryError
from skerry.model.volume import VolumeKey
from skerry.resources import names
from skerry.store import references
from skerry.store.db import Database


def not_found(db: Database, key: VolumeKey) -> SkerryError:
    """The error for a volume that is not there. It tells of the named project only, and never what others have."""
    known = references.volume_names(db, key.realm, key.project)
    where = f"{key.realm}/{key.project}"
    hint = f"{names.meant(key.name, known)}Volumes of {where}: {names.listed(known) or 'none yet'}"
    return SkerryError(Code.NOT_FOUND, f"there is no volume {key}", hint)
