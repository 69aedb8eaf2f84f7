"""What the connection plugin says to a container's host, and what it reads in the answer."""

import base64
import json
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from plugins.plugin_utils import in_container

MARK = "skerry-0123456789abcdef"
CONTAINER = {"inventory_hostname": "blog.example.org", "ansible_user": "postgres", "ansible_port": 1}
HOST = {
    "inventory_hostname": "server1",
    "ansible_host": "192.0.2.1",
    "ansible_user": "admin",
    "ansible_port": 2222,
}


def test_ssh_s_options_are_those_of_the_host_and_the_user_is_the_container_s() -> None:
    own = CONTAINER | {"skerry_host": "server1", "skerry_container": "blog"}
    assert in_container.options(own, "server1", HOST) == {
        "inventory_hostname": "server1",
        "ansible_host": "192.0.2.1",
        "ansible_port": 2222,
        "ansible_user": "postgres",
        "skerry_host_user": "admin",
        "skerry_host": "server1",
        "skerry_container": "blog",
    }


def test_a_host_s_own_skerry_variables_are_not_its_containers() -> None:
    own = {"inventory_hostname": "blog", "skerry_host": "server1"}
    found = in_container.options(
        own, "server1", HOST | {"skerry_project": "shop", "ansible_pipelining": False}
    )
    assert "skerry_project" not in found
    assert "ansible_pipelining" not in found


def test_a_container_is_named_as_in_the_inventory_unless_it_says_otherwise() -> None:
    assert in_container.options(CONTAINER, "server1", HOST)["skerry_container"] == "blog.example.org"


def test_a_host_that_the_inventory_does_not_have_is_an_address() -> None:
    found = in_container.options(CONTAINER, "192.0.2.7")
    assert (found["ansible_host"], found["ansible_port"]) == ("192.0.2.7", 1)


def test_a_local_host_is_reached_as_ansible_reaches_it() -> None:
    found = in_container.options(CONTAINER, "localhost", {}, "ansible.builtin.local")
    assert found["skerry_host_connection"] == "ansible.builtin.local"


def test_what_is_asked_reaches_the_helper_whole() -> None:
    asked = {"mark": MARK, "command": 'it\'s "ü"\n'}
    words = in_container.on_host(asked).replace(";", " ").split()
    found = words[words.index(in_container.HELPER) + 1]
    assert json.loads(base64.b64decode(found)) == asked


def test_255_is_the_program_s_own_where_the_mark_says_so() -> None:
    said = f"error\n{MARK}\n".encode()
    assert in_container.read((254, b"out", said), MARK) == (255, b"out", b"error\n")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (125, b"", f"{MARK} container a/b/c is frozen. Thaw it\n".encode()),
            "container a/b/c is frozen. Thaw it",
        ),
        ((125, b"", f"a banner\n{MARK} no\n".encode()), "no"),
        ((127, b"", b"sh: 1: /usr/lib/skerry/connect: not found"), "site.yml"),
    ],
)
def test_a_refusal_of_the_host_is_unreachable(answer: tuple[int, bytes, bytes], said: str) -> None:
    with pytest.raises(AnsibleConnectionFailure, match=said):
        in_container.read(answer, MARK)


@pytest.mark.parametrize(
    "answer",
    [
        (125, b"", b"error: container a/b/c does not run.\n"),
        (125, b"", b"skerry-fedcba9876543210 container a/b/c is frozen\n"),
        (127, b"", b"sh: 1: no-such-program: not found"),
        (254, b"", b"its own"),
    ],
)
def test_what_a_program_says_itself_is_its_own(answer: tuple[int, bytes, bytes]) -> None:
    assert in_container.read(answer, MARK) == answer


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ((137, b"", b""), True),
        ((1, b"", b"lxc-attach: 1: ../src/lxc/attach.c: Failed to get init pid"), True),
        ((1, b"", b"sudo: a password is required"), True),
        ((1, b"", b"lxc is fine"), False),
        ((0, b"", b"sudo: x"), False),
    ],
)
def test_what_may_be_the_container_s_end_is_asked_about(
    answer: tuple[int, bytes, bytes], asked: bool
) -> None:
    assert in_container.may_be_cut_off(answer) is asked


@pytest.mark.parametrize(
    ("answer", "become", "said"),
    [
        ((125, b"", b"skerry: the image has no user x in its /etc/passwd\n"), "", "the image has no user x"),
        ((127, b"", b"skerry: /bin/sh: not found\n"), "", "no /bin/sh"),
        ((127, b"", b"/bin/sh: 1: sudo: not found\n"), "sudo", "become_method to skerry.host.skerry"),
        ((127, b"", b"/bin/sh: 1: sudo: not found\n"), "", ""),
        ((1, b"", b"sudo: not found\n"), "sudo", ""),
    ],
)
def test_what_the_image_lacks_is_named(answer: Any, become: str, said: str) -> None:
    found = in_container.lacks(answer, become)
    assert (said in found) if said else not found
