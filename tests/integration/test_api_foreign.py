"""What is another tenant's never existed: each path and method of the OpenAPI document, about what is, was and never was.

The cases are made of the document that the host itself answers, so no path can be left out.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.integration import tenants, tokens
from tests.integration.api import DOMAIN, Ask
from tests.integration.tokens import RIVAL, skerry, token

STATES = ("there", "gone", "none")  # names of one length, so that an answer differs by them alone
GONE = "t-ended/shop"  # a realm of the rival's, deleted
VALUES: Mapping[str, Any] = {
    "state": "absent",  # every kind has it
    "image": "hello",
    "container": "there",
    "value": "eA==",
    "new_name": "other",
    "template": "reader",
    "size": "32M",
    "memory": "96M",
    "volumes": 1,
    "name": "other",
}
WHOLE = {"PATCH /realms/{realm}", "PATCH /realms/{realm}/projects/{project}"}
Case = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def seeded(host: Host, hello: str, on_host: Callable[..., CommandResult]) -> Iterator[dict[str, str]]:
    """In realm t-rival one of each kind that is there, and one that was and is deleted."""
    with tokens.two_realms(host):
        ids = {}
        for name in STATES[:2]:
            make = (
                f"create {name} --image hello --project {RIVAL} --memory 64M",
                f"volume create {name} --project {RIVAL} --size 32M",
                f"snapshot create {name} {name} --project {RIVAL}",
                f"snapshot create volume/{name} {name} --project {RIVAL}",
                f"alias set t-a-{name} --container {name} --project {RIVAL}",
                f"token create t-rival/{name} --template reader",
            )
            for words in make:
                host.check_output(f"skerry {words}")
            host.check_output(f"printf x | skerry secret set {name} --project {RIVAL}")
            ids[name] = str(skerry(host, f"info {name} --project {RIVAL}")["container"]["id"])
        name = STATES[1]
        for words in (
            f"alias delete t-a-{name} --project {RIVAL}",
            f"delete {name} --project {RIVAL}",
            f"volume delete {name} --project {RIVAL}",
            f"secret delete {name} --project {RIVAL}",
            f"token revoke t-rival/{name}",
        ):
            host.check_output(f"skerry {words}")
        tenants.make(host, GONE)
        tenants.delete(host, GONE)
        yield ids


def cases(document: dict[str, Any]) -> Iterator[tuple[str, list[Case]]]:
    """Of each operation with a realm in its path, the same request about what is there, what was, and what never was."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "{realm}" not in path:
                continue
            body = _body(operation)
            headers = {"If-Match": "*"} if method in {"patch", "delete"} else {}
            headers |= {"Content-Type": "application/json"} if body is not None else {}
            sent = None if body is None else json.dumps(body)
            yield (
                f"{method.upper()} {path}",
                [
                    {"method": method.upper(), "path": one, "headers": headers, "body": sent}
                    for one in _places(path)
                ],
            )


def _places(path: str) -> list[str]:
    """The path with each state of its last variable; where that is the realm, one there, one deleted, one never."""
    names = re.findall(r"{(\w+)}", path)
    if names == ["realm"]:
        return [path.replace("{realm}", one) for one in ("t-rival", "t-ended", "t-nobod")]
    found = []
    for state in STATES:
        place = path.replace("{realm}", "t-rival")
        if names != ["realm", "project"]:
            place = place.replace("{project}", "shop")
        found.append(re.sub(r"{(\w+)}", lambda one, state=state: _named(one[1], state), place))  # type: ignore[misc]
    return found


def _named(variable: str, state: str) -> str:
    if variable == "project":
        return "shop" if state == "there" else state
    return f"t-a-{state}" if variable == "alias" else state


def _body(operation: dict[str, Any]) -> dict[str, Any] | None:
    """The least body that the document allows, or one option where none is needed but something must change."""
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    names = schema.get("required") or [
        name for name in ("memory", "size", "volumes") if name in schema["properties"]
    ]
    return {name: VALUES[name] for name in names[: None if schema.get("required") else 1]}


