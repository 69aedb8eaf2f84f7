"""The playbooks of playbooks/container/, as a user runs them, and the collection as it is installed."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration.playbooks import ROOT, Run, play
from tools.build_collection import build

NAME = "operations"
URL = re.compile(r"https://[0-9a-f]{24}-[0-9a-f]{24}\.\S+")


def operation(lab: str, verb: str, *options: str) -> Run:
    """Run one playbook about the test's container."""
    return play(lab, f"playbooks/container/{verb}.yml", "-e", f"container_name={NAME}", *options)


@pytest.fixture(scope="module")
def created(lab: str, hello: str, host: Host) -> Iterator[Run]:
    """A container that create.yml made."""
    yield operation(lab, "create", "-e", "memory=128M", "-e", "container_port=1071").ok()
    host.run(f"skerry delete {NAME}")


def test_create_says_where_it_is_and_how_to_ask_it(created: Run) -> None:
    said = created.output
    urls = set(URL.findall(said))
    assert f"{NAME} is running:" in said
    assert len(urls) == 1
    assert re.search(rf"curl (--cacert \S+ )?{re.escape(urls.pop())}", said)
    assert len(created.changed) == 1
    assert "WARNING" not in said


def test_list_is_one_table(lab: str, created: Run) -> None:
    shown = play(lab, "playbooks/container/list.yml").ok()
    lines = [line.split() for line in shown.output.splitlines()]
    title = next(line for line in lines if line[:3] == ["HOST", "NAME", "PROJECT"])
    mine = next(line for line in lines if line[1:2] == [NAME])
    assert title == [
        "HOST",
        "NAME",
        "PROJECT",
        "STATE",
        "STATE",
        "DETAIL",
        "URL",
        "MEMORY",
        "CPU",
        "PIDS",
        "DISK",
        "IMAGE",
    ]
    assert mine[:4] == [lab, NAME, "default", "running"]
    assert mine[4] in created.output
    assert mine[5:] == ["128M", "1", "256", "1G", "hello"]
    assert not shown.changed


def test_every_operation_and_again(lab: str, created: Run) -> None:
    again = operation(lab, "create", "-e", "memory=128M").ok()
    assert not again.changed
    assert "memory 128M to 192M" in operation(lab, "update", "-e", "memory=192M").ok().output
    assert "no change" in operation(lab, "update", "-e", "memory=192M").ok().output
    assert f"{NAME} is running:" in operation(lab, "restart").ok().output
    assert f"{NAME} is stopped:" in operation(lab, "stop").ok().output
    assert not operation(lab, "stop").ok().changed
    assert f"{NAME} is running:" in operation(lab, "start").ok().output
    assert not operation(lab, "start").ok().changed


def test_check_mode_prints_the_steps_and_deletes_nothing(lab: str, created: Run) -> None:
    shown = operation(lab, "delete", "--check", "--diff").ok().output
    assert "plan: delete" in shown
    assert "its URL is dead, for good" in shown
    assert NAME in play(lab, "playbooks/container/list.yml").ok().output


def test_an_update_says_what_is_stored_and_that_a_restart_is_due(lab: str, created: Run) -> None:
    env = ("-e", '{"env": {"GREETING": "hello"}}')
    for mode, stored in ((("--check",), "to be stored: "), ((), "stored: ")):
        said = operation(lab, "update", *env, *mode).ok().output
        assert f"- '{stored}env (GREETING added)'" in said
        assert "a restart is due for env:" in said
        assert f"ansible-playbook playbooks/container/restart.yml -e container_name={NAME} -l {lab}" in said
    assert "no change" in operation(lab, "update", *env).ok().output
    assert "is due" not in operation(lab, "update", "-e", '{"env": {}}', "-e", "state=restarted").ok().output


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("image=other", "image 'other' is not on this host. Images here: hello"),
        ("state=absent", f"To delete it: ansible-playbook playbooks/container/delete.yml -e container_name={NAME}"),
    ],
)  # fmt: skip
def test_what_an_update_cannot_do_is_refused(lab: str, created: Run, option: str, said: str) -> None:
    refused = operation(lab, "update", "-e", option)
    assert refused.code != 0
    assert said in " ".join(refused.output.split())


def test_the_image_that_it_has_is_no_change(lab: str, created: Run) -> None:
    assert "no change" in operation(lab, "update", "-e", "image=hello").ok().output


