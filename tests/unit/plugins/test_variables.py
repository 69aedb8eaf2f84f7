"""Each playbook checks its variables first, and declares those that it uses and no others."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import jinja2
import pytest
from ansible.vars.reserved import get_reserved_names
from jinja2 import nodes

from plugins.action.variables import ActionModule
from plugins.plugin_utils.variables import (
    CHECK,
    OLD_NAMES,
    ROOT,
    Takes,
    common,
    mentioned,
    misspelt,
    ours,
    playbooks,
    read,
    refusal,
    role_facts,
    role_options,
    roles,
    takes,
    tasks_of_play,
    unknown,
)

BOOKS = playbooks()
EXPRESSIONS = {"when", "that", "failed_when", "changed_when", "until"}
# What Ansible itself has for every template.
MAGIC = {
    "omit",
    "item",
    "hostvars",
    "inventory_hostname",
    "inventory_dir",
    "playbook_dir",
    "lookup",
    "query",
    "now",
}
ENVIRONMENT = jinja2.Environment(autoescape=True)
CREATE = ROOT / "playbooks/container/create.yml"


def parsed(text: str) -> set[str]:
    names = list(ENVIRONMENT.parse(text).find_all(nodes.Name))
    return {one.name for one in names} - {one.name for one in names if one.ctx == "store"}


def used_in(value: Any, key: str = "") -> Iterator[str]:
    """The variables that templates inside a value use."""
    if isinstance(value, str):
        yield from parsed(f"{{{{ {value} }}}}" if key in EXPRESSIONS and "{{" not in value else value)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from used_in(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from used_in(one, key)


def plays(book: Path) -> list[dict[str, Any]]:
    return [play for play in read(book) if "hosts" in play]


def defined_in(play: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]], book: Path) -> dict[str, Any]:
    """What a play defines itself: name → value."""
    found: dict[str, Any] = {}
    for file in play.get("vars_files", ()):
        found |= read(book.parent / file)
    for place in (play, *tasks):
        found |= place.get("vars") or {}
        found |= dict.fromkeys([place["register"]] if "register" in place else ())
        found |= dict.fromkeys(place.get("ansible.builtin.set_fact") or ())
    return found


def used_by(book: Path) -> set[str]:
    """The variables that a playbook uses, and neither defines itself nor leaves to its roles."""
    found: set[str] = set()
    shared: dict[str, Any] = {}
    for play in plays(book):
        tasks = list(tasks_of_play(play, book))
        defined = shared | defined_in(play, tasks, book)
        shared |= dict.fromkeys(defined)
        bare = [{name: value for name, value in task.items() if name != "vars"} for task in tasks]
        options = {name for role in takes(book).roles for name in role_options(role)}
        ahead = options & set(defined)
        ahead |= (
            set(used_in({"hosts": play["hosts"]})) | set(used_in(bare)) | set(used_in(play.get("roles", [])))
        )
        seen: set[str] = set()
        while ahead:
            name = ahead.pop()
            seen.add(name)
            ahead |= set(used_in(defined.get(name))) - seen
        # What is passed to a role is used there, and so is what a play says for one.
        passed = [task.get("vars", {}) for task in tasks if "ansible.builtin.include_role" in task]
        seen |= set(used_in(passed))
        found |= {name for name in seen if name not in defined}
    left = set(takes(book).roles)
    told = {name for role in left for name in {*role_options(role), *role_facts(role)}}
    hidden = re.compile("ansible_|__")
    return {
        name for name in found - told - (handed_on() - set(takes(book).own)) - MAGIC if not hidden.match(name)
    }


@cache
def handed_on() -> set[str]:
    """What one playbook or role says to another: no user's to give."""
    said = {name for role in roles() for name in role_facts(role)}
    return said | {name for book in BOOKS for entry in read(book) for name in entry.get("vars", ())}


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: str(book.relative_to(ROOT)))
def test_a_playbook_begins_with_the_check(book: Path) -> None:
    if not (own := plays(book)):
        assert any("import_playbook" in key for entry in read(book) for key in entry)
        return
    first = next(tasks_of_play(own[0], book))
    assert CHECK in first
    assert first["tags"] == ["always"]
    assert own[0]["gather_facts"] is False


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: str(book.relative_to(ROOT)))
def test_a_playbook_declares_what_it_uses_and_nothing_else(book: Path) -> None:
    if plays(book):
        declared = set(takes(book).own) - {name for role in takes(book).roles for name in role_options(role)}
        used = used_by(book) - set(takes(book).old_names())
        assert declared == used | set(takes(book).required)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: str(book.relative_to(ROOT)))
def test_a_playbook_takes_no_name_that_is_reserved(book: Path) -> None:
    assert not set(takes(book).own) & get_reserved_names()


