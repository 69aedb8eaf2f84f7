"""The playbooks of playbooks/container/, as a user runs them, and the collection as it is installed."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.integration.playbooks import ROOT, Run, play

NAME = "deeds"
URL = re.compile(r"https://[0-9a-f]{24}-[0-9a-f]{24}\.\S+")


def deed(lab: str, verb: str, *options: str) -> Run:
    """Run one playbook about the test's container."""
    return play(lab, f"playbooks/container/{verb}.yml", "-e", f"name={NAME}", *options)


@pytest.fixture(scope="module")
def created(lab: str, hello: str, host: Host) -> Iterator[Run]:
    """A container that create.yml made."""
    yield deed(lab, "create", "-e", "memory=128M", "-e", "port=1071").ok()
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
    assert title == ["HOST", "NAME", "PROJECT", "STATE", "URL", "MEMORY", "CPU", "PIDS", "DISK", "IMAGE"]
    assert mine[:4] == [lab, NAME, "default", "running"]
    assert mine[4] in created.output
    assert mine[5:] == ["128M", "1", "256", "1G", "hello"]
    assert not shown.changed


def test_every_deed_and_again(lab: str, created: Run) -> None:
    again = deed(lab, "create", "-e", "memory=128M").ok()
    assert not again.changed
    assert "memory 128M to 192M" in deed(lab, "update", "-e", "memory=192M").ok().output
    assert "no change" in deed(lab, "update", "-e", "memory=192M").ok().output
    assert f"{NAME} is running:" in deed(lab, "restart").ok().output
    assert f"{NAME} is stopped:" in deed(lab, "stop").ok().output
    assert not deed(lab, "stop").ok().changed
    assert f"{NAME} is running:" in deed(lab, "start").ok().output
    assert not deed(lab, "start").ok().changed


def test_check_mode_prints_the_steps_and_deletes_nothing(lab: str, created: Run) -> None:
    shown = deed(lab, "delete", "--check", "--diff").ok().output
    assert "plan: delete" in shown
    assert "its URL is dead, for good" in shown
    assert NAME in play(lab, "playbooks/container/list.yml").ok().output


def test_delete_says_that_the_url_is_dead(lab: str, hello: str) -> None:
    made = play(lab, "playbooks/container/create.yml", "-e", "name=shortlived").ok()
    url = URL.findall(made.output)[0]
    gone = play(lab, "playbooks/container/delete.yml", "-e", "name=shortlived").ok()
    assert "shortlived is gone with its files. Its URL is dead and answers 404" in gone.output
    assert url in gone.output
    again = play(lab, "playbooks/container/delete.yml", "-e", "name=shortlived").ok()
    assert "there is no container shortlived: nothing to do" in again.output
    assert not again.changed


@pytest.mark.parametrize("verb", ["create", "start", "stop", "restart", "update", "delete"])
def test_without_a_name_nothing_is_done(lab: str, verb: str) -> None:
    refused = play(lab, f"playbooks/container/{verb}.yml")
    assert refused.code != 0
    assert "Which container? Name it: -e name=blog" in refused.output


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "update"])
def test_a_deed_on_what_is_not_there_makes_nothing(lab: str, verb: str) -> None:
    refused = play(lab, f"playbooks/container/{verb}.yml", "-e", "name=nobody")
    assert refused.code != 0
    assert "image: is missing." in refused.output


@pytest.fixture
def two_hosts(tmp_path: Path) -> Path:
    """An inventory of two hosts, neither of which is there: nothing may be tried on them."""
    path = tmp_path / "hosts.yml"
    path.write_text("skerry_hosts: {hosts: {here.invalid: {}, there.invalid: {}}}\n")
    return path


def on_both(inventory: Path, playbook: str, *options: str) -> Run:
    """Run a playbook on both."""
    command = ["ansible-playbook", "-i", str(inventory), playbook, "-e", "name=blog", *options]
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

    run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(tmp_path))
    tarball = next(tmp_path.glob("skerry-host-*.tar.gz"))
    run("ansible-galaxy", "collection", "install", "--offline", "-p", str(installed), str(tarball))
    client = installed / "ansible_collections/skerry/host/plugins/module_utils/skerry_client.py"
    assert client.is_symlink()
    inventory = str(ROOT / "inventories" / "lab")
    assert "Show the table" in run(
        "ansible-playbook", "-i", inventory, "-l", lab, "skerry.host.container.list"
    )
