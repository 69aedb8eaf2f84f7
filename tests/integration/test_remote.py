"""The modules, the inventory and the command from another computer, by the API through the real proxy."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from skerry.api_client import ApiClient
from skerry.engine_calls import EngineError
from tests.integration import tenants, tokens
from tests.integration.playbooks import ROOT, play
from tests.integration.proxy_client import DOMAIN, lab_door
from tests.integration.tokens import skerry, token

SHOP = {"realm": "t-acme", "project": "shop"}
ENGINE = "group/skerry.host.engine"
Result = dict[str, Any]
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("skerry_volume", {"name": "data", "size": "32M"}),
    ("skerry_secret", {"name": "key", "value": "s3cret"}),
    ("skerry_container", {"name": "web", "image": "hello", "memory": "64M", "env": {"WORKERS": "1"},
                          "volumes": [{"volume": "data", "path": "/data"}], "secrets": [{"secret": "key"}]}),
    ("skerry_container", {"name": "web", "memory": "96M", "env": {"LEVEL": 8}, "state": "stopped"}),
    ("skerry_container", {"name": "web", "state": "started", "project": "t-acme/shop", "realm": "default"}),
    ("skerry_alias", {"alias": "t-shop", "container": "web", "drain": 1}),
    ("skerry_snapshot", {"name": "one", "container": "web"}),
    ("skerry_snapshot", {"name": "two", "volume": "data"}),
    ("skerry_token", {"name": "t-acme/made", "template": "reader"}),
    ("skerry_project", {"realm": "t-acme", "name": "shop", "quota": {"containers": "5"}}),
]  # fmt: skip
"""A life of each kind, module by module: each in check mode, for real, and for real again."""
READS: list[tuple[str, dict[str, Any]]] = [
    ("skerry_snapshot", {"name": "one", "container": "web", "state": "restored"}),
    ("skerry_container_info", {"name": "web", "show_env": True}),
    ("skerry_snapshot_info", {}),
    ("skerry_alias_info", {}),
    ("skerry_image_info", {}),
    ("skerry_token_info", {"realm": "t-acme"}),
]
"""Asked once."""
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("skerry_container", {"name": "web", "memory": "much"}),
    ("skerry_container", {"name": "new", "image": "helo"}),
    ("skerry_container", {"name": "web", "realm": "t-rival", "project": "t-acme/shop"}),
    ("skerry_secret", {"name": "key", "state": "absent"}),
]
"""Refused by both, in the same words."""
END: list[tuple[str, dict[str, Any]]] = [
    ("skerry_snapshot", {"name": "two", "volume": "data", "state": "absent"}),
    ("skerry_alias", {"alias": "t-shop", "state": "absent"}),
    ("skerry_container", {"name": "web", "state": "absent"}),
    ("skerry_token", {"name": "t-acme/made", "state": "absent"}),
]
"""And its end, as its beginning."""
OWN = {
    "skerry_token",
    "skerry_token_info",
    "skerry_image_info",
    "skerry_realm",
    "skerry_realm_info",
    "skerry_project",
}
# What no two runs have alike: ids, times, addresses, and what was measured.
_DIFFERS = [
    (re.compile(r"[0-9a-f]{24}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(\+00:00|Z)?|before-\d{4}-\d\d-\d\d-\d{6}"), "WHEN"),
    (re.compile(r"10\.90\.\d+\.\d+"), "IPV4"),
    (re.compile(r"\bsk\d+\b|02:5e:[0-9a-f:]+|slot \d+"), "SLOT"),
    (re.compile(r"fd[0-9a-f]{2}:[0-9a-f:]+"), "IPV6"),
    (re.compile(r"sk_[0-9A-Za-z]+"), "TOKEN"),
]
BEATS = (True, False, False)
_MEASURED = {
    "timings_ms",
    "invocation",
    "deprecations",
    "last_used",
    "created_by",
    "created",
    "used",
    "slot",
    "stats",
}


@pytest.fixture(autouse=True)
def two_realms(host: Host, hello: str, on_host: Callable[..., CommandResult]) -> Iterator[None]:
    """Two realms with a project each, and no token of these tests."""
    with tokens.two_realms(host):
        yield


@pytest.fixture
def url(lab: str) -> str:
    """The API, as this computer reaches it."""
    return f"https://api.{DOMAIN}:{lab_door(lab).port}"


@pytest.fixture
def ca(lab: str) -> str:
    """The certificate of the host's authority, on this computer."""
    return lab_door(lab).ca


