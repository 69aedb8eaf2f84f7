"""Programs started in a container from outside are inside its walls; files go in and out; a frozen one is held."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration.modules import Call, call, four_beats
from tests.integration.playbooks import play

NAME = "opened"
STATUS = (
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
    "Seccomp_filters",
    "Uid",
    "Gid",
)


@pytest.fixture(scope="module")
def opened(host: Host, hello: str) -> Iterator[dict[str, Any]]:
    host.run(f"skerry delete {NAME}")
    host.check_output(f"skerry create {NAME} --image {hello} --env GREETING='a b'")
    yield json.loads(host.check_output(f"skerry info {NAME} --json"))["container"]
    host.run(f"skerry delete {NAME}")


def status(text: str) -> dict[str, str]:
    lines = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name: value.strip() for name, value in lines if name in STATUS}


def test_a_program_has_the_walls_of_the_first_one(host: Host, opened: dict[str, Any]) -> None:
    own = status(host.check_output(f"skerry exec {NAME} -- cat /proc/1/status"))
    entered = status(host.check_output(f"skerry exec {NAME} -- cat /proc/self/status"))
    assert entered == own
    assert (entered["Seccomp"], entered["NoNewPrivs"]) == ("2", "1")
    assert (entered["CapBnd"], entered["CapEff"]) == ("0" * 16, "0" * 16)
    assert host.run(f"skerry exec {NAME} -- unshare --user true").rc != 0
    groups = host.check_output(f"skerry exec {NAME} -- cat /proc/self/cgroup")
    assert groups.splitlines()[-1].startswith("0::/")


def test_an_exec_writes_nothing_into_the_containers_log(host: Host, opened: dict[str, Any]) -> None:
    unit = f"--namespace='*' --unit=skerry-{opened['id']}.service"
    cursor = (
        host.check_output(f"journalctl {unit} --lines=1 --show-cursor").splitlines()[-1].split(": ", 1)[1]
    )
    for command in ("true", "false", "/nowhere"):
        host.run(f"skerry exec {NAME} -- {command}")
    host.check_output(f"skerry exec {NAME} -- sh -c 'echo said-by-the-program >/dev/console'")
    lines = host.check_output(f"journalctl --sync; journalctl {unit} --output=cat --after-cursor='{cursor}'")
    assert lines.splitlines() == ["said-by-the-program"]


def test_it_is_in_the_cgroup_of_the_containers_unit(host: Host, opened: dict[str, Any]) -> None:
    found = host.check_output(
        f"skerry exec {NAME} -- sleep 20 & "
        "sleep 2; for p in $(pgrep -x sleep); do cat /proc/$p/cgroup; done; pkill -x sleep; wait"
    )
    assert f"skerry-{opened['id']}.service" in found


def test_it_has_the_containers_variables_and_none_of_the_callers(host: Host, opened: dict[str, Any]) -> None:
    found = host.check_output(f"LD_PRELOAD=/no.so TOKEN=secret skerry exec {NAME} -e MORE='1\n2' -- env -0")
    variables = dict(one.split("=", 1) for one in found.split("\0") if "=" in one)
    assert {"GREETING": "a b", "MORE": "1\n2", "SKERRY_NAME": NAME}.items() <= variables.items()
    assert not {"TOKEN", "LD_PRELOAD", "SSH_CLIENT", "SSH_CONNECTION"} & variables.keys()


def test_it_has_no_descriptor_limit_or_mask_of_the_callers(host: Host, opened: dict[str, Any]) -> None:
    caller = "umask 077; cd /root; exec 9</etc/shadow; echo -500 > /proc/self/oom_score_adj"
    inside = "umask; pwd; cat /proc/self/oom_score_adj; cat <&9"
    done = host.run(f"{caller}; skerry exec {NAME} -w /srv -- sh -c '{inside}'")
    assert done.stdout.split() == ["0022", "/srv", "0"]
    assert "9" in done.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("true", 0),
        ("sh -c 'exit 7'", 7),
        ("sh -c 'kill -9 $$'", 137),
        ("sh -c 'kill -15 $$'", 143),
        ("/nosuch", 127),
        ("/etc/passwd", 126),
    ],
)
def test_exit_codes(host: Host, opened: dict[str, Any], command: str, code: int) -> None:
    assert host.run(f"skerry exec {NAME} -- {command}").rc == code


def test_streams_are_apart_and_whole(host: Host, opened: dict[str, Any]) -> None:
    done = host.run(f"skerry exec {NAME} -- sh -c 'echo out; echo err >&2'")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    host.check_output(
        "head -c 30000000 /dev/urandom > /run/thirty; "
        f"skerry exec {NAME} -- cat < /run/thirty | cmp - /run/thirty; rm /run/thirty"
    )


def test_a_signal_to_the_client_goes_on(host: Host, opened: dict[str, Any]) -> None:
    script = 'trap "echo told; exit 9" TERM; echo ready; while :; do sleep 0.1; done'
    done = host.run(
        f"skerry exec {NAME} -- sh -c '{script}' > /run/said & client=$!; "
        "until grep -q ready /run/said; do sleep 0.1; done; kill $client; wait $client; echo $?; cat /run/said"
    )
    assert done.stdout.split() == ["9", "ready", "told"]


def test_a_program_ends_when_nobody_reads_it(host: Host, opened: dict[str, Any]) -> None:
    host.check_output(f"skerry exec {NAME} -- sleep 4321 2>&1 | true; sleep 1")
    assert host.run("pgrep -xf 'sleep 4321'").rc == 1


def test_an_engine_that_restarts_ends_no_program(host: Host, opened: dict[str, Any]) -> None:
    done = host.run(
        f"skerry exec {NAME} -- sh -c 'sleep 3; echo through' & sleep 1; "
        "systemctl restart skerry-engine; wait"
    )
    assert done.stdout == "through\n"


def test_a_terminal_is_the_containers_own(host: Host, opened: dict[str, Any]) -> None:
    done = host.check_output(
        f"script -qec 'stty rows 33 cols 101; skerry exec {NAME} -- sh -c \"tty; stty size\"' /dev/null < /dev/null"
    )
    assert "/dev/pts/" in done
    assert "33 101" in done


def test_what_was_typed_ahead_arrives(host: Host, opened: dict[str, Any]) -> None:
    typed = "echo one-$((40+2)); stty size\\nexit 7\\n"
    shell = f"stty rows 33 cols 101; skerry shell {NAME}; echo code $?; stty -a"
    done = host.check_output(f"printf '{typed}' | script -qec '{shell}' /dev/null")
    assert re.search(r"one-42\s+33 101\s.*code 7\s.* icanon", done, re.DOTALL)


@pytest.mark.parametrize(("key", "code"), [("\\003", 130), ("\\034", 131)])
def test_keys_end_a_program_that_floods(host: Host, opened: dict[str, Any], key: str, code: int) -> None:
    keys = f"(sleep 2; printf '{key}'; sleep 2)"
    done = host.run(
        f"{keys} | timeout 30 script -qec 'skerry exec {NAME} -- yes' /dev/null | tail -c 100; pgrep -x yes"
    )
    assert "y" in done.stdout
    assert done.rc == 1
    ended = f"{keys} | timeout 30 script -qec 'skerry exec {NAME} -- sleep 4321' /dev/null"
    assert host.run(ended).rc == code


# At a terminal that is closed after half a second; how it ended, within 15 seconds.
CLOSED = """
import os, pty, signal, sys, time
pid, terminal = pty.fork()
if not pid: os.execvp("skerry", ["skerry", "exec", sys.argv[1], "--", *sys.argv[2:]])
time.sleep(1)
os.read(terminal, 1000)
os.close(terminal)
signal.alarm(15)
print(os.waitpid(pid, 0)[0] == pid)
"""


@pytest.mark.parametrize(
    "program", ["yes", "sh -c 'echo x; sleep 4321'", "sh -c 'trap \"\" HUP; echo x; exec sleep 4321'"]
)
def test_a_terminal_that_is_closed_takes_its_program_along(
    host: Host, opened: dict[str, Any], program: str
) -> None:
    host.check_output(f"python3 -c {shlex.quote(CLOSED)} {NAME} {program}")
    assert host.run("pgrep -x yes || pgrep -f '[s]leep 4321' || pgrep -f '[s]kerry exec'").rc == 1


def test_output_at_a_terminal_is_the_program_s(host: Host, opened: dict[str, Any]) -> None:
    shown = host.check_output(
        f"script -qec 'skerry exec {NAME} -- sh -c \"sleep 1; echo a; stty -opost; echo b\"' /dev/null < /dev/null | od -c"
    )
    assert re.search(r"a +\\r +\\n +b +\\n", shown)


def test_files_go_in_and_out(host: Host, opened: dict[str, Any]) -> None:
    put = f"skerry put {NAME} /srv/note"
    assert host.check_output(f"echo one | {put} --owner 33:34 --mode 0640") == "/srv/note: written"
    assert host.check_output(f"echo one | {put}") == "/srv/note: no change"
    assert host.check_output(f"echo two | {put}") == "/srv/note: written"
    assert host.check_output(f"skerry exec {NAME} -- stat -c '%u:%g %a' /srv/note") == "33:34 640"
    assert host.check_output(f"skerry get {NAME} /srv/note") == "two"
    members = host.check_output(f"skerry get {NAME} /srv | tar -tf -").splitlines()
    assert {"srv/", "srv/note"} <= set(members)


@pytest.mark.parametrize(
    ("planted", "verb", "path", "said"),
    [
        ("ln -s ../../../../../etc/skerry/engine.toml /srv/bad", "get", "/srv/bad", "No such file"),
        ("ln -s /proc/1/root /srv/bad", "get", "/srv/bad/etc/shadow", "Too many levels"),
        ("ln -s /proc/sys/kernel /srv/bad", "put", "/srv/bad/core_pattern", "no place for files"),
        ("mkfifo /srv/bad", "get", "/srv/bad", "neither a file nor a folder"),
        ("true", "get", "/proc/1/environ", "no place for files"),
        ("true", "get", "/dev/zero", "neither a file nor a folder"),
        ("true", "put", "/nosuch/x", "No such file"),
        ("true", "put", "/srv", "is a folder"),
        ("true", "put", "/etc/resolv.conf", "is mounted there by the host"),
    ],
)
def test_no_path_leads_out(
    host: Host, opened: dict[str, Any], planted: str, verb: str, path: str, said: str
) -> None:
    host.check_output(f"skerry exec {NAME} -- sh -c 'rm -f /srv/bad; {planted}'")
    done = host.run(f"echo planted | timeout 20 skerry {verb} {NAME} {path}")
    assert done.rc == 1
    assert said in done.stderr


# As a client with an old ticket: the number of the container's first process is the launcher's by now.
OLD_TICKET = """
import sys
from skerry import inside
place = {"id": sys.argv[1], "pid": int(sys.argv[2]), "uid_base": int(sys.argv[3]), "path": "/etc/shadow"}
try: inside.get({**place, "owner": None, "mode": None}, sys.stdout.buffer)
except inside.InsideError as error: print(f"refused: {error}")
"""


def test_the_launchers_root_is_not_taken_for_the_containers(host: Host, opened: dict[str, Any]) -> None:
    launcher = host.check_output(f"systemctl show --property=MainPID --value skerry-{opened['id']}.service")
    init = host.check_output(f"pgrep --parent {launcher} --exact init")
    base = host.check_output(f"stat --format=%u /proc/{init}")
    said = host.run(f"python3 -c {shlex.quote(OLD_TICKET)} {opened['id']} {launcher} {base}")
    assert said.stdout == "refused: the container ended; start it and ask again\n"


def test_what_a_link_names_is_written_inside(host: Host, opened: dict[str, Any]) -> None:
    host.run("rm -f /etc/planted")
    host.check_output(f"skerry exec {NAME} -- ln -s /etc /srv/to-etc")
    host.check_output(f"echo x | skerry put {NAME} /srv/to-etc/planted")
    assert host.check_output(f"skerry exec {NAME} -- cat /etc/planted") == "x"
    assert not host.file("/etc/planted").exists


def test_a_frozen_one_is_held_and_goes_on(host: Host, opened: dict[str, Any]) -> None:
    group = (
        f"/sys/fs/cgroup/skerry.slice/*/*/skerry-{opened['id']}.service/monitor/lxc.payload.{opened['id']}"
    )
    host.check_output(f"skerry freeze {NAME}")
    try:
        assert "frozen 1" in host.check_output(f"cat {group}/cgroup.events")
        assert host.check_output(f"skerry freeze {NAME} 2>&1").startswith("no change")
        refused = host.run(f"skerry exec {NAME} -- true")
        assert (refused.rc, "is frozen" in refused.stderr) == (125, True)
        host.check_output("systemctl restart skerry-engine")
        assert json.loads(host.check_output(f"skerry info {NAME} --json"))["container"]["state"] == "frozen"
    finally:
        host.check_output(f"skerry thaw {NAME}")
    assert host.check_output(f"skerry exec {NAME} -- echo on") == "on"


def test_one_that_does_not_run_is_refused(host: Host, opened: dict[str, Any]) -> None:
    host.check_output(f"skerry freeze {NAME}; skerry stop {NAME}")
    refused = host.run(f"skerry exec {NAME} -- true")
    assert refused.rc == 125
    assert f"Start it first: skerry start {NAME}" in refused.stderr
    host.check_output(f"skerry start {NAME}")


def test_modules_run_programs_and_copy_files(
    host: Host, lab: str, opened: dict[str, Any], tmp_path: Path
) -> None:
    run = {
        "name": NAME,
        "command": ["sh", "-c", "cat; echo err >&2; exit $CODE"],
        "stdin": "in",
        "env": {"CODE": 3},
    }
    once = {"name": NAME, "command": ["touch", "/srv/once"], "creates": "/srv/once"}
    put = {"name": NAME, "src": "/etc/hostname", "path": "/srv/name", "owner": "33", "mode": "0600"}
    get = {"name": NAME, "path": "/srv/name", "dest": "/run/got"}
    host.run("rm -f /run/got")
    ran, quiet, *rest = call(
        lab,
        tmp_path,
        Call(run, module="skerry_exec"),
        Call({**run, "env": {"CODE": "0"}}, check=True, module="skerry_exec"),
        *[Call(one.options, one.check, "skerry_exec") for one in four_beats(once)],
        *[Call(one.options, one.check, "skerry_container_file") for one in four_beats(put)],
        *[Call(one.options, one.check, "skerry_container_file") for one in four_beats(get)],
        Call({"name": NAME, "lines": 3}, module="skerry_container_logs"),
        Call({"name": NAME, "command": ["sleep", "60"], "timeout": 1}, module="skerry_exec"),
        Call({"name": "nosuch", "command": ["true"]}, module="skerry_exec"),
    )
    assert (ran["failed"], ran["rc"], ran["stdout"], ran["stderr"]) == (True, 3, "in", "err\n")
    assert quiet["skipped"]
    created, putting, getting, (log, late, absent) = rest[:4], rest[4:8], rest[8:12], rest[12:]
    assert [one.get("skipped", False) for one in created] == [True, False, False, False]
    assert [one["changed"] for one in created] == [False, True, False, False]
    assert [one["changed"] for one in putting] == [True, True, False, False]
    assert [one["changed"] for one in getting] == [True, True, False, False]
    assert host.file("/run/got").content == host.file("/etc/hostname").content
    assert len([one for one in log["lines"] if one != "-- started anew --"]) <= 3
    assert "did not end within 1 s" in late["msg"]
    assert absent["code"] == "not_found"


def test_playbooks_get_put_run_and_show(host: Host, lab: str, opened: dict[str, Any], tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)))
    name = f"-econtainer_name={NAME}"
    play(lab, "playbooks/container/put.yml", name, f"-esrc={source}", "-epath=/srv/bytes").ok()
    play(lab, "playbooks/container/get.yml", name, "-epath=/srv/bytes", f"-edest={target}").ok()
    assert target.read_bytes() == source.read_bytes()
    shown = play(lab, "playbooks/container/exec.yml", name, '-e{"command": ["echo", "hello there"]}').ok()
    assert "hello there" in shown.output
    play(lab, "playbooks/container/logs.yml", name, "-elines=5").ok()
    assert "no lines" in play(lab, "playbooks/container/logs.yml", name, "-elog_until=2020-01-01").ok().output
    frozen = play(lab, "playbooks/container/freeze.yml", name).ok()
    assert f"{NAME} is frozen" in frozen.output
    play(lab, "playbooks/container/start.yml", name).ok()
