"""The port that a server is unlocked at is written down in four places, which can't read one another."""

from pathlib import Path
from typing import Any

import yaml

from plugins.modules import skerry_unlock
from skerry_lab.state import PORTS

ROOT = Path(__file__).parents[3]


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_it_is_the_same_in_all_of_them() -> None:
    port = read("roles/remote_unlock/defaults/main.yml")["remote_unlock_port"]
    assert f"default({port})" in read("playbooks/vars/unlock.yml")["unlock_port"]
    assert yaml.safe_load(skerry_unlock.DOCUMENTATION)["options"]["port"]["default"] == port
    assert PORTS["unlock"] == port
