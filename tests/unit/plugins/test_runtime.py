"""meta/runtime.yml names every module, so that one group of `module_defaults` serves all of them."""

import yaml

from tools.files import ROOT


def test_the_action_group_holds_every_module() -> None:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    assert groups["skerry"] == sorted(path.stem for path in (ROOT / "plugins/modules").glob("skerry_*.py"))


def test_another_one_holds_those_that_ask_the_engine() -> None:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    asking = [
        path.stem
        for path in (ROOT / "plugins/modules").glob("skerry_*.py")
        if "- skerry.host.engine\n" in path.read_text()
    ]
    assert groups["engine"] == sorted(asking)
    for name in asking:  # what the fragment documents is taken
        assert "import API" in (ROOT / "plugins/modules" / f"{name}.py").read_text()
