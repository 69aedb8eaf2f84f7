"""Defaults and argument specs must agree, both ways."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tools import check_argument_specs

GOOD_DEFAULTS = {"proxy_port": 443, "proxy_names": ["a"]}
GOOD_OPTIONS = {
    "proxy_port": {"type": "int", "default": 443, "description": "Where it listens."},
    "proxy_names": {"type": "list", "elements": "str", "default": ["a"], "description": "Its names."},
    "proxy_domain": {"type": "str", "required": True, "description": "Its domain."},
}


def problems(
    repository: Callable[[dict[str, str]], Path],
    defaults: dict[str, object],
    options: dict[str, dict[str, object]],
    internal: dict[str, object] | None = None,
) -> list[str]:
    specs = {"argument_specs": {"main": {"short_description": "A proxy.", "options": options}}}
    root = repository(
        {
            "roles/proxy/defaults/main.yml": yaml.safe_dump(defaults),
            "roles/proxy/meta/argument_specs.yml": yaml.safe_dump(specs),
            "roles/proxy/vars/main.yml": yaml.safe_dump(internal or {}),
        }
    )
    return list(check_argument_specs.check_role(root / "roles" / "proxy"))


def test_equal_passes(repository: Callable[[dict[str, str]], Path]) -> None:
    assert problems(repository, GOOD_DEFAULTS, GOOD_OPTIONS, {"_proxy_folder": "/etc/proxy"}) == []


def test_a_template_is_declared_only_where_the_option_is_text(
    repository: Callable[[dict[str, str]], Path],
) -> None:
    templates = {**GOOD_DEFAULTS, "proxy_port": "{{ other }}", "proxy_domain": "{{ other }}"}
    options = {**GOOD_OPTIONS, "proxy_port": {"type": "int", "description": "By default another's."}}
    assert problems(repository, templates, options) == [
        "roles/proxy (main): proxy_domain declares no default; defaults/main.yml has '{{ other }}'"
    ]


@pytest.mark.parametrize(
    ("defaults", "changed_option", "said"),
    [
        ({**GOOD_DEFAULTS, "proxy_port": 80}, {}, "declares default 443; defaults/main.yml has 80"),
        ({**GOOD_DEFAULTS, "proxy_port": "443"}, {}, "declares default 443; defaults/main.yml has '443'"),
        ({"proxy_names": ["a"]}, {}, "no such variable"),
        ({**GOOD_DEFAULTS, "proxy_new": 1}, {}, "proxy_new is in defaults/main.yml only"),
        ({**GOOD_DEFAULTS, "proxy_domain": "x"}, {}, "proxy_domain declares no default"),
        (
            {**GOOD_DEFAULTS, "port": 1},
            {"port": {"type": "int", "default": 1, "description": "."}},
            "begin with proxy_",
        ),
        (GOOD_DEFAULTS, {"proxy_port": {"type": "int", "default": 443}}, "proxy_port has no description"),
        (GOOD_DEFAULTS, {"proxy_port": {"default": 443, "description": "."}}, "proxy_port has no type"),
        (
            GOOD_DEFAULTS,
            {"proxy_extra": {"type": "dict", "description": ".", "options": {"deep": {"type": "str"}}}},
            "proxy_extra: deep has no description",
        ),
    ],
)
def test_a_difference_is_told(
    repository: Callable[[dict[str, str]], Path],
    defaults: dict[str, object],
    changed_option: dict[str, dict[str, object]],
    said: str,
) -> None:
    found = problems(repository, defaults, {**GOOD_OPTIONS, **changed_option})
    assert len(found) == 1
    assert said in found[0]


def test_internal_variables_bear_the_roles_name(repository: Callable[[dict[str, str]], Path]) -> None:
    assert "begin with _proxy_" in problems(repository, GOOD_DEFAULTS, GOOD_OPTIONS, {"folder": "/"})[0]


def test_a_role_without_specs_is_told(repository: Callable[[dict[str, str]], Path]) -> None:
    root = repository({"roles/proxy/tasks/main.yml": "---\n"})
    assert check_argument_specs.main(root) == 1
