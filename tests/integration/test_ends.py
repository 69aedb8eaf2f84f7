"""How programs end on a real host: what is told, what the URL says, what is started again, and what ends them."""

import json
import time

import pytest

NAME = "ends"
DATABASE, SHOP = "ends-database", "ends-shop"
APP = "/usr/bin/python3 -I -S -B /srv/hello/app.py"


@pytest.fixture(autouse=True)
def nothing_left(host):
    """No container of these tests is there, before and afterwards."""
    for when in ("before", "after"):
        for name in (SHOP, DATABASE, NAME):
            host.run(f"skerry delete {name}")
        if when == "before":
            yield


def create(host, hello, script, *options, wait="running", name=NAME):
    words = " ".join([f"skerry create {name} --image={hello} --wait={wait}", *options])
    return json.loads(host.check_output(f"{words} --json -- /bin/sh -c '{script}'"))["after"]


def info(host, name=NAME):
    return json.loads(host.check_output(f"skerry info {name} --json"))["container"]


def until(host, wanted, seconds=15.0, name=NAME):
    """The container, as soon as ``wanted`` is true of it."""
    deadline = time.monotonic() + seconds
    while not wanted(found := info(host, name)):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def unit(host, container, what):
    return host.check_output(f"systemctl show -P {what} skerry-{container['id']}.service")


def log(host, container):
    return host.check_output(f"journalctl --namespace='*' -o cat -u skerry-{container['id']}.service")


def events(host, verb="ended"):
    """What the journal of operations tells of the container, newest first."""
    found = json.loads(host.check_output("skerry operations --json"))["operations"]
    return [one for one in found if one["verb"] == verb and one["resource_id"] == info(host)["id"]]


def told(host):
    """The one end of the container that the journal tells of; who asked for it is looked for first."""
    deadline = time.monotonic() + 15
    while not (found := events(host)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (event,) = found
    return event


def asked(on_host, container, seconds):
    done = on_host("ask.py", container["url"], seconds)
    assert done.rc == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("end", "status", "reason"),
    [
        ("exit 3", 3, "exit code 3"),
        ("kill -SEGV $$", 139, "signal SIGSEGV (exit code 139)"),
        ("kill -KILL $$", 137, "signal SIGKILL (exit code 137)"),
    ],
)
def test_an_end_is_named_everywhere(host, hello, on_host, end, status, reason):
    container = create(host, hello, f"sleep 0.5; {end}", "--restart=never")
    found = until(host, lambda one: one["state"] == "failed")
    assert (found["exit_status"], found["exit_reason"], found["state_detail"]) == (status, reason, reason)
    assert f"failed ({reason})" in host.check_output("skerry list")
    event = told(host)
    assert (event["state"], reason in event["error"]) == ("failed", True)
    assert {(code, took < 1000) for _, code, took in asked(on_host, container, 1)} == {(503, True)}


@pytest.mark.parametrize(
    ("policy", "state"), [("on-failure", "stopped"), ("never", "stopped"), ("always", "running")]
)
def test_a_program_that_is_done_stays_so_unless_it_shall_always_run(host, hello, policy, state):
    create(
        host,
        hello,
        "[ -e /srv/once ] && exec sleep 60; : >/srv/once; sleep 0.5; exit 0",
        f"--restart={policy}",
    )
    again = int(policy == "always")
    until(host, lambda one: (one["exit_status"], one["state"], one["restarts"]) == (0, state, again))
    assert [event["state"] for event in events(host)] == ["done"]


def test_a_crash_loop_waits_longer_and_longer_and_a_healthy_time_ends_it(host, hello):
    script = "echo x >>/srv/n; [ $(wc -l </srv/n) -gt 6 ] && exec sleep 60; exit 4"
    container = create(host, hello, f"sleep 0.2; {script}")
    waiting = until(host, lambda one: one["restarts"] >= 3 and one["state"] == "restarting", 30)
    assert "th time, next in " in waiting["state_detail"], waiting["state_detail"]
    assert waiting["state_detail"].endswith("; exit code 4")
    assert (
        float(unit(host, container, "RestartUSecNext").removesuffix("s")) >= 1
    )  # of seconds, not of "500ms"
    assert len(events(host)) == 1, "a loop of the same ends is told once"
    until(host, lambda one: one["state"] == "running" and one["restarts"] == 6, 60)
    until(host, lambda one: one["restarts"] == 0, 30)
    assert unit(host, container, "NRestarts") == "0"


