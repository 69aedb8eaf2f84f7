"""Writes docs/reference/: roles, modules and the kernel's configuration, from what they declare themselves."""

import argparse
import ast
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from plugins.plugin_utils import variables
from skerry_api import openapi
from skerry_api.routes import LEFT_OUT, ROUTES
from skerry_base.hardening.model import Setting
from skerry_base.hardening.table import SETTINGS
from skerry_kernel.fragment import HOME, SOURCES, read
from skerry_kernel.score import KINDS, listed
from tools.check_argument_specs import load
from tools.check_collection import ansible, plugins
from tools.files import ROOT, report
from tools.markup import markdown

NOTE = "<!-- Written by `make docs` from what the code declares. Change it there. -->"
_INHERITED = {
    "skerry.host.ssh": "`ansible.builtin.ssh`",
    "ansible.builtin.constructed": "`ansible.builtin.constructed`",
    "ansible.builtin.inventory_cache": "the inventory's cache",
}


def prose(text: str | list[str] | None) -> str:
    """A description on one line, Ansible's markup as Markdown's, safe in a table's cell."""
    joined = " ".join(text) if isinstance(text, list) else text or ""
    return " ".join(markdown(joined).split()).replace("|", "\\|")


def value(thing: Any) -> str:
    """A value as code; nothing for what is absent."""
    if thing is None:
        return ""
    text = thing if isinstance(thing, str) and thing else json.dumps(thing)
    return f"`{' '.join(text.split())}`".replace("|", "\\|")


def kind(option: dict[str, Any]) -> str:
    """An option's type, with that of its elements and its choices."""
    name = str(option.get("type", "str"))
    if elements := option.get("elements"):
        name += f" of {elements}"
    if choices := option.get("choices"):
        name += ": " + ", ".join(value(choice) for choice in choices)
    return name


def rows(options: dict[str, Any], above: str = "") -> Iterator[str]:
    """A table's rows, an option each; options inside options follow with a dotted name."""
    for name, option in options.items():
        default = "**required**" if option.get("required") else value(option.get("default"))
        yield f"| `{above}{name}` | {kind(option)} | {default} | {prose(option.get('description'))} |"
        yield from rows(option.get("options") or option.get("suboptions") or {}, f"{above}{name}.")


def option_table(title: str, options: dict[str, Any]) -> list[str]:
    """A table of options, or a line that says there are none."""
    if not options:
        return [f"No {title}s."]
    return [f"| {title} | type | default | what it is |", "|---|---|---|---|", *rows(options)]


