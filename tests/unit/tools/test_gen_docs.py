"""The reference pages come from the declarations, and a stale one is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import gen_docs

SPECS = """---
argument_specs:
  main:
    short_description: A proxy.
    options:
      proxy_port:
        type: int
        default: 443
        description: Where it listens, V(443) or not | ever.
      proxy_domain: {type: str, required: true, description: Its domain.}
"""


def test_a_roles_variables_become_a_table(repository: Callable[[dict[str, str]], Path]) -> None:
    root = repository({"roles/proxy/meta/argument_specs.yml": SPECS})
    lines = gen_docs.pages(root)[root / "docs/reference/roles.md"].splitlines()
    assert "## proxy" in lines
    assert "| `proxy_port` | int | `443` | Where it listens, `443` or not \\| ever. |" in lines
    assert "| `proxy_domain` | str | **required** | Its domain. |" in lines


def test_a_modules_page_has_options_returns_and_examples() -> None:
    page = {
        "doc": {
            "short_description": "A thing",
            "description": ["It is O(name)."],
            "options": {"name": {"type": "str", "required": True, "description": ["Its name."]}},
        },
        "return": {"id": {"type": "str", "returned": "success", "description": "Its C(id)."}},
        "examples": "- name: Make it\n  skerry.host.thing:\n    name: a\n",
    }
    text = "\n".join(gen_docs.module_section("skerry.host.thing", page))
    assert "| `name` | str | **required** | Its name. |" in text
    assert "| `id` | str | success | Its `id`. |" in text
    assert "```yaml\n- name: Make it" in text


def test_a_stale_page_is_told_and_mended(
    repository: Callable[[dict[str, str]], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = repository({"roles/proxy/meta/argument_specs.yml": SPECS})
    for arguments, code in ((["--check"], 1), ([], 0), (["--check"], 0)):
        monkeypatch.setattr("sys.argv", ["gen_docs", *arguments])
        assert gen_docs.main(root) == code
    assert "docs/reference/roles.md is stale: run `make docs`" in capsys.readouterr().out


def test_a_variable_is_described_by_what_does_the_work() -> None:
    """Not by the filter of an info module, nor by what a playbook of another folder calls alike."""
    modules = gen_docs.module_pages(gen_docs.ROOT)

    def row(playbook: str, name: str) -> str:
        lines = gen_docs.playbook_section(gen_docs.ROOT / "playbooks" / playbook, gen_docs.ROOT, modules)
        return next(line for line in lines if line.startswith(f"| `{name}` |"))

    assert "| Name of the container, unique in its project." in row("container/create.yml", "container_name")
    assert "| Only containers of this name." in row("container/list.yml", "container_name")
    assert "| Absolute path in the container." in row("container/put.yml", "path")
    assert "| File on the controller to put there." in row("container/put.yml", "src")
    assert "| File on the controller to write" in row("container/get.yml", "dest")
    assert "| A tarball on the controller" in row("image/import.yml", "path")