def test_a_start_does_not_wait_for_the_next_try(host, hello):
    create(host, hello, "[ -e /srv/good ] && exec sleep 60; sleep 0.3; exit 1")
    waiting = until(host, lambda one: one["restarts"] >= 4 and one["state"] == "restarting", 30)
    host.check_output(
        f"touch /var/lib/skerry/pool/c/{waiting['id']}/upper/srv/good || "
        f"install -D /dev/null /var/lib/skerry/pool/c/{waiting['id']}/upper/srv/good"
    )
    host.check_output(f"skerry start {NAME} --wait=running")
    found = info(host)
    assert (found["state"], found["restarts"], found["exit_status"]) == ("running", 0, None)


def test_a_url_follows_what_happens_by_itself(host, hello, on_host):
    container = create(host, hello, f"{APP} & sleep 5; exit 1", wait="ready")
    answers = asked(on_host, container, 9)
    codes = [code for _, code, _ in answers]
    assert set(codes) <= {200, 502, 503}, answers
    assert codes.count(502) <= 3, "what was under way when the program ended"
    down = codes.index(503)
    assert 200 in codes[:down]
    assert 200 in codes[down:], "it leads to the container again"
    assert max(took for _, _, took in answers) < 1000, answers
    waits = sorted(took for _, code, took in answers if code == 503)
    assert waits[len(waits) // 2] < 200, answers


def test_what_waits_for_an_answer_is_not_left_waiting(host, hello, on_host):
    deaf = "import socket,time; s=socket.create_server((chr(0)*0,1071)); c=[s.accept()]; time.sleep(3); raise SystemExit(1)"
    script = f'/usr/bin/python3 -c "{deaf}"'
    container = create(host, hello, script, "--restart=never")
    begun = time.monotonic()
    (first, *_) = asked(on_host, container, 0.01)
    assert first[1] in {0, 502, 503}, first
    assert time.monotonic() - begun < 10


def test_an_engine_that_was_away_finds_what_happened(host, hello, on_host):
    container = create(host, hello, "sleep 3; exit 5", "--restart=never")
    host.check_output(
        "systemctl kill --signal=KILL skerry-engine; systemctl stop skerry-engine.socket skerry-engine"
    )
    time.sleep(4)
    host.check_output("systemctl start skerry-engine.socket skerry-engine")
    found = until(host, lambda one: one["state"] == "failed", 5)
    assert found["exit_reason"] == "exit code 5"
    assert {code for _, code, _ in asked(on_host, container, 0.5)} == {503}


def test_an_engine_that_is_killed_in_the_middle_of_a_loop_goes_on(host, hello):
    create(host, hello, "sleep 0.2; exit 6")
    for _ in range(4):
        host.check_output("systemctl kill --signal=KILL skerry-engine")
        host.check_output("skerry status")
        time.sleep(0.5)
    found = until(host, lambda one: one["restarts"] >= 3, 30)
    assert found["exit_reason"] == "exit code 6"
    assert host.run(f"skerry delete {NAME}").rc == 0


@pytest.mark.parametrize("signal", ["USR1", "WINCH"])
@pytest.mark.parametrize("by", [f"skerry stop {NAME}", "systemctl stop skerry-{id}.service"])
def test_its_own_signal_ends_a_program(host, hello, by, signal):
    script = f'trap "echo heard; exit 0" {signal}; echo ready; while :; do sleep 0.1; done'
    container = create(host, hello, script, f"--stop-signal={signal}", "--grace=8")
    time.sleep(0.5)
    begun = time.monotonic()
    done = host.run(by.format(id=container["id"]))
    assert (done.rc, time.monotonic() - begun < 6, "warning" in done.stderr) == (0, True, False)
    assert "heard" in log(host, container).split()


def test_a_stop_and_a_shutdown_give_the_same_grace(host, hello):
    deaf = 'trap "" TERM; while :; do sleep 0.2; done'
    container = create(host, hello, deaf, "--grace=2")
    assert unit(host, container, "TimeoutStopUSec") == "2s"
    for command in (f"systemctl stop skerry-{container['id']}.service", f"skerry stop {NAME}"):
        host.check_output(f"skerry start {NAME} --wait=running")
        time.sleep(0.3)
        begun = time.monotonic()
        done = host.run(command)
        assert (done.rc, 1.5 < time.monotonic() - begun < 6) == (0, True), command
    assert f"warning: {NAME}: its program did not end within 2 s of SIGTERM: killed." in done.stderr
    host.check_output(f"skerry start {NAME} --wait=running")
    begun = time.monotonic()
    at_once = host.run(f"skerry stop {NAME} --grace=0")
    assert time.monotonic() - begun < 2
    assert "warning" not in at_once.stderr


def test_what_systemd_takes_only_at_a_start_waits_for_a_restart(host, hello):
    container = create(host, hello, "exec sleep 60")
    answer = json.loads(host.check_output(f"skerry update {NAME} --restart=always --grace=3 --json"))
    assert answer["plans"][0]["restart_required"] == ["restart", "grace"]
    assert info(host)["restart_pending"]
    host.check_output(f"skerry restart {NAME} --wait=running --grace=0")
    assert (unit(host, container, "Restart"), unit(host, container, "TimeoutStopUSec")) == ("always", "3s")
    assert not info(host)["restart_pending"]


def test_health_is_a_state_and_a_restart_only_where_asked_for(host, hello):
    create(host, hello, f"exec {APP}", "--health=http=/", "--health=interval=1", wait="ready")
    until(host, lambda one: one["health_state"] == "healthy")
    wrong = "--health=port=9 --health=interval=1 --health=start_period=0 --health=retries=2"
    host.check_output(f"skerry update {NAME} {wrong}")
    found = until(host, lambda one: one["health_state"].startswith("unhealthy"))
    assert found["state_detail"] == "unhealthy: port 9 takes no connection"
    assert "running (unhealthy: port 9 takes no connection)" in host.check_output("skerry list")
    assert len(events(host, "unhealthy")) == 1
    assert not events(host, "restart")
    host.check_output(f"skerry update {NAME} {wrong} --health=restart=true --health=interval=2")
    deadline = time.monotonic() + 20
    while not events(host, "restart"):
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_containers_come_in_their_order_when_the_host_starts(host, hello, on_host):
    slow = "--health=http=/ --health=interval=1"
    create(host, hello, f"sleep 2; exec {APP}", slow, name=DATABASE)
    create(host, hello, "exec sleep 600", f"--after={DATABASE}", name=SHOP)
    unknown = host.run(f"skerry update {SHOP} --after=nobody")
    assert (unknown.rc, "there is no container 'nobody' in its project" in unknown.stderr) == (2, True)
    circle = host.run(f"skerry update {DATABASE} --after={SHOP}")
    assert (circle.rc, f"{DATABASE} after {SHOP} after {DATABASE} is a circle" in circle.stderr) == (2, True)
    done = on_host("reboot.py")
    assert done.rc == 0, done.stderr
    assert info(host, SHOP)["state"] == "starting", "the engine is ready before the containers are"
    assert "starting (the host was started, and its turn comes)" in host.check_output("skerry list")
    until(host, lambda one: one["state"] == "running", 60, SHOP)
    started = {
        name: int(unit(host, info(host, name), "ActiveEnterTimestampMonotonic")) for name in (DATABASE, SHOP)
    }
    assert 1_800_000 < started[SHOP] - started[DATABASE] < 60_000_000


@pytest.mark.parametrize("meanwhile", ["stop", "delete"])
def test_the_engine_serves_while_containers_come_and_what_is_asked_for_wins(host, hello, on_host, meanwhile):
    create(host, hello, f"sleep 20; exec {APP}", "--health=http=/ --health=interval=1", name=DATABASE)
    create(host, hello, "exec sleep 600", f"--after={DATABASE}", name=SHOP)
    create(host, hello, "exec sleep 600", f"--after={DATABASE}")
    assert on_host("reboot.py").rc == 0
    host.check_output(f"skerry {meanwhile} {SHOP}")
    host.check_output("systemctl kill --signal=KILL skerry-engine; skerry status")
    assert info(host)["state"] == "starting", "the next engine goes on"
    until(host, lambda one: one["state"] == "running", 60)
    if meanwhile == "stop":
        assert info(host, SHOP)["state"] == "stopped"
    assert [one["verb"] for one in events(host, "ended")] == []


def test_one_that_does_not_start_with_the_host_is_tried_by_each_engine(host, hello, on_host):
    found = create(host, hello, "exec sleep 600")
    folder = f"/var/lib/skerry/pool/c/{found['id']}/upper"
    host.check_output(f"mv {folder} {folder}.away && touch {folder}")  # where a folder is to be
    try:
        assert on_host("reboot.py").rc == 0
        until(host, lambda one: one["state"] == "starting")
        host.check_output("systemctl restart skerry-engine")
        assert "did not start" in host.check_output("journalctl -u skerry-engine -o cat -n 20")
    finally:
        host.check_output(f"rm {folder} && mv {folder}.away {folder}")
    until(host, lambda one: one["state"] == "running", 60)