def role_section(role: Path) -> Iterator[str]:
    """A role's part of the page."""
    entries = load(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    for entry, spec in entries.items():
        title = role.name if entry == "main" else f"{role.name} ({entry})"
        yield from ["", f"## {title}", "", prose(spec.get("short_description")), ""]
        if description := spec.get("description"):
            yield from [prose(description), ""]
        yield from option_table("variable", spec.get("options", {}))


def declared_options(
    taken: variables.Takes, root: Path, modules: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """What a playbook's variables may be: options of a role, of a module that it calls, shared ones; by name."""
    found: dict[str, dict[str, Any]] = {}
    for role in variables.roles(root):
        found |= variables.role_options(role, root)
    # An option of an info module only narrows what is shown: the module that does the work says what it is.
    info = [name for name in taken.modules if name.endswith("_info")]
    for module in [*info, *(name for name in reversed(taken.modules) if name not in info)]:
        found |= modules.get(module, {"doc": {}})["doc"].get("options", {})
    found |= {new: found[old] for old, new in variables.OLD_NAMES.items() if old in found}
    return found | variables.common(root)


def own_variables(folder: Path) -> dict[str, dict[str, Any]]:
    """The variables of a folder's playbooks alone that are no option of a role or a module, by name."""
    path = folder / "vars" / "variables.yml"
    found: dict[str, dict[str, Any]] = load(path)["playbook_variables"] if path.exists() else {}
    return found if folder.name != "playbooks" else {}


def used_default(name: str, texts: Iterable[str]) -> str:
    """The default that a playbook itself gives one of its variables; a module's and a role's are on their pages."""
    pattern = re.compile(rf"\b{name} \| default\(('[^']*'|[0-9]+|true|false)\)")
    return next((value(match[1].strip("'")) for text in texts if (match := pattern.search(text))), "")


def header(path: Path) -> Iterator[str]:
    """The words before a playbook's first play: prose, and commands as code."""
    for line in path.read_text().splitlines()[1:]:
        if not line.startswith("#"):
            return
        text = line.removeprefix("# ").removeprefix("#")
        yield f"    {text.strip()}" if text.startswith("  ") else text


def playbook_section(path: Path, root: Path, modules: Mapping[str, Any]) -> Iterator[str]:
    """A playbook's part of the page: what it says of itself, and what it takes."""
    taken = variables.takes(path, root)
    options = declared_options(taken, root, modules) | own_variables(path.parent)
    texts = [one.read_text() for one in (path, *sorted((root / "playbooks").rglob("tasks/*.yml")))]
    yield from ["", f"## {path.relative_to(root)}", ""]
    last = ""
    for line in header(path):
        code = line.startswith("    ")
        yield from [""] if last and code != last.startswith("    ") else []
        yield (last := line)
    rows = sorted(taken.own, key=lambda name: name not in taken.required)
    if rows:
        yield from ["", "| variable | meaning | default |", "|---|---|---|"]
    for name in rows:
        option, example = options[name], taken.required.get(name)
        default = (
            f"**required**, as `{example}`"
            if example
            else used_default(name, texts) or value(option.get("default"))
        )
        yield f"| `{name}` | {prose(option.get('description'))} | {default} |"
    if taken.roles:
        links = ", ".join(f"[{role}](roles.md#{role})" for role in taken.roles)
        yield from ["", f"And the variables of the roles that it runs: {links}."]


def returned(values: dict[str, Any]) -> Iterator[str]:
    """A table of what a module returns."""
    if values:
        yield from ["", "| returns | type | when | what it is |", "|---|---|---|---|"]
    for name, one in values.items():
        when = prose(one.get("returned"))
        yield f"| `{name}` | {kind(one)} | {when} | {prose(one.get('description'))} |"


def module_section(name: str, page: dict[str, Any]) -> Iterator[str]:
    """A module's part of the page, from what ansible-doc says of it."""
    doc = page["doc"]
    yield from ["", f"## {name}", "", prose(doc["short_description"]), "", prose(doc["description"]), ""]
    yield from option_table("option", doc.get("options", {}))
    yield from returned(page.get("return") or {})
    if examples := page.get("examples"):
        yield from ["", "```yaml", *examples.strip().splitlines(), "```"]


def declared(path: Path) -> dict[str, str]:
    """The texts that a plugin's file gives names to, such as DOCUMENTATION and EXAMPLES."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                found[name] = text
    return found


def plugin_rows(options: dict[str, Any]) -> Iterator[str]:
    """A table's rows, an option each, with the variables that set it."""
    for name, option in options.items():
        variables_of = ", ".join(f"`{one['name']}`" for one in option.get("vars", []))
        default = "**required**" if option.get("required") else value(option.get("default"))
        yield f"| `{name}` | {variables_of} | {kind(option)} | {default} | {prose(option.get('description'))} |"


def plugin_section(path: Path) -> Iterator[str]:
    """The part of a page of a plugin that inherits options from others: its own ones, and who has the rest."""
    texts, of, name = declared(path), path.parent.name, f"skerry.host.{path.stem}"
    doc = yaml.safe_load(texts["DOCUMENTATION"])
    yield from ["", f"## {of}: {name}", ""]
    yield from [*(f"- {prose(line)}" for line in [*doc["description"], *doc.get("notes", [])]), ""]
    yield from ["| option | variable | type | default | what it is |", "|---|---|---|---|---|"]
    yield from plugin_rows(doc["options"])
    if inherited := doc.get("extends_documentation_fragment"):
        more = ", ".join(_INHERITED[one] for one in inherited)
        yield from ["", f"And the options of {more}: `ansible-doc --type {of} {name}` has them all."]
    if examples := texts.get("EXAMPLES"):
        yield from ["", "```yaml", *examples.strip().splitlines(), "```"]


def module_pages(root: Path) -> dict[str, Any]:
    """What ansible-doc says of each module of the repository."""
    names = plugins(root).get("module", [])
    if not names:
        return {}
    with tempfile.TemporaryDirectory() as home:
        arguments = ("--type", "module", "--json", *names)
        answer = ansible("doc", *arguments, collections=root / "collections", home=Path(home))
    pages: dict[str, Any] = json.loads(answer)
    return pages


def setting_rows(settings: Iterable[Setting]) -> Iterator[str]:
    """A table's rows, a setting each, under a heading for each kind."""
    last = ""
    for one in settings:
        if one.kind != last:
            yield from ["", f"## {one.kind}", "", "| name | value | why | from |", "|---|---|---|---|"]
        last = one.kind
        wanted = "<br>".join(value(line) for line in one.value.splitlines())
        yield f"| `{one.name}` | {wanted} | {prose(one.reason)} | {one.source} |"


def fragment_section(path: Path) -> Iterator[str]:
    """A fragment's part of the page: its first words, each line that says why, and the names of the others."""
    intro = []
    for row in path.read_text().splitlines():
        if not row.startswith("# "):
            break
        intro.append(row.removeprefix("# "))
    all_lines = read(path)
    lines = [line for line in all_lines if line.why]
    yield from ["", f"## {path.stem}", "", " ".join(intro)]
    if lines:
        yield from ["", "| symbol | value | why | source |", "|---|---|---|---|"]
    for line in lines:
        yield f"| `{line.symbol}` | {value(line.value)} | {prose(line.why)} | {line.source} |"
    if others := [f"`{line.symbol}={line.value}`" for line in all_lines if not line.why]:
        yield from ["", f"{'And' if lines else 'Here'}: {', '.join(others)}."]


def deviation_section(version: str) -> Iterator[str]:
    """What the checker recommends for a version of Linux and we do not do."""
    yield from ["", f"## Where we do otherwise: Linux {version}", "", "| check | why |", "|---|---|"]
    yield from deviation_rows(listed(version))


def deviation_rows(found: Mapping[str, str]) -> Iterator[str]:
    """Check and reason, a line each."""
    for check, reason in sorted(found.items()):
        yield f"| `{check}` | {prose(reason)} |"


def kernel_body() -> Iterator[str]:
    """The page of the kernel's configuration."""
    yield from ["", "| source | who |", "|---|---|"]
    yield from (f"| {name} | {who} |" for name, who in sorted(SOURCES.items()))
    for version in ("6.12", "7"):
        yield from deviation_section(version)
    yield from ["", "## Where a running machine does otherwise", ""]
    yield "Beside the lines above: the command line and sysctl, as the role `hardening` leaves them."
    yield from ["", "| check | why |", "|---|---|"]
    yield from deviation_rows(listed("6.12", *KINDS[1:]))
    for path in sorted(HOME.glob("*.config")):
        yield from fragment_section(path)


def api_body() -> Iterator[str]:
    """The page of the API's paths, from its OpenAPI document."""
    paths = openapi.document()["paths"]
    verbs = {route.operation: route.verb for route in ROUTES}
    by_kind: dict[str, list[str]] = {}
    for path, methods in paths.items():
        for method, one in methods.items():
            if "tags" not in one:
                continue
            query = [f"`{each['name']}`" for each in one["parameters"] if each["in"] == "query"]
            body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            needed = body.get("required", [])
            options = [
                f"**`{name}`**" if name in needed else f"`{name}`" for name in body.get("properties", {})
            ]
            row = (f"`{method.upper()} {path}`", f"`{verbs[one['operationId']]}`", one["summary"])
            cells = (*row, ", ".join(query), ", ".join(options))
            by_kind.setdefault(one["tags"][0], []).append(f"| {' | '.join(map(prose, cells))} |")
    for kind_, rows_ in by_kind.items():
        yield from ["", f"## {kind_.capitalize()}", "", "| path | verb | what it does | query | body |"]
        yield from ["|---|---|---|---|---|", *rows_]
    yield from ["", "## Verbs without a path", "", "| verb | why |", "|---|---|"]
    yield from (f"| `{verb}` | {prose(reason)} |" for verb, reason in sorted(LEFT_OUT.items()))


def page(title: str, intro: str, body: Iterable[str]) -> str:
    """A whole page."""
    return "\n".join([f"# {title}", "", NOTE, "", intro, *body]) + "\n"


def api_page() -> str:
    """The page of the API's paths."""
    return page(
        "The paths of the API",
        "At `https://api.DOMAIN`. Options of a body are those of the command `skerry VERB --help`, and what must be "
        "there is bold. Lists take `limit` and `cursor`, changes take `dry_run`. `PATCH` and `DELETE` need "
        "`If-Match`. Types and bounds are in `/api/v1/openapi.json`. How to use it: "
        "[ask by HTTP](../how-to/api.md).",
        api_body(),
    )


def plugin_sections(root: Path) -> Iterator[str]:
    """The sections of the plugins for containers."""
    for of in ("connection", "become", "inventory"):
        for path in (root / "plugins" / of).glob("skerry.py"):
            yield from plugin_section(path)


def pages(root: Path) -> dict[Path, str]:
    """Path → content of every reference page."""
    roles = sorted(path for path in (root / "roles").glob("*") if path.is_dir())
    modules = sorted(module_pages(root).items())
    reference = root / "docs" / "reference"
    return {
        reference / "roles.md": page(
            "Roles and their variables",
            "Set them in an inventory: `group_vars/all.yml`, or for one host in `host_vars/`.",
            (line for role in roles for line in role_section(role)),
        ),
        reference / "hardening.md": page(
            "What the role hardening sets",
            "Each is read back from the running machine. A name in `hardening_off` turns it off; a heading, all below it. "
            "Why, what it costs, and what was left out: [hardening](../explanation/hardening.md).",
            setting_rows(SETTINGS),
        ),
        reference / "kernel.md": page(
            "The hardened kernel's configuration",
            "Fragments in `src/skerry_kernel/fragments/`, deviations in `src/skerry_kernel/deviations.toml`. Each line "
            "must be in force, or the build fails. How to build: [build a kernel](../how-to/build-a-kernel.md).",
            kernel_body(),
        ),
        reference / "modules.md": page(
            "Modules",
            "Each is options and one call to the host's engine. Check mode and `--diff` show its plan.",
            (line for name, content in modules for line in module_section(name, content)),
        ),
        reference / "api.md": api_page(),
        reference / "plugins.md": page(
            "Plugins for containers",
            "How Ansible reaches containers: [run Ansible inside a container](../how-to/ansible-inside.md).",
            plugin_sections(root),
        ),
        reference / "playbooks.md": page(
            "Playbooks and their variables",
            "Give them with `-e`. Before anything is done a playbook refuses a variable that it does not take, and names "
            "the nearest one. So it does with a slip in an inventory: a variable that is near one of a role. Those that "
            "begin with `ansible_` are Ansible's. Where the collection is installed, those below "
            "`playbooks/` have a name as well: `ansible-playbook skerry.host.container.create`. A default that is not here "
            "is the [module's](modules.md) or the [role's](roles.md).",
            (
                line
                for path in variables.playbooks(root)
                for line in playbook_section(path, root, dict(modules))
            ),
        ),
    }


def main(root: Path = ROOT) -> int:
    """Write the pages, or with --check say which ones are stale; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is stale")
    checking = parser.parse_args().check
    stale = []
    for path, content in pages(root).items():
        if path.exists() and path.read_text() == content:
            continue
        stale.append(f"{path.relative_to(root)} is stale: run `make docs`")
        if not checking:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    return report(stale) if checking else 0


if __name__ == "__main__":
    sys.exit(main())
