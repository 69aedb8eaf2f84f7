"""One reader of a tarball: what is mounted of an image is what GNU tar unpacks of its tarball, however odd."""

import json
from collections.abc import Callable

from testinfra.backend.base import CommandResult

SEEDS = 100


def test_odd_tarballs_are_mounted_as_gnu_tar_unpacks_them(on_host: Callable[..., CommandResult]) -> None:
    """Members that share a path, v7 headers, slashes, hard links to themselves, fractions of seconds, attributes."""
    done = on_host("tar_twins.py", 0, SEEDS)
    assert done.rc == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["differ"] == {}
    assert told["refused here only"] == {}
    assert len(told["taken"]) > SEEDS / 4
