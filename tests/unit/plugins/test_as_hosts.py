"""What the inventory plugin makes of what hosts say."""

import json
from typing import Any

import pytest

from plugins.plugin_utils import as_hosts

SAID: dict[str, Any] = {
    "name": "blog", "realm": "acme", "project": "shop-1", "id": "1" * 24, "state": "running", "health_state": "",
    "image": "hello", "labels": {"app": "web", "example.org/tier": "Front end", "bare": ""}, "url": "https://x/",
    "urls": ["https://x/"], "ipv4": "10.0.0.1", "ipv6": "fd00::1",
}  # fmt: skip


def test_the_groups_of_a_container() -> None:
    assert list(as_hosts.groups(as_hosts.variables(SAID, "server1"))) == [
        "skerry_containers",
        "realm_acme",
        "project_acme_shop_1",
        "state_running",
        "label_app_web",
        "label_example_org_tier_Front_end",
        "label_bare",
    ]


def test_the_variables_of_a_container() -> None:
    found = as_hosts.variables(SAID, "server1")
    assert (found["ansible_connection"], found["ansible_become_method"]) == ("skerry.host.skerry",) * 2
    assert (found["skerry_host"], found["skerry_container"], found["skerry_id"]) == (
        "server1",
        "blog",
        "1" * 24,
    )


def test_what_a_host_says_is_read() -> None:
    answer = json.dumps({"containers": [SAID]}).encode()
    assert as_hosts.containers((0, answer, b"a banner")) == [SAID]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((255, b"", b"ssh: connect to host x: no route"), "ssh: connect to host x: no route .exit code 255."),
        ((127, b"", b"sh: skerry: not found"), "skerry: not found"),
        ((6, b"", b""), "it said nothing .exit code 6."),
        ((0, b"Welcome!", b""), "that is no list of containers: Welcome!"),
        ((0, b"[]", b""), "that is no list of containers"),
        ((0, b'{"containers": [{"name": "a"}]}', b""), "older than this collection: bring it up to date"),
    ],
)
def test_what_is_no_list_is_told(answer: tuple[int, bytes, bytes], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        as_hosts.containers(answer)


def test_two_of_one_name_are_refused() -> None:
    one, other = as_hosts.variables(SAID, "server1"), as_hosts.variables(SAID, "server2")
    assert as_hosts.problem_of_name("blog", one, {}, taken=False) == ""
    said = as_hosts.problem_of_name("blog", one, {"blog": other}, taken=False)
    assert "acme/shop-1/blog of server1 and container acme/shop-1/blog of server2 would both be blog" in said
    assert "another host of the inventory" in as_hosts.problem_of_name("blog", one, {}, taken=True)


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a[1:3]", "-a", "a\n", "a:b", "ä"])
def test_a_name_that_a_pattern_would_misread_is_refused(name: str) -> None:
    assert "is no name" in as_hosts.problem_of_name(name, as_hosts.variables(SAID, "x"), {}, taken=False)
