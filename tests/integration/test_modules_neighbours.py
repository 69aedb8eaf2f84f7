"""What users of the neighbours' container modules have filed, done right here. Each test names its thread."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration.modules import Call, call

NAME = "neighbour"


def unit(container: dict[str, Any]) -> str:
    """Its systemd unit."""
    return f"skerry-{container['id']}.service"


def environment(host: Host, container: dict[str, Any]) -> str:
    """The environment of the container's own program, as the kernel has it."""
    group = host.check_output(f"systemctl show --property=ControlGroup --value {unit(container)}")
    pids = host.check_output(
        f"cat $(find /sys/fs/cgroup{group} -path '*lxc.payload*' -name cgroup.procs)"
    ).split()
    return host.check_output(f"tr '\\0' '\\n' </proc/{min(map(int, pids))}/environ")


@pytest.fixture(scope="module")
def container(
    lab: str, hello: str, host: Host, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A container that was made with options of its own."""
    options = {"name": NAME, "image": "hello", "env": {"GREETING": "hi"}, "memory": "200M"}
    (made,) = call(lab, tmp_path_factory.mktemp("made"), Call(options))
    yield made["container"]
    host.run(f"skerry delete {NAME}")


def test_the_options_of_a_new_one_are_in_force(host: Host, container: dict[str, Any]) -> None:
    """ansible-collections/community.general#11490: what was configured at creation is ignored."""
    assert "GREETING=hi" in environment(host, container).splitlines()
    assert host.check_output(f"systemctl show --property=MemoryMax --value {unit(container)}") == str(
        200 * 1024**2
    )


def test_a_changed_value_takes_the_place_of_the_old_one(
    lab: str, host: Host, container: dict[str, Any], tmp_path: Path
) -> None:
    """ansible/ansible#29298: a second line beside the old value, and which one counts is chance."""
    sizes = ("210M", "220M", "200M")
    answers = call(lab, tmp_path, *(Call({"name": NAME, "memory": size}) for size in sizes))
    assert [answer["container"]["memory"] for answer in answers] == list(sizes)
    shown = host.check_output(f"systemctl show --property=MemoryMax {unit(container)}")
    assert shown == f"MemoryMax={200 * 1024**2}"


def test_a_name_that_begins_like_another_is_another(
    lab: str, container: dict[str, Any], tmp_path: Path
) -> None:
    """ansible/ansible-modules-extras#1997: a key that is the beginning of another overwrites it."""
    first = [{"name": "web", "port": 1071}, {"name": "web-admin", "port": 1072}]
    second = [{"name": "web", "port": 1073}, {"name": "web-admin", "port": 1072}]
    answers = call(lab, tmp_path, *(Call({"name": NAME, "services": one}) for one in (first, second, [])))
    routes = [step for step in answers[1]["steps"] if "route" in step]
    assert len(routes) == 1
    assert "-web." in routes[0]
    assert answers[1]["container"]["services"] == second


def test_the_same_options_change_nothing_and_fail_at_nothing(
    lab: str, container: dict[str, Any], tmp_path: Path
) -> None:
    """ansible/ansible#32437: always "changed"; ansible-collections/community.general#2465: an error the second time."""
    same = {"name": NAME, "image": "hello", "env": {"GREETING": "hi"}, "memory": "200M"}
    for answer in call(lab, tmp_path, *[Call(same)] * 3):
        assert not answer["failed"]
        assert not answer["changed"]


def test_check_mode_and_diff_tell_all_and_do_nothing(
    lab: str, host: Host, container: dict[str, Any], tmp_path: Path
) -> None:
    """ansible-collections/community.general#1459: tasks are skipped in check mode."""
    before = host.check_output(f"skerry info {NAME} --json")
    (answer,) = call(lab, tmp_path, Call({"name": NAME, "memory": "300M"}, check=True))
    assert answer["changed"]
    assert answer["diff"]["after"]["memory"] == "300M"
    assert host.check_output(f"skerry info {NAME} --json") == before


def test_a_change_never_restarts_by_surprise(
    lab: str, host: Host, container: dict[str, Any], tmp_path: Path
) -> None:
    """ansible/ansible#29339: a changed configuration restarts the container."""
    since = f"systemctl show --property=ExecMainStartTimestampMonotonic,MainPID {unit(container)}"
    started = host.check_output(since)
    (told,) = call(lab, tmp_path, Call({"name": NAME, "env": {"GREETING": "later"}, "pids": 99}))
    assert told["restart_required"] == ["env"]
    assert told["warnings"] == [
        "env: the running container takes it over when it is restarted (state: restarted)"
    ]
    assert host.check_output(since) == started
    assert "GREETING=hi" in environment(host, container).splitlines()
    (restarted,) = call(lab, tmp_path, Call({"name": NAME, "state": "restarted"}))
    assert restarted["changed"]
    assert "GREETING=later" in environment(host, container).splitlines()


def test_a_stopped_one_is_changed_without_a_start(
    lab: str, host: Host, container: dict[str, Any], tmp_path: Path
) -> None:
    """ansible/ansible#62904: a stopped container is started in order to be changed."""
    stopped, changed = call(
        lab,
        tmp_path,
        Call({"name": NAME, "state": "stopped"}),
        Call({"name": NAME, "state": "stopped", "memory": "222M"}),
    )
    assert stopped["container"]["state"] == changed["container"]["state"] == "stopped"
    verbs = [
        one["verb"]
        for one in json.loads(host.check_output("skerry operations --json --count 1"))["operations"]
    ]
    assert verbs == ["update"]


def test_restarted_starts_what_was_stopped(lab: str, container: dict[str, Any], tmp_path: Path) -> None:
    """ansible/ansible-modules-extras#606: after "restarted" it is stopped."""
    stopped, restarted = call(
        lab, tmp_path, Call({"name": NAME, "state": "stopped"}), Call({"name": NAME, "state": "restarted"})
    )
    assert stopped["container"]["state"] == "stopped"
    assert restarted["container"]["state"] == "running"


def test_no_example_of_ours_loosens_a_fence() -> None:
    """community.general's own examples turn AppArmor off."""
    folder = Path(__file__).parents[2] / "plugins" / "modules"
    for module in folder.glob("*.py"):
        assert not re.search(r"unconfined|privileged", module.read_text()), module
