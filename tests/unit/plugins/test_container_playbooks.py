"""The playbooks hand every option on."""

from pathlib import Path

import pytest
import yaml

from plugins.module_utils.engine_handler import API
from plugins.modules.skerry_container import ARGUMENTS

PLAYBOOKS = Path(__file__).parents[3] / "playbooks" / "container"


def handed_on(playbook: str) -> set[str]:
    """The options that a playbook gives the module."""
    (play,) = yaml.safe_load((PLAYBOOKS / playbook).read_text(encoding="utf-8"))
    (options,) = [task[name] for task in play["tasks"] for name in task if name.endswith("skerry_container")]
    return set(options)


@pytest.mark.parametrize(
    ("playbook", "besides"), [("create.yml", {"create"}), ("update.yml", {"create", "copy_of"})]
)
def test_a_playbook_hands_on_every_option_so_that_none_is_ignored(playbook: str, besides: set[str]) -> None:
    assert handed_on(playbook) >= set(ARGUMENTS) - set(API) - besides - {"renamed_from"}
    assert "renamed_from" in handed_on("rename.yml")


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "update"])
def test_only_create_makes_what_is_not_there(verb: str) -> None:
    assert "create" in handed_on(f"{verb}.yml")
    assert "create" not in handed_on("create.yml")


def test_the_printed_curl_line_looks_for_the_authority_where_the_role_proxy_brings_it() -> None:
    roles = PLAYBOOKS.parents[1] / "roles"
    default = yaml.safe_load((roles / "proxy/defaults/main.yml").read_text(encoding="utf-8"))[
        "proxy_ca_fetch_to"
    ]
    curl = yaml.safe_load((PLAYBOOKS / "vars/curl.yml").read_text(encoding="utf-8"))
    assert curl["curl_ca_default"] == default
