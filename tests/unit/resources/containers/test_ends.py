"""What is made of a unit's state, of what its launcher wrote, and of a health check."""

import dataclasses
import itertools
import json

import pytest

from skerry.host.systemd import Restarts
from skerry.model.ends import REBOOTED, End, Health
from skerry.model.errors import SkerryError
from skerry.parts.ends import Ended, Policy, read, told
from skerry.resources.containers import ends, health, order, stops
from skerry.resources.containers.health import Verdict

MEMORY = 2**26
NEVER = Restarts()
AT, LATER = 1000.0, 1010.0
SEEN = End("restarting", 3, 0, MEMORY, ends.moment(AT), 1, 1000.5)


def seen(known: End | None, state: str, ended: Ended | None = None, restarts: Restarts = NEVER) -> End | None:
    return ends.seen(known, state, ended, restarts, MEMORY, 2000.0)


def test_nothing_has_happened() -> None:
    assert seen(None, "active") is None
    for state in ("activating", "deactivating"):
        assert seen(SEEN, state) == SEEN


def test_it_waits_for_its_next_start() -> None:
    assert seen(None, "restarting", Ended(3, 0, AT), Restarts(1, 1000.5)) == SEEN


def test_the_same_end_is_seen_once() -> None:
    assert seen(SEEN, "restarting", Ended(3, 0, AT), Restarts(1, 1000.5)) == SEEN
    again = seen(SEEN, "restarting", Ended(3, 0, LATER), Restarts(2, 1012.0))
    assert again is not None
    assert (again.at, again.restarts, again.again) == (ends.moment(LATER), 2, 1012.0)


def test_it_runs_again() -> None:
    found = seen(SEEN, "active", Ended(3, 0, AT), Restarts(2))
    assert found == dataclasses.replace(SEEN, now="running", restarts=2, again=0.0)


def test_an_end_that_nobody_saw_is_found_afterwards() -> None:
    assert seen(None, "active", Ended(139, 0, AT), Restarts(1)) == End(
        "running", 139, 0, MEMORY, ends.moment(AT), 1
    )


def test_a_restart_that_nobody_saw_is_counted() -> None:
    assert seen(None, "active", None, Restarts(2, 0.0, AT)) == End(
        "running", None, 0, MEMORY, ends.moment(AT), 2
    )


@pytest.mark.parametrize(
    ("state", "status", "now"),
    [("inactive", 0, "stopped"), ("inactive", 3, "failed"), ("failed", 3, "failed"), ("failed", 0, "failed")],
)
def test_it_stays_down(state: str, status: int, now: str) -> None:
    found = seen(None, state, Ended(status, 0, AT))
    assert found is not None
    assert (found.now, found.status) == (now, status)


def test_an_older_launcher_wrote_nothing() -> None:
    found = seen(None, "inactive")
    assert found == End("stopped", None, 0, MEMORY, ends.moment(2000.0))
    assert seen(found, "inactive") == found, "it is not a new end at each look"


@pytest.mark.parametrize(
    ("known", "new", "told_of"),
    [
        (None, SEEN, True),
        (SEEN, dataclasses.replace(SEEN, again=1.0), False),
        (SEEN, dataclasses.replace(SEEN, at="later", restarts=2), False),  # the same loop
        (SEEN, dataclasses.replace(SEEN, at="later", restarts=0), True),  # it ran for long meanwhile
        (SEEN, dataclasses.replace(SEEN, at="later", status=4), True),
        (SEEN, dataclasses.replace(SEEN, now="failed"), True),
        (SEEN, dataclasses.replace(SEEN, now="running"), False),
    ],
)
def test_a_loop_of_the_same_ends_is_told_once(known: End | None, new: End, told_of: bool) -> None:
    assert ends.worth_a_note(known, new) == told_of


def test_a_note_names_end_and_time() -> None:
    assert ends.note(SEEN) == "ended by itself at 1970-01-01T00:16:40Z: exit code 3; it is started again"


def test_a_reboot_is_no_failure_and_told_as_one() -> None:
    rebooted = dataclasses.replace(SEEN, status=REBOOTED)
    assert ends.note(rebooted) == "rebooted at 1970-01-01T00:16:40Z; it is started again"
    assert (ends.verb(rebooted), ends.verb(SEEN)) == ("rebooted", "ended")
    forced = ("RestartForceExitStatus", ("(aiai)", ([254], [])))
    assert forced in Policy("never", 1, "SIGTERM", reboots=True).properties()
    assert forced not in Policy("never", 1, "SIGTERM").properties()


@pytest.mark.parametrize("text", ["", "x", "3", "3 x", "\0" * 70])
def test_what_is_no_end_is_none(tmp_path, text: str) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "ended").write_text(text)
    assert read(str(tmp_path)) is None
    assert told(str(tmp_path), MEMORY) == ""


def test_the_launcher_s_line_is_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "ended").write_text("137 1\n")
    found = read(str(tmp_path))
    assert found is not None
    assert (found.status, found.oom) == (137, 1)
    assert told(str(tmp_path), MEMORY) == ": out of memory at limit 64M"


