"""The playbooks hand every option on."""

from pathlib import Path

import pytest
import yaml

from skerry.model.container import Spec, takes_effect

PLAYBOOKS = Path(__file__).parents[3] / "playbooks" / "container"


def handed_on(playbook: str) -> set[str]:
    """The options that a playbook gives the module."""
    (play,) = yaml.safe_load((PLAYBOOKS / playbook).read_text(encoding="utf-8"))
    (options,) = [task[name] for task in play["tasks"] for name in task if name.endswith("skerry_container")]
    return set(options)


@pytest.mark.parametrize("playbook", ["create.yml", "update.yml"])
def test_a_playbook_hands_on_every_option_that_it_could_change(playbook: str) -> None:
    wanted = {
        name for name in Spec.model_fields if playbook == "create.yml" or takes_effect(name).how != "never"
    }
    assert wanted <= handed_on(playbook)