def test_delete_says_that_the_url_is_dead(lab: str, created: Run) -> None:
    made = play(lab, "playbooks/container/create.yml", "-e", "container_name=shortlived").ok()
    url = URL.findall(made.output)[0]
    gone = play(lab, "playbooks/container/delete.yml", "-e", "container_name=shortlived").ok()
    assert "shortlived is gone with its files. Its URL is dead and answers 404" in gone.output
    assert url in gone.output
    again = play(lab, "playbooks/container/delete.yml", "-e", "container_name=shortlived").ok()
    said = " ".join(again.output.split())
    assert "nothing to do: there is no container default/default/shortlived. " in said
    assert f"Containers of default/default: {NAME}" in said
    assert not again.changed


@pytest.mark.parametrize("verb", ["create", "start", "stop", "restart", "update", "delete"])
def test_without_a_name_nothing_is_done(lab: str, verb: str) -> None:
    refused = play(lab, f"playbooks/container/{verb}.yml")
    assert refused.code != 0
    said = " ".join(refused.output.split())
    assert f"{verb}.yml needs container_name: -e container_name=blog. Nothing was done." in said


def test_a_name_of_before_still_works_and_is_warned_of(lab: str, created: Run) -> None:
    asked = play(lab, "playbooks/container/start.yml", "-e", f"name={NAME}", "-e", "timeout=20").ok()
    said = " ".join(asked.output.split())
    assert "The variable name is container_name now; name still works." in said
    assert "The variable timeout is container_timeout now; timeout still works." in said
    assert f"{NAME} is running:" in said
    assert not asked.changed


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "update"])
def test_an_operation_on_what_is_not_there_makes_nothing(lab: str, verb: str) -> None:
    refused = play(lab, f"playbooks/container/{verb}.yml", "-e", "container_name=nobody")
    assert refused.code != 0
    said = " ".join(refused.output.split())
    assert "there is no container default/default/nobody. Containers of default/default: " in said


@pytest.mark.parametrize(
    ("playbook", "given", "said"),
    [
        (
            "playbooks/container/create.yml",
            "memroy=1G",
            "memroy: no such variable of playbooks/container/create.yml; did you mean memory? It takes: container_name,",
        ),
        (
            "site.yml",
            "lxc_host_pool_sise=1G",
            "no such variable of site.yml; did you mean lxc_host_pool_size?",
        ),
        ("playbooks/kernel/update.yml", "kernel_trial_odler=true", "did you mean kernel_trial_older?"),
    ],
)
def test_a_variable_that_nobody_declares_is_refused_before_anything_is_done(
    two_hosts: Path, tmp_path: Path, playbook: str, given: str, said: str
) -> None:
    file = tmp_path / "given.yml"
    file.write_text(given.replace("=", ": ") + "\n")
    for extra in (given, f"@{file}"):
        refused = on_both(two_hosts, playbook, "-l", "here.invalid", "-e", extra, named=())
        shown = " ".join(refused.output.split())
        assert refused.code != 0
        assert said in shown
        assert "Nothing was done." in shown
        assert "UNREACHABLE" not in shown


def test_a_misspelt_variable_of_the_inventory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text(
        "skerry_hosts: {hosts: {here.invalid: {proxy_domian: a}, there.invalid: {skerry_domian: a}}}\n"
    )
    refused = on_both(path, "playbooks/container/list.yml")
    shown = " ".join(refused.output.split())
    assert refused.code != 0
    assert "proxy_domian: no such variable of the role proxy; did you mean proxy_domain?" in shown
    assert "(inventory, here.invalid)" in shown
    assert "skerry_domian: no such variable of a playbook; did you mean skerry_domain?" in shown
    assert "UNREACHABLE" not in shown


