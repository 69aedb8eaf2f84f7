"""Images: what is on the host, by digest and by name."""

import json

from skerry.model.container import Image
from skerry.store.db import Database, Row


def _from_row(row: Row) -> Image:
    return Image(
        digest=row["digest"],
        name=row["name"],
        size=row["size"],
        command=tuple(json.loads(row["command"])),
        env=json.loads(row["env"]),
        created=row["created"],
    )


def find(db: Database, reference: str) -> Image | None:
    """The image of that name or digest (with or without ``sha256:``)."""
    digest = reference.removeprefix("sha256:")
    row = db.row("SELECT * FROM image WHERE name = ? OR digest = ?", reference, digest)
    return _from_row(row) if row else None


def all_images(db: Database) -> list[Image]:
    """Every image, by name."""
    return [_from_row(row) for row in db.rows("SELECT * FROM image ORDER BY name")]


def insert(db: Database, image: Image) -> None:
    """Write a new image. Inside a transaction."""
    db.execute(
        "INSERT INTO image VALUES (?, ?, ?, ?, ?, ?)",
        image.digest,
        image.name,
        image.size,
        json.dumps(image.command),
        json.dumps(image.env),
        image.created,
    )


def delete(db: Database, digest: str) -> None:
    """Forget an image. Inside a transaction; a container that uses it makes this fail."""
    db.execute("DELETE FROM image WHERE digest = ?", digest)


def users(db: Database, digest: str) -> int:
    """How many containers are made of this image."""
    return int(db.value("SELECT count(*) FROM container WHERE image_digest = ?", digest))
