"""Bad requests and what the engine says to them: the option by its name, what came, what would be right."""

import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from skerry.model.container import Spec
from skerry.model.errors import Code, SkerryError
from skerry.protocol import errors
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers.verbs import parse_spec

KEY = {"name": "blog"}
NAME_HINT = "Give lower-case letters, digits and dashes; a letter first, no dash last"

BAD_SPECS: list[tuple[dict[str, Any], str]] = [
    ({"memory": "12X"}, "memory: '12X' is not a size. Give bytes or a number with K, M, G or T, such as 256M"),
    ({"memory": "1M"}, "memory: '1M' is not allowed. Give at least 16M"),
    ({"memory": None}, "memory: None is not a size. Give bytes or a number with K, M, G or T, such as 256M"),
    ({"disk": -1}, "disk: -1 is not a size. Give bytes or a number with K, M, G or T, such as 256M"),
    ({"cpu": "many"}, "cpu: 'many' is not allowed. Give a number"),
    ({"cpu": 0}, "cpu: 0 is not allowed. Give at least 0.05"),
    ({"pids": 3.5}, "pids: 3.5 is not allowed. Give a whole number"),
    ({"pids": 5_000_000}, "pids: 5000000 is not allowed. Give at most 4194304"),
    ({"port": 0}, "port: 0 is not allowed. Give at least 1"),
    ({"port": 70_000}, "port: 70000 is not allowed. Give at most 65535"),
    ({"port": "http"}, "port: 'http' is not allowed. Give a whole number"),
    ({"memmory": "1G"}, f"memmory: there is no such option. There are {', '.join(Spec.model_fields)}"),
    ({"services": "web"}, "services: 'web' is not allowed. Give a list"),
    ({"services": ["web"]}, "services, entry 1: 'web' is not allowed. Give a name and a port"),
    ({"services": [{"name": "web"}]}, "services, entry 1, port: is missing. Give one"),
    ({"services": [{"name": "a" * 14, "port": 80}]},
     "services, entry 1, name: 'aaaaaaaaaaaaaa' is not allowed. Give at most 13 characters"),
    ({"services": [{"name": "Web", "port": 80}]}, f"services, entry 1, name: 'Web' is not allowed. {NAME_HINT}"),
    ({"services": [{"name": "web", "port": 1}, {"name": "api", "port": "x"}]},
     "services, entry 2, port: 'x' is not allowed. Give a whole number"),
    ({"services": [{"name": "web", "port": 1, "tls": True}]},
     "services, entry 1, tls: there is no such option. There are name, port"),
    ({"services": [{"name": f"s{n}", "port": 1} for n in range(40)]},
     "services: [{'name': 's0', 'port': 1}, {'name': 's1', 'port': 1}, {'nam… is not allowed. Give at most 32 entries"),
    ({"services": [{"name": "web", "port": 1}, {"name": "web", "port": 2}]},
     "services: the name 'web' is there twice. Each service has a URL, and so a name, of its own"),
    ({"env": ["A=1"]}, "env: a list is not allowed. Give names, each with its value"),
    ({"env": "A=1"}, "env: text is not allowed. Give names, each with its value"),
    ({"env": {"A": 1.5}}, "env, A: a number is not allowed. Give text, in quotes"),
    ({"env": {"spec": True}}, "env, spec: a boolean is not allowed. Give text, in quotes"),
    ({"env": {"A-B": "1"}}, "env: 'A-B' is not a name for a variable. Use letters, digits and _, and not SKERRY_…"),
    ({"env": {"A B=s3cret": ""}}, "env: 'A…' is not a name for a variable. Use letters, digits and _, and not SKERRY_…"),
    ({"env": {"SKERRY_ID": "1"}},
     "env: 'SKERRY_ID' is not a name for a variable. Use letters, digits and _, and not SKERRY_…"),
    ({"env": {"A": "1\x002"}},
     "env: the value of A must be text without a zero byte. Give less than 128 KiB of UTF-8"),
    ({"env": {"A": "x" * 131_070}},
     "env: the value of A must be text without a zero byte. Give less than 128 KiB of UTF-8"),
    ({"env": {"A": "\ud800"}}, "env: the value of A must be text without a zero byte. Give less than 128 KiB of UTF-8"),
    ({"command": ["/bin/sh", "x" * 131_072]},
     "command: entry 2 must be text without a zero byte. Give less than 128 KiB of UTF-8"),
    ({"memory": "\u0663\u0660M"},
     "memory: '\u0663\u0660M' is not a size. Give bytes or a number with K, M, G or T, such as 256M"),
    ({"cpu": float("nan")}, "cpu: nan is not allowed. Give a number"),
    ({"image": "\ud800"}, "image: '\\ud800' is not allowed. Give text in UTF-8"),
    ({"command": "ls"}, "command: 'ls' is not allowed. Give a list"),
    ({"command": [""]}, "command: give the program and its arguments"),
    ({"command": [1]}, "command, entry 1: 1 is not allowed. Give text, in quotes"),
    ({"image": ""}, "image: '' is not allowed. Give at least 1 character"),
]  # fmt: skip

