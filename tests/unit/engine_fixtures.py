"""An imaginary host for the engine's tests: a store, an image, a container, parts on a shelf."""

import dataclasses
from typing import Any, ClassVar

import pytest

from skerry.model.container import Container, ContainerKey, Image, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import Part
from skerry.resources.images import store as images
from skerry.resources.registered import KINDS
from skerry.store.db import Database

IMAGE = Image(
    digest="a" * 64, name="hello", size=1, command=("/app",), env={"FROM_IMAGE": "1"}, created="2026-01-01"
)


@dataclasses.dataclass(frozen=True)
class Shelf(Part):
    """A part of an imaginary host: a name on a shelf. Its operations can be told to fail."""

    kind: ClassVar[str] = "shelf"
    things: ClassVar[list[str]] = []
    failing: ClassVar[set[str]] = set()
    name: str

    def make(self, host: HostConfig) -> None:
        if self.name not in self.things:
            self.things.append(self.name)
        if f"make {self.name}" in self.failing:
            raise SkerryError(Code.FAILED, f"{self.name} broke")

    def remove(self, host: HostConfig) -> None:
        if f"remove {self.name}" in self.failing:
            raise SkerryError(Code.FAILED, f"{self.name} is stuck")
        if self.name in self.things:
            self.things.remove(self.name)

    def exists(self, host: HostConfig) -> bool:
        return self.name in self.things


def place(db: Database, *resources: Any) -> None:
    """Write the realm and project of each of them, with the ids that it says."""
    for one in resources:
        key = one.key
        db.execute("INSERT OR IGNORE INTO realm (id, name) VALUES (?, ?)", one.realm_id, key.realm)
        project = (one.project_id, one.realm_id, key.project)
        db.execute("INSERT OR IGNORE INTO project (id, realm_id, name) VALUES (?, ?, ?)", *project)


@pytest.fixture
def shelf():
    Shelf.things.clear()
    Shelf.failing.clear()
    return Shelf


@pytest.fixture
def host(tmp_path):
    return HostConfig(domain="example.org", state=str(tmp_path), pool=str(tmp_path), run=str(tmp_path))


@pytest.fixture
def db(host):
    database = Database.open(host.database, KINDS.tables())
    with database.transaction():
        images.write(database, IMAGE)
    yield database
    database.close()


@pytest.fixture
def container():
    return Container(
        id="c" * 24,
        realm_id="a" * 24,
        project_id="b" * 24,
        key=ContainerKey(name="blog"),
        slot=7,
        image=IMAGE,
        spec=Spec(image="hello"),
        desired="stopped",
        created="2026-01-01",
    )