@dataclasses.dataclass(frozen=True)
class Task:
    """One call of a module, as :func:`ran` makes it."""

    module: str
    options: dict[str, Any]
    check: bool = False


def ran(lab: str, folder: Path, tasks: Sequence[Task], api: Mapping[str, str] | None) -> list[Result]:
    """What the modules returned: on the host, or on this computer where an API is named."""
    answers, book = folder / f"answers{'-api' if api else ''}.json", folder / "life.yml"
    here: dict[str, Any] = {"delegate_to": "localhost", "become": False} if api else {}
    names = [f"answer_{number}" for number in range(len(tasks))]
    made: list[dict[str, Any]] = [
        {"name": name, f"skerry.host.{one.module}": one.options, "check_mode": one.check, "diff": True,
         "ignore_errors": True, "register": name, **here}
        for name, one in zip(names, tasks, strict=True)
    ]  # fmt: skip
    keep = {"content": f"{{{{ [{', '.join(names)}] | to_json }}}}", "dest": str(answers)}
    made.append({"name": "Keep the answers", "ansible.builtin.copy": keep, "delegate_to": "localhost"})
    play_of = {"name": "Life", "hosts": "skerry_hosts", "gather_facts": False, "tasks": made}
    defaults = {"module_defaults": {ENGINE: dict(api)}} if api else {}
    book.write_text(yaml.safe_dump([play_of | defaults], sort_keys=False))
    output, text = play(lab, str(book)).ok().output, answers.read_text()
    assert not api or api["api_token"] not in output + text
    found: list[Result] = json.loads(text)
    return found


def alike(value: Any) -> Any:
    """A result without what no two runs have alike."""
    if isinstance(value, dict):
        return {name: alike(one) for name, one in value.items() if name not in _MEASURED}
    if isinstance(value, list):
        return [alike(one) for one in value]
    if isinstance(value, str):
        for pattern, instead in _DIFFERS:
            value = pattern.sub(instead, value)
    return value


def test_modules_return_the_same_from_anywhere(
    lab: str, host: Host, url: str, ca: str, tmp_path: Path
) -> None:
    tasks = [
        Task(module, options if module in OWN else SHOP | options, check)
        for calls, beats in ((CHANGES, BEATS), (READS, (False,)), (REFUSED, (False,)), (END, BEATS))
        for module, options in calls
        for check in beats
    ]
    there = ran(lab, tmp_path, tasks, None)
    tenants.delete(host, tokens.ACME)
    tenants.make(host, tokens.ACME)
    by = token(host, "t-all", "--template operator")
    here = ran(lab, tmp_path, tasks, {"api_url": url, "api_token": by, "api_ca": ca})
    for task, on_host, from_afar in zip(tasks, there, here, strict=True):
        assert alike(from_afar) == alike(on_host), task
    changed = [one.get("changed", False) for one in here]
    for calls, begin in ((CHANGES, 0), (END, -len(END) * 3)):
        for number in range(len(calls)):
            first = begin + number * 3
            assert changed[first : first + 3 or None] == [True, True, False], calls[number]
    assert [one["code"] for one in here if one.get("failed")] == ["invalid", "not_found", "invalid", "busy"]
    newest = skerry(host, "operations --count 5")["operations"][0]
    assert newest["token"] == "t-all"