BAD_REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"verb": "start", "container": {"name": "Blog"}}, f"name: 'Blog' is not allowed. {NAME_HINT}"),
    ({"verb": "start", "container": {"name": "a" * 33}},
     f"name: '{'a' * 33}' is not allowed. Give at most 32 characters"),
    ({"verb": "start", "container": {"name": "a", "project": "-"}}, f"project: '-' is not allowed. {NAME_HINT}"),
    ({"verb": "start", "container": {}}, "name: is missing. Give one"),
    ({"verb": "start", "container": {"name": "a", "tenant": "x"}},
     "tenant: there is no such option. There are realm, project, name"),
    ({"verb": "start", "container": "blog"}, "container: 'blog' is not allowed. Give a realm, a project and a name"),
    ({"verb": "start", "container": KEY, "wait": "long"}, "wait: 'long' is not allowed. Give running or ready"),
    ({"verb": "start", "container": KEY, "timeout": 9999}, "timeout: 9999 is not allowed. Give at most 3600"),
    ({"verb": "start", "container": KEY, "force": True}, "force: there is no such option. Leave it out"),
    ({"verb": "ensure", "container": KEY, "state": "runing"},
     "state: 'runing' is not allowed. Give present, started, frozen, stopped, restarted or absent"),
    ({"verb": "create", "container": KEY, "spec": {}},
     ("image: is missing. A new container needs an image: name one. If the container should exist already, "
     "check its name")),
    ({"verb": "create", "container": KEY, "spec": {"image": "hello", "memory": "2M"}},
     "memory: '2M' is not allowed. Give at least 16M"),
    ({"verb": "plan", "of": {"verb": "create", "container": KEY, "spec": {"image": "hello", "cpu": "x"}}},
     "cpu: 'x' is not allowed. Give a number"),
    ({"verb": "create", "container": KEY, "spec": {"image": "hello", "env": {"A": ["1"]}}},
     "env, A: a list is not allowed. Give text, in quotes"),
    ({"verb": "create", "container": KEY, "spec": "A=1"}, "spec: text is not allowed. Give an object with its options"),
    ({"verb": "image_import", "name": "x", "path": "/x", "sha256": "a" * 64, "env": {"A": 1}},
     "env, A: a number is not allowed. Give text, in quotes"),
    ({"verb": "plan", "of": {"verb": "start", "container": {}}}, "name: is missing. Give one"),
    (
        {"verb": "image_build", "name": "x", "files": {"/a/../b": {"content": ""}}},
        "files, /a/../b: this is not a whole path. Begin with / and leave out . and ..",
    ),
    ({"verb": "operations", "count": 0}, "count: 0 is not allowed. Give at least 1"),
    ({}, "verb: is missing. Say what to do, such as list"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "message"), BAD_SPECS)
def test_a_bad_option(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(SkerryError) as caught:
        parse_spec({"image": "hello"} | spec)
    assert str(caught.value) == message
    assert caught.value.code is Code.INVALID


@pytest.mark.parametrize(("request_", "message"), BAD_REQUESTS)
def test_a_bad_request(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(SkerryError) as caught:
        TABLE.parse({"version": WIRE_VERSION} | request_)
    assert str(caught.value) == message


def test_an_unknown_verb_is_told_the_known_ones() -> None:
    with pytest.raises(
        SkerryError, match=r"verb: 'destroy' is not allowed\. Give one of create, start, stop"
    ):
        TABLE.parse({"version": WIRE_VERSION, "verb": "destroy"})


def test_every_pattern_of_the_wire_format_has_words() -> None:
    schema = str([TypeAdapter(verb.request).json_schema() for verb in TABLE.verbs()])
    patterns = {found[1].replace("\\\\", "\\") for found in re.finditer(r"'pattern': '(.*?)'", schema)}
    assert patterns
    assert patterns <= set(errors.PATTERNS)