def asked(host: Host, by: str, wanted: list[Case]) -> list[Case]:
    lines = "\n".join(json.dumps(one) for one in wanted)
    host.check_output(f"printf '%s\\n' {shlex.quote(lines)} > /run/t-cases")
    said = host.check_output(f"python3 /run/on_host/ask_many.py {by} /run/t-cases; rm /run/t-cases")
    return [json.loads(line) for line in said.splitlines()]


def neutral(answer: Case) -> tuple[int, str, dict[str, str]]:
    """An answer without the names that the request itself said."""
    raw = re.sub(r"t-(rival|ended|nobod)/?|\b(t-a-)?(there|gone|none)\b|\bshop\b", "·", answer["raw"])
    headers = {name: value for name, value in answer["headers"].items() if name != "content-length"}
    return answer["status"], raw, headers


def test_each_path_and_method(host: Host) -> None:
    by = token(host, "t-acme/ci", "--template admin")
    document = json.loads(
        host.check_output(f"curl -s --cacert /etc/skerry/pki/ca.crt https://api.{DOMAIN}/api/v1/openapi.json")
    )
    wanted = list(cases(document))
    said = iter(asked(host, by, [one for _, three in wanted for one in three]))
    wrong = []
    for operation, three in wanted:
        there, gone, never = (next(said) for _ in three)
        if neutral(there) != neutral(gone) or neutral(there) != neutral(never):
            wrong.append((operation, there, gone, never))
        allowed = {426} if operation.endswith("/exec") else {200} if _is_list(operation) else {404}
        if there["status"] not in allowed:
            wrong.append((operation, there))
    assert not wrong, json.dumps(wrong, indent=1)
    assert len(wanted) > 50


def _is_list(operation: str) -> bool:
    """A list is filtered by what its path says: it is empty, and 200."""
    many = ("containers", "volumes", "secrets", "snapshots", "aliases", "projects", "tokens", "policies")
    return operation.startswith("GET ") and operation.rpartition("/")[2] in many


def test_a_program_of_anothers_container(host: Host) -> None:
    by = token(host, "t-acme/prog", "--template admin")
    found = []
    for state in STATES:
        url = f"wss://api.{DOMAIN}/api/v1/realms/t-rival/projects/shop/containers/{state}/exec"
        words = shlex.join(["python3", "/run/on_host/exec_by_api.py", by, url, "", '{"command": ["id"]}'])
        found.append(host.check_output(words))
    assert found[0] == found[1] == found[2]
    assert json.loads(found[0])["texts"][0]["code"] == "not_found"


def test_no_list_figure_journal_or_error_names_anything(host: Host, seeded: dict[str, str]) -> None:
    by, ask = token(host, "t-acme/lists", "--template admin"), Ask(host)
    newest = skerry(host, "operations --count 200")["operations"]
    foreign = next(one["id"] for one in newest if one["resource"].startswith("t-rival/"))
    for path in (
        "containers",
        "volumes",
        "secrets",
        "snapshots",
        "aliases",
        "projects",
        "tokens",
        "images",
        "stats",
    ):
        said = ask("GET", f"/{path}", by)
        assert not re.search(f"t-rival|{'|'.join(seeded.values())}", said.raw), path
    for path in ("/operations?count=1000", "/status", "/self", "/realms"):
        said = ask("GET", path, by)
        assert not re.search(f"rival|{'|'.join(seeded.values())}", said.raw), path
    assert "containers" not in ask("GET", "/status", by).body
    missing = ask("GET", f"/operations/{foreign + 1000}", by)
    known = ask("GET", f"/operations/{foreign}", by)
    assert (known.status, missing.status) == (404, 404)
    assert known.raw.replace(str(foreign), "·") == missing.raw.replace(str(foreign + 1000), "·")
    for query in ("realm=t-rival", "project=t-rival/shop"):
        assert ask("GET", f"/containers?{query}", by).body["containers"] == []
