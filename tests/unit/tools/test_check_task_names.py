"""Names that nobody can search for are told, with file and line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import check_task_names

MakeRepository = Callable[[dict[str, str]], Path]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Install it", "holds the pronoun 'it'"),
        ("Bring the package", "begins with 'Bring', which is no verb"),
        ("install the package", "begins with 'install', which is no verb"),
        ("Verify", "names no object of its verb"),
        ("", "begins with '', which is no verb"),
        ("Refuse a port that is closed", "holds the pronoun 'that'"),
        ("Verify that nobody logs in", "holds the pronoun 'nobody'"),
        ("Open the disks, close them", "holds the pronoun 'them'"),
        ("Copy the key's other half", "holds the pronoun 'other'"),
        (f"Install {'x' * 70}", "has 78 characters, and may have 70"),
    ],
)
def test_a_wrong_name_is_told(name: str, said: str) -> None:
    assert any(said in problem for problem in check_task_names.wrong(name))


@pytest.mark.parametrize(
    "name",
    [
        "Verify that sshd refuses passwords",
        "Open, check, repair and close the disks",
        "Set the one-time boot entry of the trial",
        "Write /etc/this_host/that.conf",
        f"Install {'x' * 62}",
    ],
)
def test_a_searchable_name_passes(name: str) -> None:
    assert list(check_task_names.wrong(name)) == []


PLAY = """\
---
- name: Configure the host
  hosts: all
  pre_tasks:
    - name: Look around
      ansible.builtin.setup:
  tasks:
    - name: Install the package
      block:
        - ansible.builtin.meta: noop
        - name: &copied Copy it
          ansible.builtin.copy:
            content: {name: it}
      rescue:
        - {name: Say why, ansible.builtin.debug: {msg: why}}
      always:
        - ansible.builtin.meta: noop
          name: Close it
  handlers:
    - name: Reload what changed
      ansible.builtin.meta: noop
- import_playbook: next.yml
"""
EXAMPLES = 'import os\n\nEXAMPLES = """\n- name: Show it\n  ansible.builtin.debug:\n"""\n'


def test_every_list_of_tasks_is_read_and_nothing_else(
    repository: MakeRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "playbooks/host.yml": PLAY,
        "plugins/modules/thing.py": EXAMPLES,
        "roles/web/tasks/main.yml": "---\n- ansible.builtin.command:\n    argv: [{name: it}]\n",
        "roles/web/vars/main.yml": "---\nweb_items:\n  - name: it\n",
        "packaging/list.yml": "---\n- name: it\n",
        "site.yml": "---\n- name: Go on\n  import_playbook: playbooks/host.yml\n",
    }
    assert check_task_names.main(repository(files)) == 1
    places = {":".join(line.split(":")[:2]) for line in capsys.readouterr().out.splitlines()}
    assert places == {
        "playbooks/host.yml:5",
        "playbooks/host.yml:10",
        "playbooks/host.yml:11",
        "playbooks/host.yml:15",
        "playbooks/host.yml:17",
        "playbooks/host.yml:20",
        "playbooks/host.yml:22",
        "plugins/modules/thing.py:4",
        "roles/web/tasks/main.yml:2",
        "site.yml:2",
    }


def test_named_tasks_pass(repository: MakeRepository) -> None:
    text = "---\n- name: Install the package\n  ansible.builtin.apt:\n    name: it\n"
    files = {"roles/web/tasks/main.yml": text, "roles/web/files/a.yml": "a: 1\n"}
    assert check_task_names.main(repository(files)) == 0
