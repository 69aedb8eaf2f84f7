"""The rows of images. What other kinds ask about them is in ``store.references``."""

import dataclasses
import json
from collections.abc import Collection

from skerry.model.container import Image
from skerry.store import references
from skerry.store.db import Database

TABLES = (
    """
    ALTER TABLE image ADD COLUMN oci TEXT NOT NULL DEFAULT '{}';  -- what only an OCI image has, as JSON
    -- The EROFS files of each image. One that no image has any more is deleted from the pool.
    CREATE TABLE image_layer (
        image_digest TEXT NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
        position INTEGER NOT NULL,  -- from the topmost one, which is 0
        layer TEXT NOT NULL,
        PRIMARY KEY (image_digest, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX image_layer_users ON image_layer (layer);
    INSERT INTO image_layer SELECT digest, 0, digest FROM image
    """,
)
"""The tables of images besides the first one, and each migration of them."""
_COLUMNS = frozenset({"digest", "name", "size", "command", "env", "created", "recipe"})
_OCI = tuple(field for field in dataclasses.fields(Image) if field.name not in _COLUMNS)


def all_images(db: Database) -> list[Image]:
    """Every image, by name."""
    return references.all_images(db)


def write(db: Database, image: Image) -> None:
    """Write an image, new or with another name, command or environment. Inside a transaction."""
    db.execute(
        "INSERT INTO image (digest, name, size, command, env, recipe, created, oci) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (digest) DO UPDATE SET name = excluded.name, command = excluded.command, env = excluded.env, "
        "recipe = excluded.recipe, oci = excluded.oci",
        image.digest,
        image.name,
        image.size,
        json.dumps(image.command),
        json.dumps(image.env),
        image.recipe,
        image.created,
        json.dumps({field.name: value for field in _OCI if (value := getattr(image, field.name))}),
    )
    db.execute("DELETE FROM image_layer WHERE image_digest = ?", image.digest)
    for position, layer in enumerate(image.lowers):
        db.execute("INSERT INTO image_layer VALUES (?, ?, ?)", image.digest, position, layer)


def layers(db: Database) -> set[str]:
    """The EROFS files that some image has."""
    return {row[0] for row in db.rows("SELECT DISTINCT layer FROM image_layer")}


def only_of(db: Database, image: Image, gone: Collection[str] = ()) -> tuple[str, ...]:
    """The EROFS files of an image that no other image has; the images ``gone`` do not count."""
    rows = db.rows("SELECT image_digest, layer FROM image_layer WHERE image_digest <> ?", image.digest)
    shared = {row["layer"] for row in rows if row["image_digest"] not in gone}
    return tuple(layer for layer in image.lowers if layer not in shared)


def rename(db: Database, digest: str, name: str) -> None:
    """Give an image another name. Inside a transaction."""
    db.execute("UPDATE image SET name = ? WHERE digest = ?", name, digest)


def delete(db: Database, digest: str) -> None:
    """Forget an image. Inside a transaction; a container that uses it makes this fail."""
    db.execute("DELETE FROM image WHERE digest = ?", digest)
