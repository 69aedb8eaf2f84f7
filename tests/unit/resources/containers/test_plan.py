"""Plans as tables: what is there, what is desired, which steps."""

import dataclasses

import pytest

from skerry.model.container import Spec
from skerry.model.errors import SkerryError
from skerry.resources.containers import anatomy
from skerry.resources.containers import plan as verbs
from skerry.resources.containers.kind import Containers

KIND, MEBI = Containers(), 1024**2


def shape(plan):
    return [f"{step.action} {step.part.kind}" for step in plan.steps]


def started(container):
    return dataclasses.replace(container, desired="started")


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
    assert plan.after.desired == ("started" if start else "stopped")


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


def test_freeze_begins_with_the_url_and_thaw_ends_with_it(host, container):
    freeze = verbs.freeze(host, started(container))
    thaw = verbs.thaw(host, freeze.after)
    assert (shape(freeze), freeze.after.desired) == (["change proxy", "make freezer"], "frozen")
    assert (shape(thaw), thaw.after.desired) == (["remove freezer", "change proxy"], "started")
    assert freeze.steps[0].part.ip == ""
    assert thaw.steps[-1].part == freeze.steps[0].before


def test_what_is_frozen_goes_on_before_it_is_told_to_end(host, container):
    frozen = dataclasses.replace(container, desired="frozen")
    assert shape(verbs.stop(host, frozen, 5)) == ["remove freezer", "remove unit", "remove firewall"]
    restart = verbs.restart(host, frozen, 5, verbs.Wait())
    assert shape(restart) == ["remove freezer", "remove unit", "make unit", "make ready", "change proxy"]
    assert restart.after.desired == "started"


def test_a_frozen_one_is_deleted_as_it_is(host, container):
    plan = verbs.delete(host, dataclasses.replace(container, desired="frozen"))
    assert shape(plan) == ["remove proxy", "remove unit", "remove firewall", "remove volume"]


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
        ({"labels": {"app": "web"}}, True, [], ()),
        ({"snapshot_every": "6h", "snapshot_keep": "2d"}, True, [], ()),
    ],
)
def test_update(host, container, changes, running, expected, waiting):
    before = started(container) if running else container
    spec = Spec.model_validate(container.spec.model_dump() | changes)
    plan = verbs.update(host, before, spec, running=running)
    assert (shape(plan), plan.restart_required) == (expected, waiting)
    assert plan.changed == bool(changes)


@pytest.mark.parametrize(
    ("changes", "running", "stored"),
    [
        ({"env": {"OLD": "0ther", "A": "s3cret"}}, True, ("env (A added)",)),
        ({"env": {}}, True, ("env (OLD removed)",)),
        ({"env": {"OLD": "s3cret", "A": "1"}}, False, ("env (A added, OLD changed)",)),
        ({"memory": "1G", "command": ["/app", "a b"]}, False,
         ("memory 256M to 1G", "command the image's own to /app 'a b'")),
        ({"memory": "1G", "pids": 64, "disk": "2G", "port": 80, "services": [{"name": "a", "port": 1}]}, True, ()),
        ({"labels": {"tier": "1", "app": "web"}}, True, ("labels none to app=web tier=1",)),
        ({"snapshot_every": "24h", "snapshot_keep": "14d"}, True, ("snapshot_every none to 1d", "snapshot_keep 1w to 2w")),
        ({}, True, ()),
    ],
)  # fmt: skip
def test_an_update_says_what_it_stores_besides_its_steps(host, container, changes, running, stored):
    spec = Spec.model_validate(container.spec.model_dump() | {"env": {"OLD": "0ther"}})
    before = dataclasses.replace(started(container) if running else container, spec=spec)
    after = Spec.model_validate(spec.model_dump() | changes)
    plan = verbs.update(host, before, after, running=running)
    assert plan.stored == stored
    assert KIND.load(KIND.dump(plan)).stored == stored


def test_a_change_of_routes_says_from_what_to_what(host, container):
    services = [{"name": "web", "port": 80}, {"name": "db", "port": 5432}]
    spec = Spec.model_validate(container.spec.model_dump() | {"services": services})
    reasons = {step.reason for step in verbs.update(host, container, spec, running=False).steps}
    assert reasons == {"services none to web:80 db:5432"}


def test_an_older_journal_can_still_be_read(host, container):
    plan = verbs.create(host, container, start=True, wait=verbs.Wait())
    older = KIND.dump(plan)
    del older["stored"]
    assert KIND.load(older) == plan


def test_no_secret_is_in_what_is_shown_of_a_container_or_a_plan(host, container):
    secret = dataclasses.replace(
        container,
        spec=Spec(image="hello", env={"TOKEN": "s3cret"}),
        image=dataclasses.replace(container.image, env={"KEY": "s3cret"}),
    )
    plan = verbs.create(host, secret, start=True, wait=verbs.Wait())
    assert secret.view()["env"] == ["TOKEN"]
    assert "s3cret" not in repr((secret, secret.view(), plan.titles()))


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
        assert KIND.load(KIND.dump(plan)) == plan


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
