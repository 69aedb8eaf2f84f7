"""Plays in containers by the connection plugin, and what people complain of in others of its kind."""

import hashlib
import io
import json
import os
import re
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration.containers_by_ansible import THIRTEEN_TASKS, Inventory, Played
from tests.integration.image_lab import ImageLab
from tests.integration.playbooks import play

# A name as other plugins cut it at the first dot, and one for a user of the container's.
APP, WEB = "app.shop.example.org", "as-www-data"
LARGE = 100 * 1024**2 + 1


@pytest.fixture(scope="module")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture(scope="module")
def debian(lab: str) -> str:
    """A Debian with Python and sudo."""
    play(lab, "playbooks/image/import.yml", "-e", "image=debian").ok()
    return "debian"


def ensure(
    images: ImageLab, name: str, image: str = "", state: str = "started", **spec: Any
) -> dict[str, Any]:
    """Bring a container into a state."""
    options = {"image": image, "command": ["/bin/sleep", "infinity"], "disk": "2G", **spec} if image else {}
    asked = images.ask(
        "ensure", container={"name": name}, state=state, spec=options, wait="running", timeout=120
    )
    return asked.ok()["after"] or {}


@pytest.fixture(scope="module")
def app(images: ImageLab, debian: str) -> Iterator[dict[str, Any]]:
    """A container of the usual profile, whose program runs as another user than root."""
    ensure(images, "app", state="absent")
    yield ensure(images, "app", debian, user="www-data", labels={"app": "web"})
    ensure(images, "app", state="absent")