def test_old_names_are_taken_where_the_new_ones_are() -> None:
    stop = takes(ROOT / "playbooks/container/stop.yml")
    assert stop.old_names() == {"name": "container_name"}
    assert unknown(["name", "port", "container_name"], stop) == ["port"]
    assert set(OLD_NAMES) <= get_reserved_names()


def test_a_slip_of_an_old_name_is_near_the_new_one() -> None:
    assert "did you mean container_name?" in refusal(["named"], takes(CREATE), "create.yml")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "a.yml needs container_name: -e container_name=blog. Nothing was done."),
        ({"container_name": ""}, "a.yml needs container_name: -e container_name=blog. Nothing was done."),
        ({"container_name": "blog"}, ""),
        ({"name": "blog"}, ""),
    ],
)
def test_a_required_variable_may_have_its_old_name(given: dict[str, str], missing: str) -> None:
    assert ActionModule._missing(Mock(), given, takes(CREATE), "a.yml") == missing


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"container_name": "a", "memory": "1G"}, []),
        ({"name": "a"}, ["The variable name is container_name now; name still works."]),
        (
            {"name": "a", "container_name": "b"},
            ["The variable name is container_name now; name is ignored beside it."],
        ),
    ],
)
def test_old_names_are_warned_of(given: dict[str, str], said: list[str]) -> None:
    action = Mock()
    ActionModule._warn(action, takes(CREATE), given)
    assert [call.args[0] for call in action._display.warning.call_args_list] == said


def test_each_shared_variable_is_taken_by_a_playbook() -> None:
    taken = {name for book in BOOKS for name in takes(book).own}
    assert set(common()) <= taken


def test_a_shared_variable_is_declared_nowhere_else() -> None:
    assert not set(common()) & {name for role in roles() for name in role_options(role)}


def test_site_takes_what_its_parts_take() -> None:
    whole = takes(ROOT / "site.yml")
    for part in ("install", "unlock", "host"):
        one = takes(ROOT / f"playbooks/{part}.yml")
        assert set(one.own) <= set(whole.own)
        assert set(one.roles) <= set(whole.roles)


def test_a_role_that_a_role_runs_counts() -> None:
    assert "hardened_kernel" in takes(ROOT / "playbooks/kernel/update.yml").roles


def test_a_misspelt_variable_is_refused_with_the_nearest_name() -> None:
    taken = takes(CREATE)
    given = ["memroy", "name", "ansible_user", "proxy_domain"]
    assert unknown(given, taken) == ["memroy", "proxy_domain"]
    said = refusal(["memroy"], taken, "playbooks/container/create.yml")
    assert said.startswith(
        "memroy: no such variable of playbooks/container/create.yml; did you mean memory? "
        "It takes: container_name, target, "
    )


def test_of_many_variables_the_roles_are_named() -> None:
    said = refusal(["x"], takes(ROOT / "site.yml"), "site.yml")
    assert said.startswith("x: no such variable of site.yml. It takes: ")
    assert "lxc_host_pool_size" not in said
    assert "the variables of the roles remote_unlock, base_system," in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("proxy_domian", "no such variable of the role proxy; did you mean proxy_domain?"),
        ("luks_root_dsiks", "no such variable of the role luks_root; did you mean luks_root_disks?"),
        ("skerry_domian", "no such variable of a playbook; did you mean skerry_domain?"),
        ("skerry_zzz", "no such variable of a playbook."),
        ("proxy_websocket_timeout", "is proxy_stream_timeout now"),
    ],
)
def test_an_inventory_is_held_to_the_roles_declarations(name: str, said: str) -> None:
    assert misspelt([name, "mine", "proxy_domain", "skerry_domain", "hardened_kernel_package"]) == {
        name: said
    }


def test_variables_of_other_peoples_roles_may_stay() -> None:
    assert misspelt(["proxy_env", "proxy_url", "firewall_enabled_at_boot", "hardening_level"]) == {}


def test_what_the_inventory_itself_mentions_may_be_given() -> None:
    assert mentioned(["vault_key", "other"], ["{{ vault_key }}", "other"]) == {"vault_key"}


def test_a_playbook_is_ours_by_path_or_by_name(tmp_path: Path) -> None:
    assert ours(str(CREATE)) == CREATE
    assert ours("skerry.host.container.create") == CREATE
    assert ours(str(tmp_path / "mine.yml")) is None


def test_two_playbooks_take_what_either_takes() -> None:
    both = Takes({"a": None}, {"a": "1"}, {"r": None}) | Takes({"b": None}, {}, {"s": None})
    assert (list(both.own), dict(both.required), list(both.roles)) == (["a", "b"], {"a": "1"}, ["r", "s"])


def test_what_an_importing_playbook_says_is_not_to_be_given() -> None:
    assert "image" in takes(ROOT / "playbooks/image/import.yml").required
    hello = takes(ROOT / "playbooks/image/hello.yml")
    assert "image" not in hello.own
    assert "image" not in hello.required
