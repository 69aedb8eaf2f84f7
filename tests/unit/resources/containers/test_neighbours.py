"""Plans of containers that talk to one another: which steps each verb takes, and what is refused."""

import dataclasses
from pathlib import Path

import pytest

from skerry.host import nft_kernel
from skerry.model.container import ContainerKey, Spec
from skerry.model.errors import SkerryError
from skerry.model.neighbours import Peer
from skerry.parts.neighbours import hosts_file
from skerry.resources.containers import neighbours, plan, store
from skerry.resources.kind import Context
from tests.unit.engine_fixtures import place

OTHER = "2".zfill(24)
REACHES = ("database:5432", "database:5433/udp")
DATABASE = Peer(OTHER, "default", "database", 2, up=True)
ELSEWHERE = dataclasses.replace(DATABASE, project="data")
CALLER = dataclasses.replace(DATABASE, name="caller", reaches=("web:80",))


@pytest.fixture
def web(container):
    key = ContainerKey(name="web")
    return dataclasses.replace(
        container, key=key, desired="started", spec=Spec(image="hello", reaches=REACHES)
    )


def steps(host, made, *others):
    return [f"{step.action} {step.part.kind}" for step in neighbours.with_links(host, made, others).steps]


def without(container):
    return dataclasses.replace(container, spec=Spec(image="hello"))


REACHING, NAMED = ["make reach"] * 2, ["make host_name"]


def test_what_it_reaches_is_open_before_its_program_runs(host, web):
    """Its names come with its unit."""
    start = plan.start(host, dataclasses.replace(web, desired="stopped"), plan.Wait())
    found = steps(host, start, DATABASE)
    assert found == ["make firewall", *REACHING, "make unit", "make ready", "change proxy"]


def test_one_that_crashed_is_started_whole(host, web):
    assert steps(host, plan.start(host, web, plan.Wait()), DATABASE)[1:3] == REACHING


def test_nothing_is_opened_to_one_that_is_not_to_run(host, web):
    start = plan.start(host, dataclasses.replace(web, desired="stopped"), plan.Wait())
    assert "make reach" not in steps(host, start, dataclasses.replace(DATABASE, up=False))


def test_it_is_closed_when_its_program_has_ended(host, web):
    found = steps(host, plan.stop(host, web, 1), DATABASE)
    assert found == ["change proxy", "remove unit", "remove reach", "remove reach", "remove firewall"]


def test_who_reaches_one_that_starts_may_do_so_from_then_on(host, web):
    start = plan.start(host, dataclasses.replace(without(web), desired="stopped"), plan.Wait())
    assert steps(host, start, CALLER)[:3] == ["make firewall", "make reach", "make unit"]


def test_one_that_is_created_gets_a_name_where_it_is_reached(host, web):
    create = plan.create(host, without(web), start=False, wait=plan.Wait())
    assert steps(host, create, CALLER) == ["make volume", "make proxy", "make host_name"]
    assert "make host_name" not in steps(host, create, dataclasses.replace(CALLER, up=False))


def test_one_that_is_deleted_is_known_to_nobody(host, web):
    found = steps(host, plan.delete(host, without(web)), CALLER)
    assert found == [
        "remove proxy", "remove unit", "remove reach", "remove host_name", "remove firewall", "remove volume",
    ]  # fmt: skip


def test_a_restart_changes_nothing_between_neighbours(host, web):
    found = steps(host, plan.restart(host, web, 1, plan.Wait()), DATABASE, CALLER)
    assert found == ["remove unit", "make unit", "make ready"]


def test_an_update_opens_and_closes_at_once(host, web):
    opened = plan.update(host, without(web), web.spec, running=True)
    closed = plan.update(host, web, Spec(image="hello", reaches=REACHES[1:]), running=True)
    assert steps(host, opened, DATABASE) == [*REACHING, *NAMED]
    assert steps(host, closed, DATABASE) == ["remove reach"], "its name stays for the other port"
    assert not opened.restart_required


def test_consent_is_given_and_taken_back_at_once(host, web):
    caller = dataclasses.replace(CALLER, project="shop", reaches=("default/web:80",))
    lets_in = Spec(image="hello", reachable_from=["shop/caller"])
    given = plan.update(host, without(web), lets_in, running=True)
    taken = plan.update(host, dataclasses.replace(web, spec=lets_in), Spec(image="hello"), running=True)
    assert steps(host, given, caller) == ["make reach", "make host_name"]
    assert steps(host, taken, caller) == ["remove reach", "remove host_name"]


# ---- what is refused


@pytest.fixture
def others(db, web):
    with db.transaction():
        for slot, (realm, project, name) in enumerate(
            [
                ("default", "default", "database"),
                ("default", "data", "store"),
                ("other", "default", "secret"),
            ],
            start=2,
        ):
            key = ContainerKey(realm=realm, project=project, name=name)
            ids = {"realm_id": realm.ljust(24, "0"), "project_id": f"{realm}{project}".ljust(24, "0")[:24]}
            if realm == "default":
                ids["realm_id"] = web.realm_id
            if (realm, project) == ("default", "default"):
                ids["project_id"] = web.project_id
            made = dataclasses.replace(without(web), id=f"{slot:024x}", key=key, slot=slot, **ids)
            place(db, made)
            store.insert(db, made)
    return db


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("databases:5432", "no container 'databases' in its project. Did you mean database?"),
        ("secret:1", "no container 'secret' in its project. Create it first, or name another. Containers there: database"),
        ("web:80", "web is the container itself. Leave it out: it reaches its own ports at localhost"),
        ("default/web:80", "web is the container itself"),
        ("data/store:1", "lets default/web in. Create it with reachable_from: [default/web]"),
        ("data/nobody:1", "no container data/nobody in realm default that lets default/web in"),
    ],
)  # fmt: skip
def test_who_can_not_be_reached_is_refused(others, web, entry, said):
    """One of another realm is not there; one of another project that lets nobody in is told apart from none by nobody."""
    with pytest.raises(SkerryError) as error:
        neighbours.check(others, web, [entry])
    assert said in str(error.value)


def test_one_of_the_project_is_not_refused_and_known_by_its_slot(others, web):
    neighbours.check(others, web, REACHES)
    assert store.neighbours_of(others, web.realm_id, "default", "web", web.spec) == {"database": 2}


# ---- what two operations at the same time have missed


@pytest.fixture
def firewall(monkeypatch):
    """The elements of a firewall that is none."""
    there = set()
    monkeypatch.setattr(nft_kernel, "add", there.update)
    monkeypatch.setattr(nft_kernel, "delete", lambda old: not there.difference_update(old))
    return there


def test_what_differs_between_neighbours_is_mended(host, others, web, firewall):
    """An entry that should be gone, one that should be there, a name of one that is gone."""
    with others.transaction():
        store.insert(others, web)
    context = Context(host, others)
    wanted = {one for part in neighbours.reaches(context, [web.realm_id]) for one in part.elements()}
    stale = dataclasses.replace(next(iter(wanted)), key=("10.90.1.9", "10.90.1.2", "tcp", 1))
    file = Path(host.run, "c", web.id, "hosts")
    file.parent.mkdir(parents=True)
    file.write_text("10.90.1.9\tdatabase\n", encoding="utf-8")
    firewall.add(stale)
    assert len(list(neighbours.settle(context, {stale}))) == len(wanted) + 2
    assert firewall == wanted
    assert file.read_text() == hosts_file(host, "web", web.slot, [("database", 2)])
    assert list(neighbours.settle(context, set(firewall))) == []