def test_what_the_api_has_no_way_for_needs_the_host(
    lab: str, host: Host, url: str, ca: str, tmp_path: Path
) -> None:
    by = token(host, "t-acme/ci", "--template admin")
    tasks = [
        Task("skerry_exec", SHOP | {"name": "web", "command": ["true"], "creates": "/etc/hosts"}),
        Task("skerry_container_file", SHOP | {"name": "web", "path": "/etc/x", "src": "/etc/hosts"}),
        Task("skerry_container_logs", SHOP | {"name": "web"}),
        Task(
            "skerry_container_archive",
            SHOP | {"name": "web", "state": "exported", "path": f"{tmp_path}/w.tar"},
        ),
        Task("skerry_volume_archive", SHOP | {"name": "data", "state": "saved", "path": f"{tmp_path}/d.tar"}),
        Task("skerry_image", {"name": "x", "tarball": {"path": "/srv/x.tar", "sha256": "0" * 64}}),
    ]
    for one in ran(lab, tmp_path, tasks, {"api_url": url, "api_token": by, "api_ca": ca}):
        assert (one["failed"], one["code"]) == (True, "invalid"), one
        assert "not by the API, since " in one["msg"]
        assert one["msg"].endswith("Ask on the host itself, without the API's URL")
    assert not list(tmp_path.glob("*.tar*"))


def test_what_is_refused_says_what_and_where(host: Host, url: str, ca: str, tmp_path: Path) -> None:
    mine, theirs = (token(host, f"{realm}/ci", "--template deploy") for realm in ("t-acme", "t-rival"))
    container = {"container": SHOP | {"name": "web"}}

    def refused(by: str, verb: str, to: str = url, trusting: str = ca, **fields: Any) -> tuple[str, str]:
        with pytest.raises(EngineError) as error:
            ApiClient(to, by, trusting).call(verb, **fields)
        assert mine not in str(error.value)
        return error.value.code, str(error.value)

    assert refused(mine, "info", **container)[0] == "not_found"
    foreign = refused(theirs, "info", **container)
    assert foreign == (
        "not_found",
        "there is no project t-acme/shop. The verb token_self tells what this token reaches",
    )
    assert refused(mine, "volume_delete", volume=SHOP | {"name": "data"})[0] == "forbidden"
    assert refused("sk_4lyNXA6OV4pcroynMWZJDiDeiPK4UzXKg", "list")[0] == "unauthorized"
    code, said = refused(mine, "list", trusting="")
    assert code == "host"
    assert "has a certificate that is not trusted here" in said
    by_address = url.replace(f"api.{DOMAIN}", "127.0.0.1")
    assert "certificate is not valid for '127.0.0.1'" in refused(mine, "list", by_address)[1]
    assert "is no API of Skerry's: status 404" in refused(mine, "list", url.replace("api.", "t-none."))[1]
    closed = re.sub(r":\d+$", ":1", url)
    assert "cannot be reached: Connection refused" in refused(mine, "list", closed)[1]
    host.check_output("skerry token revoke t-acme/ci")
    assert refused(mine, "list")[0] == "unauthorized"


