"""Published ports in plans, and what is refused: not allowed, the host's own, another container's."""

import dataclasses

import pytest

from skerry.host import listening
from skerry.model.container import Spec
from skerry.model.errors import Code, SkerryError
from skerry.resources.containers import plan, published, store
from skerry.resources.kind import Context
from skerry.store import operations, references
from tests.unit.engine_fixtures import place

SPEC = Spec(image="hello", publish=["5432", "5353:53/udp"])


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch):
    monkeypatch.setattr(listening, "listens", lambda *_: False)


@pytest.fixture
def web(container):
    return dataclasses.replace(container, desired="started", spec=SPEC)


def without(container):
    return dataclasses.replace(container, spec=Spec(image="hello"))


def other(container, realm="other"):
    key = container.key.model_copy(update={"realm": realm, "name": "rival"})
    ids = {"realm_id": realm.ljust(24, "0"), "project_id": realm.ljust(24, "1")}
    return dataclasses.replace(container, id="2".zfill(24), key=key, slot=2, **ids)


# ---- plans


def test_a_change_holds_at_once_in_one_step(host, web):
    opened = plan.update(host, without(web), SPEC, running=True)
    assert opened.titles() == ["change firewall entries of sk7: publish none to 5432 5353:53/udp"]
    assert opened.steps[0].part.published == (("udp", 5353, 53), ("tcp", 5432, 5432))
    assert opened.steps[0].before.published == ()
    assert (opened.restart_required, opened.stored) == ((), ())
    assert plan.update(host, web, SPEC, running=True).titles() == []


def test_one_that_does_not_run_publishes_when_it_is_started(host, web):
    stopped = dataclasses.replace(web, desired="stopped")
    changed = plan.update(host, without(stopped), SPEC, running=False)
    assert (changed.titles(), changed.stored) == ([], ("publish none to 5432 5353:53/udp",))
    entry = plan.start(host, stopped, plan.Wait()).steps[0].part
    assert (entry.kind, len(entry.published)) == ("firewall", 2)
    assert entry in [step.part for step in plan.stop(host, web, 1).steps if step.action == "remove"]


BY_TLS = Spec(image="hello", publish=["8883:1883/tls", "6697/tls+proxy"])


def test_a_port_by_tls_is_a_route_and_a_port_that_the_proxy_may_reach(host, web):
    name = f"{web.project_id}-{web.id}.{host.domain}"
    opened = plan.update(host, without(web), BY_TLS, running=True)
    assert opened.titles() == [
        "change firewall entries of sk7: publish none to 8883:1883/tls 6697/tls+proxy",
        f"make route {name}:6697 to 10.90.1.7:6697: publish none to 8883:1883/tls 6697/tls+proxy",
        f"make route {name}:8883 to 10.90.1.7:1883: publish none to 8883:1883/tls 6697/tls+proxy",
    ]
    entry, *routes = [step.part for step in opened.steps]
    assert (entry.published, entry.services) == ((), (1071, 1883, 6697))
    assert [(route.header, route.value.split("|")[5:]) for route in routes] == [
        (True, ["proxy"]),
        (False, []),
    ]
    assert opened.stored == ()
    bare = dataclasses.replace(web, spec=BY_TLS)
    closed = plan.update(host, bare, Spec(image="hello"), running=True)
    assert [step.action for step in closed.steps] == ["change", "remove", "remove"]


def test_a_header_is_a_change_of_the_route_alone(host, web):
    before = dataclasses.replace(web, spec=Spec(image="hello", publish=["8883/tls"]))
    changed = plan.update(host, before, Spec(image="hello", publish=["8883/tls+proxy"]), running=True)
    assert [(step.action, step.part.kind, step.part.header) for step in changed.steps] == [
        ("change", "proxy", True)
    ]


def test_what_is_stopped_or_deleted_leads_nowhere(host, web):
    bare = dataclasses.replace(web, spec=BY_TLS)
    stopped = [step.part for step in plan.stop(host, bare, 1).steps if step.part.kind == "proxy"]
    assert [part.value.split("|")[0] for part in stopped] == ["stopped"] * 3
    deleted = [step for step in plan.delete(host, bare).steps if step.part.kind == "proxy"]
    assert [step.action for step in deleted] == ["remove"] * 3


# ---- what is refused


def refusal(host, db, container, *publish, had=()):
    asked = dataclasses.replace(container, spec=Spec(image="hello", publish=publish))
    with pytest.raises(SkerryError) as error:
        published.check(Context(host, db), asked, had)
    return error.value


@pytest.mark.parametrize("entry", ["22", "22/udp", "80:8080", "443", "2222:22"])
def test_the_host_s_own_ports_are_never_published(host, db, web, entry):
    host = dataclasses.replace(host, publish_ports=("1-65535",))
    error = refusal(host, db, web, entry)
    assert error.code == Code.INVALID
    assert f"port {entry.partition(':')[0].partition('/')[0]} is the host's own: ssh, the proxy" in str(error)


