"""Health checks by command on a real host: where they run, what ends them, what stays; an image's own; who stopped what."""

import json
import time
import uuid

import pytest

from tests.integration.image_lab import INCOMING, ImageLab
from tests.integration.test_ends import APP, NAME, create, events, info, until
from tests.unit.resources.images import oci_images
from tests.unit.resources.images.oci_images import Made
from tests.unit.resources.images.tarballs import ROOT, member, packed

EAGER = "--health=interval=1 --health=start_period=0 --health=retries=1"
STAYS = "exec sleep 3600"


@pytest.fixture(autouse=True)
def nothing_left(host):
    """The container of these tests is not there, before and afterwards, and the helper stands."""
    host.run(f"skerry delete {NAME}")
    yield
    host.run(f"skerry delete {NAME}")


@pytest.fixture
def checked(host, hello):
    """Makes a container with a check; returns it."""

    def make(command, *options, script=STAYS, timeout=5):
        health = f"""'--health=command={command}' {EAGER} --health=timeout={timeout}"""
        return create(host, hello, script, health, *options)

    return make


def group(container):
    """The cgroup of its checks, on the host."""
    return (
        f"/sys/fs/cgroup/skerry.slice/skerry-*.slice/skerry-*.slice/skerry-{container['id']}.service"
        f"/monitor/lxc.payload.{container['id']}/check"
    )


def inside(host, command):
    return host.run(f"skerry exec {NAME} -- /bin/sh -c '{command}'")


