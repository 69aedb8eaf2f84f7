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


def recipe(db: Database, name: str) -> str:
    """Digest of the recipe that the image of that name was built from; empty where it was imported or is not there."""
    return str(db.value("SELECT recipe FROM image WHERE name = ?", name) or "")


def all_images(db: Database) -> list[Image]:
    """Every image, by name."""
    return [_from_row(row) for row in db.rows("SELECT * FROM image ORDER BY name")]


def write(db: Database, image: Image, recipe_digest: str = "") -> None:
    """Write an image, new or with another name, command or environment. Inside a transaction."""
    db.execute(
        "INSERT INTO image (digest, name, size, command, env, recipe, created) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (digest) DO UPDATE SET name = excluded.name, command = excluded.command, env = excluded.env, "
        "recipe = excluded.recipe",
        image.digest,
        image.name,
        image.size,
        json.dumps(image.command),
        json.dumps(image.env),
        recipe_digest,
        image.created,
    )


def rename(db: Database, digest: str, name: str) -> None:
    """Give an image another name. Inside a transaction."""
    db.execute("UPDATE image SET name = ? WHERE digest = ?", name, digest)


def delete(db: Database, digest: str) -> None:
    """Forget an image. Inside a transaction; a container that uses it makes this fail."""
    db.execute("DELETE FROM image WHERE digest = ?", digest)


def users(db: Database, digest: str) -> list[str]:
    """The containers that are made of this image, as a person names them."""
    return [
        row[0]
        for row in db.rows(
            "SELECT realm.name || '/' || project.name || '/' || container.name FROM container "
            "JOIN project ON project.id = container.project_id JOIN realm ON realm.id = project.realm_id "
            "WHERE image_digest = ? ORDER BY 1",
            digest,
        )
    ]
