"""What names a container or a volume in the options of others, and how it follows."""

from typing import Any

import pytest

from skerry.store.renames import Renaming

DB = Renaming("container", "default", "shop", "db", "store")
DATA = Renaming("volume", "default", "shop", "db", "store")


@pytest.mark.parametrize(
    ("project", "spec", "after"),
    [
        ("shop", {"after": ["web", "db"]}, {"after": ["web", "store"]}),
        (
            "shop",
            {"reaches": ["db:1", "dbx:1", "db:53/udp", "shop/db:2"]},
            {"reaches": ["store:1", "dbx:1", "store:53/udp", "shop/store:2"]},
        ),
        ("far", {"reaches": ["db:1", "shop/db:1"], "after": ["db"]}, {"reaches": ["db:1", "shop/store:1"]}),
        ("far", {"reachable_from": ["shop/db", "far/db"]}, {"reachable_from": ["shop/store", "far/db"]}),
        ("shop", {"after": ["db", "store"]}, {"after": ["store"]}),
        ("shop", {"volumes": [{"volume": "db", "path": "/db", "read_only": False}]}, {}),
        ("shop", {"image": "db", "reaches": [], "env": {"A": "db"}}, {}),
    ],
)
def test_options_that_name_a_container_follow_it(
    project: str, spec: dict[str, Any], after: dict[str, Any]
) -> None:
    assert DB.of(project, spec) == after


def test_only_the_volumes_of_the_project_follow() -> None:
    uses = [
        {"volume": "db", "path": "/a", "read_only": False},
        {"volume": "other", "path": "/b", "read_only": True},
    ]
    assert DATA.of("shop", {"volumes": uses, "after": ["db"]}) == {
        "volumes": [uses[0] | {"volume": "store"}, uses[1]]
    }
    assert DATA.of("far", {"volumes": uses}) == {}
    assert DATA.of("shop", {}) == {}


def test_a_name_that_nobody_can_reach_is_refused_where_somebody_does() -> None:
    renaming = Renaming("container", "default", "shop", "db", "localhost")
    assert renaming.of("shop", {"after": ["db"]}) == {"after": ["localhost"]}
    with pytest.raises(ValueError, match="means the container itself"):
        renaming.of("shop", {"reaches": ["db:1"]})


def test_the_way_back_leads_back() -> None:
    spec = {"after": ["db"], "reaches": ["db:1", "other:1"]}
    assert DB.back().of("shop", DB.of("shop", spec)) == spec | {"reaches": ["db:1", "other:1"]}
