"""What goes with the profile of a container."""

import pytest

from skerry.model.container import Spec
from skerry.model.ends import Health

BUILD = {"image": "builder", "profile": "build", "ttl": "90m"}


def test_a_build_runs_once_lives_for_a_time_and_has_no_port() -> None:
    spec = Spec(**BUILD)
    assert (spec.restart, spec.ttl, spec.ports()) == ("never", "90m", ())


def test_what_is_stored_is_read_back() -> None:
    spec = Spec(**BUILD)
    assert Spec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"services": [{"name": "a", "port": 80}]}, "services do not go with profile build, which nobody reaches"),
        ({"publish": ["5432"]}, "publish do not go with profile build"),
        ({"reachable_from": ["shop/web"]}, "reachable_from do not go with profile build"),
        ({"health": Health(http="/")}, "health do not go with profile build"),
        ({"volumes": [{"volume": "data", "path": "/data"}]}, "volumes do not go with profile build, which is thrown away"),
        ({"snapshot_every": "1d"}, "snapshot_every do not go with profile build"),
        ({"capabilities": ["chown"]}, "capabilities do not go with profile build, whose root"),
        ({"restart": "always"}, "restart always does not go with profile build, which runs once; give never"),
        ({"restart": "on-failure"}, "restart on-failure does not go"),
        ({"ttl": ""}, "give ttl, how long it lives, such as 1h"),
        ({"ttl": "25h"}, "'25h' is too long for what is thrown away; give at most 1d"),
        ({"ttl": "soon"}, "'soon' is not a duration"),
        ({"profile": "app"}, "ttl goes with profile build alone; with app leave it out"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_a_build_is_named(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Spec(**{**BUILD, **options})
