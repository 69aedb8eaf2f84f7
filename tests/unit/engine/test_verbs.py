"""Plans as tables: what is there, what is wanted, which steps."""

import dataclasses

import pytest

from skerry.model.container import Spec
from skerry.model.errors import SkerryError
from skerry.plan import anatomy, verbs
from skerry.plan.plan import Plan


def shape(plan):
    return [f"{step.action} {step.part.kind}" for step in plan.steps]


def started(container):
    return dataclasses.replace(container, wanted="started")


STARTING = ["make firewall", "make unit", "make ready"]


@pytest.mark.parametrize(
    ("start", "ready", "expected"),
    [
        (True, True, ["make volume", *STARTING, "make proxy"]),
        (True, False, ["make volume", *STARTING[:2], "make proxy"]),
        (False, True, ["make volume", "make proxy"]),
    ],
)
def test_create(host, container, start, ready, expected):
    plan = verbs.create(host, container, start=start, wait=verbs.Wait(ready, 5))
    assert (shape(plan), plan.recovery, plan.before) == (expected, "undo", None)
    assert plan.after.wanted == ("started" if start else "stopped")


def test_start_turns_the_route_and_stop_turns_it_back(host, container):
    start = verbs.start(host, container, verbs.Wait())
    stop = verbs.stop(host, start.after, grace=3)
    assert shape(start) == [*STARTING, "change proxy"]
    assert shape(stop) == ["change proxy", "remove unit", "remove firewall"]
    assert start.steps[-1].part == stop.steps[0].before
    assert start.steps[-1].before == stop.steps[0].part


def test_delete_begins_with_the_url_and_ends_with_the_files(host, container):
    plan = verbs.delete(host, started(container))
    assert shape(plan) == ["remove proxy", "remove unit", "remove firewall", "remove volume"]
    assert (plan.after, plan.recovery) == (None, "finish")


def test_restart_leaves_firewall_and_route_alone(host, container):
    plan = verbs.restart(host, started(container), 1, verbs.Wait())
    assert shape(plan) == ["remove unit", "make unit", "make ready"]


@pytest.mark.parametrize(
    ("changes", "running", "expected", "waiting"),
    [
        ({}, True, [], ()),
        ({"memory": "512M"}, True, ["change unit"], ()),
        ({"memory": "512M"}, False, [], ()),
        ({"disk": "2G"}, True, ["change volume"], ()),
        ({"disk": "2G"}, False, ["change volume"], ()),
        ({"env": {"A": "1"}}, True, [], ("env",)),
        ({"env": {"A": "1"}}, False, [], ()),
        ({"env": {"A": "1"}, "cpu": 0.5, "disk": "2G"}, True, ["change volume", "change unit"], ("env",)),
        ({"port": 80}, True, ["change firewall", "change proxy"], ()),
        ({"services": [{"name": "db", "port": 5432}]}, True, ["change firewall", "make proxy"], ()),
        ({"services": [{"name": "same", "port": 1071}]}, True, ["make proxy"], ()),
    ],
)
def test_update(host, container, changes, running, expected, waiting):
    before = started(container) if running else container
    spec = Spec.model_validate(container.spec.model_dump() | changes)
    plan = verbs.update(host, before, spec, running=running)
    assert (shape(plan), plan.restart_required) == (expected, waiting)
    assert plan.changed == bool(changes)


def test_a_live_change_says_what_changes_from_what_to_what(host, container):
    spec = Spec.model_validate(container.spec.model_dump() | {"memory": "512M", "pids": 64})
    step = verbs.update(host, started(container), spec, running=True).steps[0]
    assert step.reason == "memory 256M to 512M, pids 256 to 64"
    assert (step.before.memory, step.part.memory) == (256 * 1024**2, 512 * 1024**2)


def test_a_live_change_does_not_smuggle_in_what_waits_for_a_restart(host, container):
    spec = Spec.model_validate(container.spec.model_dump() | {"memory": "512M", "env": {"A": "1"}})
    step = verbs.update(host, started(container), spec, running=True).steps[0]
    assert step.part.env == step.before.env


def test_a_plan_survives_the_journal(host, container):
    spec = Spec.model_validate(container.spec.model_dump() | {"memory": "512M", "port": 80})
    for plan in (
        verbs.create(host, container, start=True, wait=verbs.Wait()),
        verbs.update(host, started(container), spec, running=True),
        verbs.delete(host, started(container)),
    ):
        assert Plan.from_json(plan.to_json()) == plan


def test_no_program_is_refused_before_anything_is_done(host, container):
    bare = dataclasses.replace(container, image=dataclasses.replace(container.image, command=()))
    with pytest.raises(SkerryError, match="names no program"):
        verbs.create(host, bare, start=True, wait=verbs.Wait())


def test_what_the_host_says_wins_in_the_environment(container):
    spec = Spec.model_validate({"image": "hello", "env": {"FROM_IMAGE": "2", "PATH": "/mine"}})
    env = dict(
        entry.split("=", 1) for entry in anatomy.environment(dataclasses.replace(container, spec=spec))
    )
    assert (env["FROM_IMAGE"], env["PATH"], env["SKERRY_ID"]) == ("2", "/mine", container.id)
