"""meta/runtime.yml names every module, so that one group of `module_defaults` serves all of them."""

import yaml

from tools.files import ROOT


def test_the_action_group_holds_every_module() -> None:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    assert groups["skerry"] == sorted(path.stem for path in (ROOT / "plugins/modules").glob("skerry_*.py"))
