"""A name that no container has: what it may have been meant for, and what there is."""

import dataclasses

import pytest

from skerry.model.container import ContainerKey
from skerry.model.errors import Code
from skerry.resources.containers import missing
from skerry.resources.containers import store as containers
from skerry.resources.kind import Context
from tests.unit.engine_fixtures import place


@pytest.fixture
def some(host, db, container):
    """Containers blog and shop of project default, and til of project shop."""
    keys = [
        ContainerKey(name="blog"),
        ContainerKey(name="shop"),
        ContainerKey(name="till", project="shop"),
    ]
    with db.transaction():
        for slot, key in enumerate(keys, start=1):
            project_id = "b" * 24 if key.project == "default" else "d" * 24
            one = dataclasses.replace(container, id=f"{slot:024x}", project_id=project_id, key=key, slot=slot)
            place(db, one)
            containers.insert(db, one)
    return Context(host, db)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        (ContainerKey(name="blgo"), "Did you mean blog? Containers of default/default: blog, shop"),
        (ContainerKey(name="x"), "Containers of default/default: blog, shop"),
        (ContainerKey(name="till"), "One of that name is in default/shop. Containers of default/default: blog, shop"),
        (ContainerKey(name="blog", project="other"),
         "One of that name is in default/default. Containers of default/other: none"),
        (ContainerKey(realm="rival", name="blog"), "Containers of rival/default: none"),
    ],
)  # fmt: skip
def test_the_nearest_name_and_those_there_are(some, key, hint):
    error = missing.not_found(some, key)
    assert (error.code, error.message, error.hint) == (Code.NOT_FOUND, f"there is no container {key}", hint)


def test_a_long_list_is_cut(host, db, container):
    with db.transaction():
        for slot in range(1, 14):
            key = ContainerKey(name=f"c{slot:02}")
            containers.insert(db, dataclasses.replace(container, id=f"{slot:024x}", key=key, slot=slot))
    assert missing.not_found(Context(host, db), ContainerKey(name="x")).hint.endswith("c09, c10 and 3 more")