def test_lists_follow_their_pages(host: Host, url: str, ca: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skerry.api_requests._PAGE", "2")
    for number in range(5):
        host.check_output(f"skerry volume create v{number} --size 16M --project t-acme/shop")
    by = token(host, "t-acme/ci", "--template reader")
    found = ApiClient(url, by, ca).call("volume_list")
    assert [one["name"] for one in found["volumes"]] == [f"v{number}" for number in range(5)]
    assert "next" not in found
    assert found == skerry(host, "volume list --project t-acme/shop")


def _plain(found: dict[str, Any]) -> Any:
    """A text that is not to be evaluated, as the text that it is."""
    return found.get("__ansible_unsafe", found)


def test_the_inventory_by_the_api(lab: str, host: Host, url: str, ca: str, tmp_path: Path) -> None:
    host.check_output("skerry create web --image hello --memory 64M --project t-acme/shop --label tier=front")
    by = token(host, "t-acme/ci", "--template reader")
    source = tmp_path / "by.skerry.yml"
    options = {
        "plugin": "skerry.host.skerry",
        "api_url": url,
        "api_ca": ca,
        "api_token": "{{ lookup('env', 'T_TOKEN') }}",
    }
    source.write_text(yaml.safe_dump(options))

    def listed(by: str) -> subprocess.CompletedProcess[str]:
        words = ["ansible-inventory", "-i", str(source), "--list"]
        return subprocess.run(
            words, cwd=ROOT, env=os.environ | {"T_TOKEN": by}, capture_output=True, text=True, check=False
        )

    found = json.loads(listed(by).stdout, object_hook=_plain)
    name = f"web.shop.t-acme.{DOMAIN}"
    assert found["_meta"]["hostvars"][name]["skerry_state"] == "running"
    assert found["_meta"]["hostvars"][name]["skerry_host"] == DOMAIN
    assert name in found["label_tier_front"]["hosts"]
    wrong = listed(f"{by[:-1]}{'0' if by[-1] != '0' else '1'}")
    assert "its last characters do not fit" in wrong.stderr
    source.write_text(yaml.safe_dump(options | {"hosts": [lab]}))
    both = subprocess.run(
        ["ansible-inventory", "-i", str(ROOT / "inventories/lab"), "-i", str(source), "--list"],
        cwd=ROOT, env=os.environ | {"T_TOKEN": by}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (
        json.loads(both.stdout, object_hook=_plain)["_meta"]["hostvars"][f"web.shop.t-acme.{lab}"][
            "skerry_host"
        ]
        == lab
    )


def test_the_command_by_a_context(host: Host, url: str, ca: str, tmp_path: Path) -> None:
    by = tmp_path / "token"
    by.touch(0o600)
    by.write_text(token(host, "t-acme/ci", "--template admin") + "\n")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SKERRY_API")}
    settings = clean | {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PYTHONPATH": str(ROOT / "src")}

    def run(*words: str, code: int = 0, **more: str) -> str:
        command = [sys.executable, "-m", "skerry.cli.main", *words]
        done = subprocess.run(command, env=settings | more, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    place = ("--project", "t-acme/shop")
    assert "isle: added" in run("context", "add", "isle", url, "--token-file", str(by), "--ca", ca)
    assert "web: running https://" in run(
        "--context", "isle", "create", "web", "--image", "hello", "--memory", "64M", *place
    )
    assert run("context", "use", "isle") == "isle: in use\n"
    assert "web" in run("list")
    assert "update: " in run("plan", "update", "web", "--memory", "96M", *place)
    assert json.loads(run("info", "web", *place, "--json"))["container"]["memory"] == "64M"
    assert "web" in run("top")
    assert "error: exec: not by the API" in run("exec", "web", "--", "true", code=125)
    assert "error: export: not by the API" in run("export", "web", str(tmp_path / "web.tar"), *place, code=2)
    assert not (tmp_path / "web.tar").exists()
    assert "there is no engine on this host" in run("--context", "local", "list", code=6)
    named = {"SKERRY_API_URL": url, "SKERRY_API_CA": ca, "SKERRY_API_TOKEN": by.read_text()}
    assert "web" in run("list", **named)
    line = "skerry stop --project t-acme/shop w"
    asked = {
        "_ARGCOMPLETE": "1",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
    }
    program = [sys.executable, "-m", "skerry.cli.main"]
    done = subprocess.run(
        ["bash", "-c", 'exec "$@" 8>&1 >/dev/null', "bash", *program],
        env=settings | asked, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "web"
    assert "web: deleted; its URL is dead" in run(
        "--host", url, "--token-file", str(by), "--ca", ca, "delete", "web", *place
    )
    assert run("context", "remove", "isle") == "isle: removed; local is in use\n"