def test_what_the_host_does_not_allow_names_the_variable(host, db, web):
    known = (
        "publish the ports 1024-65535, and not 1023. Choose another one, such as 1024:1023, or allow more by"
    )
    assert known in str(refusal(host, db, web, "1023"))
    closed = dataclasses.replace(host, publish_ports=())
    error = refusal(closed, db, web, "5432")
    assert "publish no port, and not 5432" in str(error)
    assert "lxc_host_publish_ports of the role lxc_host" in str(error)
    few = dataclasses.replace(host, publish_ports=("5432", "6000-6001"))
    assert "the ports 5432, 6000-6001, and not 6002" in str(refusal(few, db, web, "6002"))


@pytest.mark.parametrize("desired", ["started", "stopped"])
def test_a_port_has_one_container_and_another_realm_learns_no_more(host, db, web, desired):
    with db.transaction():
        place(db, other(web))
        store.insert(db, dataclasses.replace(other(web), desired=desired))
    error = refusal(host, db, web, "5432:1")
    assert error.code == Code.EXISTS
    assert str(error).startswith(
        "publish: port 5432/tcp of the host is taken. Choose another one, such as 5433:1"
    )
    assert "rival" not in str(error)
    own = dataclasses.replace(web, spec=Spec(image="hello", publish=["5432/udp", "5353"]))
    published.check(Context(host, db), own)  # by the other protocol it is free


def test_what_a_container_has_stays_its_own(host, db, web):
    with db.transaction():
        store.insert(db, web)
    published.check(Context(host, db), web)
    closed = dataclasses.replace(host, publish_ports=())
    published.check(Context(closed, db), web, SPEC.publish)
    assert "6000" in str(refusal(closed, db, web, "5432", "6000", had=SPEC.publish))


def test_what_may_come_back_is_nobody_else_s(host, db, web):
    """An update that takes a port away may fail, and be undone."""
    rival = other(web)
    with db.transaction():
        place(db, rival)
        store.insert(db, without(rival))
        begun = operations.begin(
            db,
            "container",
            (rival.id, str(rival.key)),
            "update",
            {"before": {"spec": {"publish": list(SPEC.publish)}}, "after": None},
        )
    assert references.published(db, besides=web.id) == {"5432/tcp", "5353/udp"}
    assert references.published(db, besides=rival.id) == set()
    assert "is taken" in str(refusal(host, db, web, "5432"))
    with db.transaction():
        operations.finish(db, begun, "done")
    published.check(Context(host, db), web)


def test_by_tls_a_port_is_one_of_the_proxy_s(host, db, web):
    error = refusal(host, db, web, "8883/tls")
    assert error.code == Code.INVALID
    assert "8883/tls: the proxy of this host ends TLS at no port, and not at 8883. Add 8883 to" in str(error)
    some = dataclasses.replace(host, tls_ports=("8883", "6697"))
    assert "ends TLS at the ports 6697, 8883, and not at 443" in str(refusal(some, db, web, "443:1/tls"))
    kept = dataclasses.replace(web, spec=Spec(image="hello", publish=["8883:1/tls"]))
    published.check(Context(host, db), kept, ["8883/tls+proxy"])


def test_a_port_of_the_proxy_is_not_published_as_it_is(host, db, web):
    some = dataclasses.replace(host, tls_ports=("8883", "8884"))
    error = refusal(some, db, web, "8883:1883")
    assert str(error) == (
        "publish: port 8883 is the proxy's, which ends TLS there. Say 8883:1883/tls to be reached there by name. "
        "Choose another one, such as 8885:1883"
    )
    published.check(
        Context(some, db), dataclasses.replace(web, spec=Spec(image="hello", publish=["8883/udp"]))
    )


def test_containers_share_a_port_by_tls(host, db, web, monkeypatch):
    """And the proxy itself listens there."""
    monkeypatch.setattr(listening, "listens", lambda *_: True)
    some = dataclasses.replace(host, tls_ports=("8883", "6697"))
    with db.transaction():
        place(db, other(web))
        store.insert(db, dataclasses.replace(other(web), spec=BY_TLS))
    published.check(Context(some, db), dataclasses.replace(web, spec=BY_TLS))


def test_a_port_of_a_program_of_the_host_is_not_taken_away(host, db, web, monkeypatch):
    monkeypatch.setattr(listening, "listens", lambda protocol, port: (protocol, port) == ("udp", 5353))
    published.check(Context(host, db), dataclasses.replace(web, spec=Spec(image="hello", publish=["5353"])))
    assert "a program of the host itself listens at port 5353/udp" in str(refusal(host, db, web, "5353/udp"))


def test_the_next_free_port_is_proposed(host, db, web):
    with db.transaction():
        place(db, other(web))
        store.insert(db, dataclasses.replace(other(web), spec=Spec(image="hello", publish=["5432", "5433"])))
    few = dataclasses.replace(host, publish_ports=("5432-5433", "7000"))
    assert "such as 5434:5432" in str(refusal(host, db, web, "5432"))
    assert "such as 7000:5432" in str(refusal(few, db, web, "5432"))
    full = dataclasses.replace(host, publish_ports=("5432-5433",))
    assert "is taken. Leave it out, since none is free" in str(refusal(full, db, web, "5433"))
    below = dataclasses.replace(host, publish_ports=("5000", "5432-5433"))
    assert "such as 5000:5433/udp" in str(refusal(below, db, web, "6000:5433/udp"))
    assert "such as 1024:22" in str(refusal(host, db, web, "22"))