@pytest.fixture(scope="module")
def inventory(lab: str, app: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    named = {"skerry_container": "app", "skerry_id": app["id"]}
    hosts: dict[str, Any] = {APP: named, WEB: {**named, "ansible_user": "www-data"}}
    return Inventory(lab, tmp_path_factory.mktemp("inventory")).write(**hosts, victim={}, bare={})


@pytest.fixture(scope="module")
def played(inventory: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """One play with all that a task may be."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "empty").touch()
    tasks = [
        {"ansible.builtin.raw": "echo out; echo err >&2; exit 3", "failed_when": False},
        {"ansible.builtin.raw": "echo $BASH_VERSION; id -un", "args": {"executable": "/bin/bash"},
         "become": True, "become_user": "www-data"},
        {"ansible.builtin.command": "sh -c 'id; pwd; echo $HOME'"},
        {"ansible.builtin.command": "sh -c 'id; echo $HOME'", "become": True, "become_user": "www-data"},
        {"ansible.builtin.command": "true", "become": True, "become_user": "nosuch", "ignore_errors": True},
        {"ansible.builtin.command": "id -u", "become": True, "become_user": "www-data",
         "vars": {"ansible_become_method": "su"}, "ignore_errors": True},
        {"ansible.builtin.shell": "head -c 400000 /dev/zero | tr '\\0' x"},
        {"ansible.builtin.copy": {"src": str(folder / "empty"), "dest": "/srv/empty", "mode": "0600"}},
        {"ansible.builtin.command": "stat -c '%s %a' /srv/empty"},
        {"ansible.builtin.shell": "sleep 2; echo late >/srv/late", "async": 60, "poll": 0},
        {"ansible.builtin.raw": "nohup sleep 987 >/dev/null 2>&1 </dev/null &"},
        {"ansible.builtin.command": "hostname", "delegate_to": "{{ skerry_host }}"},
        {"ansible.builtin.command": "hostname"},
        {"ansible.builtin.command": "id -un", "delegate_to": WEB},
        {"ansible.builtin.wait_for": {"path": "/srv/late", "timeout": 60}},
    ]  # fmt: skip
    return inventory.play(APP, [{**task, "register": f"task_{number}"} for number, task in enumerate(tasks)])


def test_streams_and_the_exit_code_are_the_program_s(played: Played) -> None:
    found = played.ok().results["task_0"]
    assert (found["rc"], found["stdout"].strip(), found["stderr"].strip()) == (3, "out", "err")


def test_the_chosen_shell_is_kept_for_another_user(played: Played) -> None:
    version, user = played.results["task_1"]["stdout"].split()
    assert (version[0], user) == ("5", "www-data")


def test_a_task_is_root_whoever_the_container_s_program_is(played: Played) -> None:
    assert played.results["task_2"]["stdout"].split()[-2:] == ["/", "/root"]
    assert "uid=0(root)" in played.results["task_2"]["stdout"]


def test_another_user_needs_neither_sudo_nor_a_capability(played: Played) -> None:
    identity, home = played.results["task_3"]["stdout"].splitlines()
    assert (identity, home) == ("uid=33(www-data) gid=33(www-data) groups=33(www-data)", "/var/www")


def test_a_user_that_the_image_has_not_is_named(played: Played) -> None:
    assert "the image has no user nosuch in its /etc/passwd" in played.results["task_4"]["msg"]


def test_su_gains_nothing_where_the_container_has_no_capability(played: Played) -> None:
    assert played.results["task_5"]["failed"] is True


def test_much_output_arrives_whole(played: Played) -> None:
    assert played.results["task_6"]["stdout"] == "x" * 400_000


def test_an_empty_file_is_copied(played: Played) -> None:
    assert played.results["task_8"]["stdout"] == "0 600"


def test_a_task_in_the_background_goes_on(played: Played) -> None:
    assert (played.results["task_9"]["finished"], played.results["task_14"]["failed"]) == (False, False)


def test_a_program_left_behind_holds_neither_a_task_nor_the_end(played: Played) -> None:
    assert "PLAY RECAP" in played.output
    assert played.seconds < 600


def test_tasks_are_delegated_to_the_host_and_to_a_container(played: Played, lab: str) -> None:
    names = [played.results[f"task_{number}"]["stdout"] for number in (11, 12, 13)]
    assert names == [lab, "app", "www-data"]


def test_a_task_of_the_host_s_play_is_delegated_into_a_container(inventory: Inventory, lab: str) -> None:
    task = {"ansible.builtin.command": "hostname", "delegate_to": APP, "register": "there"}
    assert inventory.play(lab, [task]).ok().results["there"]["stdout"] == "app"


def test_without_pipelining_modules_are_files(inventory: Inventory) -> None:
    task = {"ansible.builtin.command": "id -u", "register": "there", "vars": {"ansible_pipelining": False}}
    assert inventory.play(APP, [task]).ok().results["there"]["stdout"] == "0"


def test_files_are_the_same_to_the_byte(inventory: Inventory, host: Host, tmp_path: Path) -> None:
    large, back, empty = tmp_path / "large", tmp_path / "back", tmp_path / "empty"
    large.write_bytes(os.urandom(1024**2) * 100 + b"\n")
    empty.touch()
    answers = inventory.call(
        APP,
        ["put_file", str(large), "/srv/it's large"],
        ["fetch_file", "/srv/it's large", str(back)],
        ["put_file", str(empty), "/srv/it's large"],
        ["fetch_file", "/srv/it's large", str(empty)],
    )
    assert all("error" not in answer for answer in answers), answers
    assert back.stat().st_size == LARGE
    assert hashlib.sha256(back.read_bytes()).digest() == hashlib.sha256(large.read_bytes()).digest()
    assert empty.read_bytes() == b""


def test_a_file_that_did_not_arrive_is_an_error(inventory: Inventory, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    put, fetch, none = inventory.call(
        APP,
        ["put_file", str(tmp_path / "x"), "/nosuch/x"],
        ["fetch_file", "/nosuch", str(tmp_path / "y")],
        ["put_file", str(tmp_path / "z"), "/srv/z"],
    )
    assert "/nosuch/x in the container" in put["said"]
    assert "No such file" in fetch["said"]
    assert "there is no file" in none["said"]


def test_exit_codes_that_others_take_for_their_own(inventory: Inventory) -> None:
    commands = [
        f"echo 'error: {word}' >&2; exit {code}"
        for word, code in (("x", 255), ("container", 125), ("y", 254))
    ]
    answers = inventory.call(
        APP, *(["exec", command] for command in [*commands, "kill -9 $$", "nosuch-program"])
    )
    assert [answer["code"] for answer in answers] == [255, 125, 254, 137, 127]
    assert answers[0]["err"] == "error: x\n"


def test_standard_input_ends(inventory: Inventory) -> None:
    (answer,) = inventory.call(APP, ["exec", "cat; echo end", "ü" * 100_000])
    assert answer["out"] == "ü" * 100_000 + "end\n"


@pytest.fixture
def victim(images: ImageLab, debian: str) -> Iterator[str]:
    ensure(images, "victim", debian, state="restarted", grace=0.0)
    yield "victim"
    ensure(images, "victim", state="absent")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("frozen", "container default/default/victim is frozen"),
        ("stopped", "container default/default/victim does not run. Start it first"),
        ("absent", "there is no container default/default/victim"),
    ],
)
def test_a_container_that_can_run_nothing_is_unreachable(
    inventory: Inventory, images: ImageLab, victim: str, state: str, said: str
) -> None:
    ensure(images, victim, state=state)
    (answer,) = inventory.call(victim, ["exec", "true"])
    assert answer["error"] == "AnsibleConnectionFailure"
    assert said in answer["said"]


@pytest.mark.parametrize(
    ("ended_by", "said"),
    [
        ("skerry stop victim", "does not run"),
        (
            "skerry restart victim --wait running",
            "was restarted meanwhile|is being started|'restart' is under way",
        ),
        ("skerry delete victim", "there is no container|'delete' is under way"),
    ],
)
def test_a_command_that_is_cut_off_says_why(
    inventory: Inventory, images: ImageLab, victim: str, ended_by: str, said: str
) -> None:
    with inventory.begin(victim, ["exec", "echo begun >/srv/begun; sleep 600"]) as process:
        deadline = time.monotonic() + 120
        while images.run(f"skerry exec {victim} -- ls /srv").strip() != "begun":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        images.run(ended_by)
        out, err = process.communicate(timeout=300)
    answer = json.loads(out)
    assert answer.get("error") == "AnsibleConnectionFailure", (answer, err)
    assert re.search(f"the command was cut off: .*({said})", answer["said"])


def test_a_dying_container_is_refused(
    inventory: Inventory, images: ImageLab, debian: str, victim: str
) -> None:
    stubborn = ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
    unit = ensure(images, victim, debian, state="restarted", command=stubborn, grace=120.0)["id"]
    images.run(f"systemctl stop --no-block skerry-{unit}.service")
    (answer,) = inventory.call(victim, ["exec", "true"])
    images.run(f"systemctl kill --signal=KILL skerry-{unit}.service")
    assert "is being stopped" in answer["said"]


def test_another_container_of_the_same_name_is_refused(
    inventory: Inventory, images: ImageLab, debian: str, victim: str, lab: str, tmp_path: Path
) -> None:
    before = ensure(images, victim, debian)["id"]
    ensure(images, victim, state="absent")
    ensure(images, victim, debian)
    (answer,) = Inventory(lab, tmp_path).write(victim={"skerry_id": before}).call("victim", ["exec", "true"])
    assert "is another one than was meant" in answer["said"]


def test_without_python_there_is_still_raw(inventory: Inventory, images: ImageLab, debian: str) -> None:
    ensure(images, "bare", debian)
    try:
        images.run("skerry exec bare -u 0 -- sh -c 'rm /usr/bin/python3*'")
        tasks = [
            {"ansible.builtin.raw": "cat /etc/debian_version", "register": "raw"},
            {"ansible.builtin.ping": {}, "ignore_errors": True, "register": "ping"},
        ]
        found = inventory.play("bare", tasks).ok().results
        assert found["raw"]["stdout"].startswith("13")
        assert "python" in json.dumps(found["ping"])
    finally:
        ensure(images, "bare", state="absent")


def test_a_play_says_unreachable_and_goes_on_elsewhere(inventory: Inventory) -> None:
    done = inventory.play(f"victim,{APP}", [{"ansible.builtin.raw": "true"}])
    assert done.code == 4
    assert "UNREACHABLE" in done.output
    assert "there is no container default/default/victim" in done.output
    assert f"changed: [{APP}]" in done.output


def test_a_play_asks_the_host_as_often_as_ssh_does(inventory: Inventory, lab: str, tmp_path: Path) -> None:
    """What its time is made of. ``make bench`` measures the time itself, which is right on a quiet computer only."""
    asked = {}
    for name in (lab, APP):
        done = inventory.play(name, THIRTEEN_TASKS, "-vvv", "-e", f"fetched={tmp_path}/fetched").ok()
        asked[name] = len(re.findall(r"> SSH: EXEC |> PUT |> FETCH ", done.output))
    assert asked[APP] >= len(THIRTEEN_TASKS)
    assert asked[APP] <= asked[lab]


def test_a_controller_that_is_the_host_itself(images: ImageLab, app: dict[str, Any], tmp_path: Path) -> None:
    """The controller's own Ansible, brought to the host: there localhost is a Skerry host, and no ssh is asked."""
    site = Path(sys.executable).parents[1] / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    root = Path(__file__).parents[2]
    with tarfile.open(fileobj=(archive := io.BytesIO()), mode="w", dereference=True) as tar:
        about = [
            path.name for name in ("ansible_core", "jinja2") for path in site.glob(f"{name}-*.dist-info")
        ]
        for name in ("ansible", "jinja2", "markupsafe", "yaml", "packaging", "resolvelib", *about):
            tar.add(site / name, f"lib/{name}", filter=_without_bytecode)
        for name in ("plugins", "meta", "galaxy.yml"):
            tar.add(root / name, f"ansible_collections/skerry/host/{name}", filter=_without_bytecode)
        text = b"plugin: skerry.host.skerry\nhosts: [localhost]\nhostname: skerry_container\n"
        member = tarfile.TarInfo("here.skerry.yml")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    place = f"/run/controller-{uuid.uuid4().hex[:8]}"
    images.run(f"mkdir {place}; tar -C {place} -xf -", archive.getvalue())
    try:
        settings = f"HOME={place} LC_ALL=C.UTF-8 PYTHONPATH={place}/lib ANSIBLE_COLLECTIONS_PATH={place} PATH=/usr/bin:/bin"
        program = "'from ansible.cli.adhoc import main; main()'"
        command = f"env {settings} python3 -c {program} -i {place}/here.skerry.yml app -m command -a hostname"
        assert images.run(f"cd {place}; {command}").splitlines()[-1] == "app"
    finally:
        images.run(f"rm -rf {place}")


def _without_bytecode(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member


def test_the_user_of_the_host_may_be_one_with_sudo(
    inventory: Inventory, images: ImageLab, lab: str, tmp_path: Path
) -> None:
    user = "by-sudo"
    images.run(
        f"id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/sh {user}; "
        f"install -d -m 0700 -o {user} /home/{user}/.ssh; "
        f"install -m 0600 -o {user} /root/.ssh/authorized_keys /home/{user}/.ssh/"
    )
    admin = Inventory(lab, tmp_path).write(app={"skerry_container": "app", "skerry_host_user": user})
    ask = ["exec", "id -u"]
    try:
        assert "the host has no sudo" in admin.call("app", ask)[0]["said"]
        images.run("apt-get -qq install sudo >&2")
        assert (
            "nothing can be run on the container's host: sudo: a password"
            in admin.call("app", ask)[0]["said"]
        )
        images.run(f"echo '{user} ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/{user}")
        assert admin.call("app", ask)[0]["out"] == "0\n"
    finally:
        images.run(
            f"pkill -KILL -u {user}; sleep 1; userdel --force --remove {user}; rm -f /etc/sudoers.d/{user}"
        )
        images.run("SUDO_FORCE_REMOVE=yes apt-get -qq purge sudo >&2")