def test_pauses_grow_and_never_end() -> None:
    found = dict(Policy("on-failure", 7.5, "SIGQUIT").properties())
    first, longest, steps = (
        found[name][1] for name in ("RestartUSec", "RestartMaxDelayUSec", "RestartSteps")
    )
    pauses = [first * (longest / first) ** (number / steps) for number in range(steps + 1)]
    assert pauses[0] == pytest.approx(100_000)
    assert pauses[-1] == pytest.approx(60_000_000)
    assert all(1.5 < after / before < 3 for before, after in itertools.pairwise(pauses))
    assert found["StartLimitIntervalUSec"] == ("t", 0)
    assert (found["KillSignal"], found["TimeoutStopUSec"]) == (("i", 3), ("t", 7_500_000))
    assert dict(Policy("never", 0, "SIGTERM").properties())["Restart"] == ("s", "no")
    assert "ExecStop" not in found
    ((program, argv, ignored),) = dict(Policy("never", 0, "SIGWINCH").properties())["ExecStop"][1]
    assert (program, argv[-1], ignored) == ("/bin/sh", "SIGWINCH", True)
    assert dict(Policy("always", 0, "SIGTERM").properties())["TimeoutStopUSec"] == (
        "t",
        1,
    )  # 0 waits for ever


@pytest.mark.parametrize(
    ("known", "new", "asked"),
    [
        (None, dataclasses.replace(SEEN, now="failed"), True),
        (None, dataclasses.replace(SEEN, now="stopped"), True),
        (SEEN, dataclasses.replace(SEEN, now="failed"), True),
        (None, dataclasses.replace(SEEN, now="running", restarts=0), True),  # systemctl restart
        (None, dataclasses.replace(SEEN, now="running"), False),
        (None, SEEN, False),
        (dataclasses.replace(SEEN, now="failed"), dataclasses.replace(SEEN, now="failed"), False),
    ],
)
def test_nobody_is_asked_of_what_systemd_started_again(known: End | None, new: End, asked: bool) -> None:
    assert ends.may_be_asked_for(known, new) == asked


def test_what_an_administrator_stopped_has_not_failed() -> None:
    failed = seen(None, "failed", Ended(143, 0, AT))
    assert failed is not None
    found = ends.asked_for(failed)
    assert (found.now, found.by) == ("stopped", "administrator")
    assert seen(found, "failed", Ended(143, 0, AT)) == found, "it is not a new end at each look"
    assert ends.note(found).startswith(
        "stopped by the host's administrator at 1970-01-01T00:16:40Z: signal SIGTERM"
    )
    again = seen(found, "restarting", Ended(3, 0, LATER), Restarts(1, LATER + 1))
    assert again is not None
    assert again.by == "itself"


STARTED, STOPPING = stops._STARTED, stops._STOPPING


def told_by_systemd(*lines: tuple[str, float, str]) -> str:
    fields = [
        {
            "MESSAGE_ID": what,
            "_SOURCE_REALTIME_TIMESTAMP": f"{at * 1e6:.0f}",
            "__REALTIME_TIMESTAMP": "9" * 16,
        }
        | ({"JOB_TYPE": job} if job else {})
        for what, at, job in lines
    ]
    return "".join(json.dumps(one) + "\n" for one in fields)


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        ([], False),
        ([(STARTED, 900, "start")], False),
        ([(STARTED, 900, "start"), (STOPPING, 995, "stop")], True),
        ([(STARTED, 900, "start"), (STOPPING, 1000.2, "stop")], True),  # it says so when it has done it
        ([(STOPPING, 999, "restart"), (STARTED, 1000.1, "restart")], True),
        ([(STOPPING, 980, "stop"), (STARTED, 990, "start")], False),  # an earlier one's
        ([(STARTED, 990, "start"), (STOPPING, 1030, "stop")], False),  # it had ended before
        ([(STARTED, 990, ""), (STOPPING, 995, "")], False),
    ],
)
def test_systemd_knows_what_was_asked_of_it(lines: list[tuple[str, float, str]], asked: bool) -> None:
    assert stops.asked_to_stop(told_by_systemd(*lines), AT) == asked


CHECK = Health(port=80, start_period=10, retries=3)


@pytest.mark.parametrize(
    ("known", "problem", "ran", "found"),
    [
        (Verdict("starting", 0), "", 1, Verdict("healthy", 0)),
        (Verdict("starting", 0), "no", 1, Verdict("starting", 0)),
        (Verdict("starting", 0), "no", 11, Verdict("starting", 1)),
        (Verdict("starting", 2), "no", 13, Verdict("unhealthy: no", 3)),
        (Verdict("healthy", 0), "no", 5, Verdict("healthy", 1)),  # it was healthy once: the period is over
        (Verdict("healthy", 2), "no", 50, Verdict("unhealthy: no", 3)),
        (Verdict("unhealthy: no", 3), "", 60, Verdict("healthy", 0)),
    ],
)
def test_checks_are_judged(known: Verdict, problem: str, ran: float, found: Verdict) -> None:
    assert health.judge(CHECK, known, problem, ran) == found


@pytest.mark.parametrize(
    ("verdict", "seconds"),
    [
        (Verdict("starting", 0), 1.0),  # failures do not count yet
        (Verdict("starting", 1), 10.0),
        (Verdict("healthy", 0), 10.0),
        (Verdict("unhealthy: no", 3), 10.0),
    ],
)
def test_only_what_is_about_to_start_is_asked_more_often(verdict: Verdict, seconds: float) -> None:
    assert health.pause(CHECK, verdict) == seconds


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SkerryError, match=r"there is no container 'db'.*Containers there: api, cache"):
        order.validate({"web": (), "api": (), "cache": ()}, "web", ("db",))


def test_a_circle_is_refused_by_its_names() -> None:
    project: dict[str, tuple[str, ...]] = {"web": (), "api": ("db",), "db": ("web",)}
    with pytest.raises(SkerryError, match="web after api after db after web is a circle"):
        order.validate(project, "web", ("api",))
    with pytest.raises(SkerryError, match="new after new is a circle"):
        order.validate(project, "new", ("new",))
    order.validate(project, "other", ("api", "db"))