def test_a_variable_that_the_inventory_itself_uses_may_be_given(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text('skerry_hosts: {hosts: {here.invalid: {skerry_domain: "{{ zone }}"}}}\n')
    tried = on_both(path, "playbooks/container/list.yml", "-e", "zone=a.example")
    assert "no such variable" not in tried.output
    assert "UNREACHABLE" in tried.output


def test_where_there_is_no_server_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text("skerry_hosts: {hosts: {}}\n")
    tried = on_both(path, "playbooks/container/list.yml")
    assert tried.code == 1
    assert "Nothing was done: the inventory has no such server." in " ".join(tried.output.split())


@pytest.fixture
def own_server(lab: str, tmp_path: Path) -> dict[str, Any]:
    """What an operator's inventory says of the lab's host: it names no file for the authority's certificate."""
    command = ["ansible-inventory", "-i", str(ROOT / "inventories/lab"), "--host", lab]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {name: value for name, value in said.items() if name != "proxy_ca_fetch_to"}


def create_on(server: dict[str, Any], lab: str, path: Path, **more: str) -> list[str]:
    """Create the test's container by an inventory of its own; the lines that it says."""
    path.write_text(json.dumps({"skerry_hosts": {"hosts": {lab: server | more}}}))
    command = [
        "ansible-playbook",
        "-i",
        str(path),
        "playbooks/container/create.yml",
        "-e",
        f"container_name={NAME}",
    ]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.split(r"\n    - ", done.stdout.partition("\n\nPLAY RECAP")[0])
    return [" ".join(line.split()).strip("'").replace("''", "'") for line in said[1:]]


def test_the_printed_curl_line_works_with_ones_own_server(
    lab: str, created: Run, own_server: dict[str, Any], tmp_path: Path
) -> None:
    state, url, curl, first = create_on(own_server, lab, tmp_path / "hosts.json")
    assert state == f"{NAME} is running:"
    assert curl == f"curl --cacert {tmp_path}/ca/{lab}.crt {url}"
    fetch = first.removeprefix("First bring its authority here: ")
    subprocess.run(shlex.split(fetch), cwd=ROOT, check=True, capture_output=True, timeout=120)
    asked = [*shlex.split(curl), "--silent", "--show-error", "--fail-with-body"]
    assert subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout
    assert create_on(own_server, lab, tmp_path / "hosts.json") == [state, url, curl]


def test_with_a_certificate_of_the_operators_curl_needs_no_authority(
    lab: str, created: Run, own_server: dict[str, Any], tmp_path: Path
) -> None:
    own = {"proxy_tls_certificate": "/c.pem", "proxy_tls_key": "/k.pem"}
    _, url, curl = create_on(own_server, lab, tmp_path / "hosts.json", **own)
    assert curl == f"curl {url}"


@pytest.fixture
def two_hosts(tmp_path: Path) -> Path:
    """An inventory of two hosts, neither of which is there: nothing may be tried on them."""
    path = tmp_path / "hosts.yml"
    path.write_text("skerry_hosts: {hosts: {here.invalid: {}, there.invalid: {}}}\n")
    return path


def on_both(
    inventory: Path, playbook: str, *options: str, named: Sequence[str] = ("-e", "container_name=blog")
) -> Run:
    """Run a playbook on both."""
    command = ["ansible-playbook", "-i", str(inventory), playbook, *named, *options]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False, timeout=600)
    return Run(done.stdout + done.stderr, done.returncode)


@pytest.mark.parametrize("verb", ["create", "delete"])
def test_several_hosts_are_not_meant_by_accident(two_hosts: Path, verb: str) -> None:
    refused = on_both(two_hosts, f"playbooks/container/{verb}.yml")
    said = " ".join(refused.output.split())
    assert refused.code != 0
    assert (
        "No host was chosen, and this would be done to a container blog on each of here.invalid, there.invalid. "
        "Nothing was done. Choose one with -l HOST; or say that you mean them all with -e target=skerry_hosts"
    ) in said
    assert "UNREACHABLE" not in said


@pytest.mark.parametrize("choice", [("-l", "here.invalid"), ("-e", "target=skerry_hosts")])
def test_a_choice_of_hosts_is_heeded(two_hosts: Path, choice: tuple[str, str]) -> None:
    tried = on_both(two_hosts, "playbooks/container/delete.yml", *choice).output
    assert "No host was chosen" not in tried
    assert "UNREACHABLE" in tried
    assert ("there.invalid" in tried) == (choice[0] == "-e")


def test_the_modules_run_from_the_installed_collection(lab: str, tmp_path: Path) -> None:
    """module_utils holds links into src/: they hold in the built and installed collection, and over ssh."""
    config = tmp_path / "ansible.cfg"
    config.touch()
    installed = tmp_path / "installed"
    setting = {"ANSIBLE_CONFIG": str(config), "ANSIBLE_COLLECTIONS_PATH": str(installed)}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | setting, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    tarball = build(ROOT, tmp_path)
    run("ansible-galaxy", "collection", "install", "--offline", "-p", str(installed), str(tarball))
    client = installed / "ansible_collections/skerry/host/plugins/module_utils/skerry_client.py"
    assert client.is_symlink()
    inventory = str(ROOT / "inventories" / "lab")
    assert "Show the table" in run(
        "ansible-playbook", "-i", inventory, "-l", lab, "skerry.host.container.list"
    )