def told(host, verb="ended"):
    """What the journal tells of the container, once there is any: who asked for it is looked for first."""
    deadline = time.monotonic() + 15
    while not (found := events(host, verb)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def unhealthy(host, seconds=30):
    return until(host, lambda one: one["health_state"].startswith("unhealthy"), seconds)["health_state"]


def healthy(host):
    return until(host, lambda one: one["health_state"] == "healthy", 30)


def test_its_exit_code_is_its_health(host, checked):
    checked('[ -e /srv/good ] && exit 0; echo "not yet: $(ls /srv | wc -l)" >&2; exit 3')
    assert unhealthy(host).startswith("unhealthy: the command: exit code 3; it said: not yet: ")
    assert f"running ({info(host)['health_state']})" in host.check_output("skerry list")
    assert inside(host, ": >/srv/good").rc == 0
    healthy(host)
    assert [one["verb"] for one in json.loads(host.check_output("skerry operations --json"))["operations"]][
        :2
    ] == ["healthy", "unhealthy"]
    host.check_output(f"skerry update {NAME} --health ''")
    until(host, lambda one: one["health_state"] == "")
    assert info(host)["health"]["command"] is None


LOOK = (
    "own=$(grep -lx sleep /proc/[0-9]*/comm | head -n 1); "
    'for p in ${own%/comm} /proc/$$; do { grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)" $p/status; '
    'tr "\\0" "\\n" <$p/environ | grep -v ^PWD= | sort; readlink $p/cwd; '
    "for n in user pid net ipc uts mnt cgroup; do readlink $p/ns/$n; done; "
    "cat $p/attr/current; cat $p/limits $p/oom_score_adj; } "
    ">/dev/shm/$([ $p = /proc/$$ ] && echo check || echo own) 2>/dev/null; done"
)


def test_it_is_inside_the_walls_of_the_program(host, checked):
    """As its user, in its folder, with its environment; nothing of the host's."""
    evil = "--env=LD_PRELOAD=/evil.so --env=GCONV_PATH=/evil"
    checked(LOOK, "--workdir=/srv --user=1000:1000 --env=A=b", evil)
    healthy(host)
    host.check_output(f"skerry update {NAME} --health ''")
    time.sleep(2)  # until none writes any more
    own, check = (host.check_output(f"skerry get {NAME} /dev/shm/{name}") for name in ("own", "check"))
    assert "Uid:\t1000\t1000\t1000\t1000" in own
    assert "LD_PRELOAD=/evil.so" in own
    assert "/srv" in own.splitlines()
    assert check == own


def test_what_is_late_is_killed_with_all_that_it_started(host, checked):
    deaf = 'trap "" TERM HUP INT'
    forks = f"({deaf}; setsid sleep 1771 & setsid sh -c 'sleep 1772 & sleep 1773' & ) ; {deaf}; sleep 1774"
    container = checked(forks.replace("'", '"'), timeout=2)
    assert unhealthy(host) == "unhealthy: the command: it did not end within 2 s"
    host.check_output(f"skerry update {NAME} --health ''")
    time.sleep(3)
    assert host.run("pgrep -f 'sleep 177[1-4]'").rc == 1
    assert host.run(f"ls -d {group(container)}").rc != 0


def test_nothing_that_a_good_one_leaves_running_stays(host, checked):
    checked("setsid sleep 1781 >/dev/null 2>&1 </dev/null & setsid sleep 1782 & exit 0")
    healthy(host)
    time.sleep(3)
    host.check_output(f"skerry update {NAME} --health ''")
    time.sleep(2)
    assert host.run("pgrep -f 'sleep 178[12]'").rc == 1
    assert info(host)["state"] == "running"


def test_a_flood_ends_it_and_no_byte_of_it_reaches_a_terminal(host, checked):
    checked('yes $(printf "\\033[2J\\033]0;evil\\007")', timeout=20)
    state = unhealthy(host, 60)
    assert "it wrote more than 16 MiB" in state or "it did not end within 20 s" in state, state
    assert "\\x1b[2J" in state
    assert len(state) < 300
    for command in ("skerry list", "skerry operations", f"skerry info {NAME}"):
        assert "\x1b" not in host.check_output(command), command


def test_a_fork_bomb_is_in_the_container_s_limit_and_ends_with_the_check(host, checked):
    container = checked("b() { b | b & }; b; sleep 60", "--pids=64", timeout=3)
    assert unhealthy(host, 60).startswith("unhealthy: the command: ")
    host.check_output(f"skerry update {NAME} --health ''")
    time.sleep(4)
    assert int(host.check_output(f"cat {group(container)[: -len('/check')]}/pids.current || echo 0")) < 8
    assert info(host)["state"] == "running"


@pytest.mark.parametrize("command", ["/missing/program", "kill -KILL $$", "exit 125"])
def test_a_command_that_cannot_be_run_is_unhealthy(host, checked, command):
    checked(command)
    assert unhealthy(host).startswith("unhealthy: the command: ")
    assert info(host)["state"] == "running"


def test_a_hanging_check_keeps_nobody_waiting(host, checked):
    """A stop, a restart and a deletion come at once, and an engine that is killed leaves nothing of it."""
    container = checked("sleep 1791", "--env=LD_PRELOAD=/evil.so --env=GCONV_PATH=/evil", timeout=60)
    running = f"pgrep -f 'sleep 1791' >/dev/null && ls -d {group(container)}"
    for command in ("restart --wait=running", "stop"):
        deadline = time.monotonic() + 20
        while host.run(running).rc != 0:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        outside = "$(systemctl show -P MainPID skerry-checks.service) $(pgrep lxc-attach)"
        environments = host.check_output(f"for one in {outside}; do tr '\\0' '\\n' </proc/$one/environ; done")
        assert "PATH=" in environments
        assert "evil" not in environments
        begun = time.monotonic()
        host.check_output(f"skerry {command} {NAME} --grace=0")
        assert time.monotonic() - begun < 10, command
    assert host.run("pgrep -f 'sleep 1791'").rc == 1
    host.check_output(f"skerry start {NAME} --wait=running")
    time.sleep(2)
    host.check_output("systemctl kill --signal=KILL skerry-engine")
    time.sleep(0.5)
    host.check_output("systemctl stop skerry-engine.socket skerry-engine")
    time.sleep(3)
    left = host.run("pgrep -af 'sleep 1791|skerry.checks'")
    host.check_output("systemctl start skerry-engine.socket skerry-engine")
    assert left.stdout == ""
    assert info(host)["state"] == "running"


def test_a_helper_that_is_killed_is_started_anew(host, checked):
    checked("echo x >>/srv/n")
    healthy(host)
    host.check_output("systemctl kill --signal=KILL skerry-checks.service")
    before = int(inside(host, "wc -l </srv/n").stdout)
    time.sleep(5)
    assert int(inside(host, "wc -l </srv/n").stdout) > before
    assert info(host)["health_state"] == "healthy"
    assert events(host, "unhealthy") == []


def test_nobody_checks_while_it_is_frozen(host, checked):
    container = checked("echo x >>/srv/n", "--health=restart=true")
    healthy(host)
    count = f"wc -l </var/lib/skerry/pool/c/{container['id']}/upper/srv/n"
    for freeze, thaw in (
        (f"skerry freeze {NAME}", f"skerry thaw {NAME}"),
        tuple(f"echo {on} | tee {group(container)[: -len('/check')]}/cgroup.freeze" for on in (1, 0)),
    ):
        host.check_output(freeze)
        time.sleep(1)
        before = int(host.check_output(count))
        time.sleep(8)  # longer than the timeout of a check
        assert int(host.check_output(count)) == before
        assert not info(host)["health_state"].startswith("unhealthy")
        host.check_output(thaw)
        until(
            host,
            lambda one, before=before: (
                int(host.check_output(count)) > before and one["health_state"] == "healthy"
            ),
        )
    assert events(host, "unhealthy") == events(host, "restart") == []


def test_its_restart_is_one_where_asked_for(host, checked):
    checked("exit 1", "--health=restart=true", "--health=start_period=2")
    deadline = time.monotonic() + 30
    while not events(host, "restart"):
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_an_image_s_own_check_is_its_container_s(host, lab):
    """And that of the container wins; an empty one means none."""
    images, name = ImageLab(lab), f"t-{uuid.uuid4().hex[:8]}"
    layer = packed(*ROOT, member("etc/mark", data=name.encode()))
    check = {"Test": ["CMD", "/dev/skerry/init", "-V"], "Interval": 10**9, "Retries": 1}
    image = Made([layer], {"Cmd": ["/dev/skerry/init", "-P"], "Healthcheck": check})
    data = oci_images.tarred(oci_images.layout(oci_images.index(it=image), image))
    source = f"oci-archive:{images.put(f'{name}.tar', data)['path']}"
    try:
        pulled = images.ask("image_pull", name=name, source=source).ok()
        assert pulled["warnings"] == []
        host.check_output(f"skerry create {NAME} --image={name} --wait=running")
        healthy(host)
        for health, state in (
            ("port=9", "unhealthy: port 9 takes no connection"),
            ("command=exit 4", "unhealthy: the command: exit code 127; it said: skerry: /bin/sh: not found"),
        ):
            host.check_output(f"skerry update {NAME} '--health={health}' {EAGER}")
            until(host, lambda one, state=state: one["health_state"] == state)
        host.check_output(f"skerry update {NAME} --health ''")
        until(host, lambda one: one["health_state"] == "")
    finally:
        host.run(f"skerry delete {NAME}; skerry image delete {name}; rm -f {INCOMING}/{name}*")


def test_who_stopped_it_is_told(host, hello):
    container = create(host, hello, STAYS)
    time.sleep(1)
    host.check_output(f"systemctl stop skerry-{container['id']}.service")
    found = until(host, lambda one: one["state"] == "stopped")
    until(
        host, lambda one: one["state_detail"] == "by the host's administrator; signal SIGTERM (exit code 143)"
    )
    (event,) = told(host, "stopped")
    assert event["state"] == "done"
    assert events(host) == []
    host.check_output(f"skerry start {NAME} --wait=running")
    assert (info(host)["state"], info(host)["state_detail"]) == ("running", "")
    assert found["desired"] == "started"


@pytest.mark.parametrize("end", ["exit 0", "kill -TERM $$"])
def test_what_ends_by_itself_is_told_as_such(host, hello, end):
    create(host, hello, f"sleep 1; {end}", "--restart=never")
    found = until(host, lambda one: one["state"] in {"stopped", "failed"})
    assert [one["verb"] for one in told(host)] == ["ended"]
    assert "administrator" not in info(host)["state_detail"], found
    assert events(host, "stopped") == []


def test_a_restart_by_systemctl_is_no_end_of_its_own(host, hello):
    container = create(host, hello, f"exec {APP}", wait="ready")
    name = f"skerry-{container['id']}.service"
    before = host.check_output(f"systemctl show -P InvocationID {name}")
    host.check_output(f"systemctl restart {name}")
    until(host, lambda one: one["state"] == "running")
    assert host.check_output(f"systemctl show -P InvocationID {name}") != before
    time.sleep(2)
    assert events(host) == []
    assert info(host)["restarts"] == 0
