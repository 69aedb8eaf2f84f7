"""Documentation that refers to what is not there is told."""

from collections.abc import Callable
from pathlib import Path

from tools import check_plugin_docs

GALAXY = """---
namespace: test
name: small
version: 1.0.0
readme: README.md
authors: [Nobody]
"""
SPECS = """---
argument_specs:
  main:
    short_description: A proxy.
    description: A proxy.
    author: [Nobody (@nobody)]
    options:
      proxy_port: {type: int, default: 443, description: Where O(proxy_name) listens.}
      proxy_name: {type: str, description: Its name.}
"""


def problems(repository: Callable[[dict[str, str]], Path], specs: str) -> str:
    role = {"roles/proxy/meta/argument_specs.yml": specs, "roles/proxy/tasks/main.yml": "---\n"}
    return "\n".join(check_plugin_docs.check(repository({"galaxy.yml": GALAXY, "README.md": "", **role})))


def test_what_is_right_passes(repository: Callable[[dict[str, str]], Path]) -> None:
    assert problems(repository, SPECS) == ""


def test_a_reference_to_nothing_is_told(repository: Callable[[dict[str, str]], Path]) -> None:
    said = problems(repository, SPECS.replace("O(proxy_name)", "O(proxy_names)"))
    assert "roles/proxy/meta/argument_specs.yml" in said
    assert "O(proxy_names): option name does not reference to an existing option" in said


def test_a_default_of_another_type_is_told(repository: Callable[[dict[str, str]], Path]) -> None:
    assert "cannot be converted to an int" in problems(repository, SPECS.replace("443", "'{{ other }}'"))
