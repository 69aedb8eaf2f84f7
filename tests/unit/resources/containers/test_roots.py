"""Another image on an imaginary machine: what the old root counts as, what is refused late, who waits for slow looks."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine import engine as loop
from skerry.engine.engine import Engine
from skerry.host import btrfs, quotas
from skerry.model.errors import Code, SkerryError
from skerry.parts import root
from skerry.parts.root import Written
from skerry.parts.unit import Unit
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers import store
from skerry.resources.registered import KINDS
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at

MEBI = 1024**2
KEY, DATA = {"container": {"name": "blog"}}, {"volume": {"name": "data"}}
ANEW: dict[str, Any] = {"verb": "update", **KEY, "spec": {"image": "other"}}
LATE = Written(files=1, size=4096, names=["/late"])


@pytest.fixture
def machine() -> Machine:
    return Machine(lambda: None)


@pytest.fixture
def engine(tmp_path: Path, machine: Machine) -> Iterator[Engine]:
    """One with a container that runs, of the first of two images."""
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        for name in ("hello", "other"):
            image = {"name": name, "command": ["/app"], **tarball_at(tmp_path / f"{name}.tar", name)}
            ask(found, verb="image_import", **image)
        ask(found, verb="create", **KEY, spec={"image": "hello", "disk": "1G"})
        yield found
        found.context.db.close()


def ask(engine: Engine, **request: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, **request})))


def kept(engine: Engine) -> list[tuple[int, int]]:
    """Number and size of each kept root."""
    (container,) = store.all_containers(engine.context.db)
    return [(one.number, one.size) for one in container.kept]


def grows(monkeypatch: pytest.MonkeyPatch, before: int, after: int) -> None:
    """The program writes until it ends."""
    monkeypatch.setattr(quotas, "written_to", lambda path: (after if "/kept/" in path else before) * MEBI)


def test_a_kept_root_is_told_of_as_what_it_takes_at_its_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    grows(monkeypatch, 1, 300)
    changed = ask(engine, **ANEW)
    assert [(one["verb"], len(one["steps"])) for one in changed["plans"]] == [("update", 7), ("update", 0)]
    assert kept(engine) == [(1, 300 * MEBI)]
    grows(monkeypatch, 2, 400)
    ask(engine, verb="rollback", **KEY)
    assert kept(engine) == [(2, 400 * MEBI)]


def test_where_all_that_it_has_leaves_a_new_root_no_disk_that_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "used_by", lambda *_: 1023 * MEBI)
    said = r"disk: 1G is too little beside kept roots and snapshots, which take 1024M\. Give at least 1040M, delete"
    with pytest.raises(SkerryError, match=said):
        ask(engine, **ANEW)
    grows(monkeypatch, 900, 900)  # and that goes
    ask(engine, **{**ANEW, "spec": {"image": "other", "rollbacks": 0}})


def test_what_does_not_change_is_weighed_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    grows(monkeypatch, 5, 5)
    assert len(ask(engine, **ANEW)["plans"]) == 1
    monkeypatch.setattr(quotas, "written_to", None)
    ask(engine, verb="update", **KEY, spec={"memory": "512M", "image": "other"})
    ask(engine, verb="rollback", **KEY, image="other")


def test_files_that_it_writes_until_it_ends_are_not_left_behind(engine: Engine, machine: Machine) -> None:
    remove = machine.remove

    def writing(part: Any, host: Any) -> None:
        if isinstance(part, Unit):
            machine.written = LATE
        remove(part, host)

    machine.remove = writing  # type: ignore[method-assign]
    with pytest.raises(
        SkerryError, match=r"as it ended, its program wrote 1 file \(4K\) to its root"
    ) as found:
        ask(engine, **ANEW)
    assert (
        found.value.code,
        "such as /late. It was stopped, and is started again as it was before, but for its volumes"
        in found.value.hint,
    ) == (
        Code.INVALID,
        True,
    )
    (container,) = store.all_containers(engine.context.db)
    assert (container.spec.image, container.root, container.kept) == ("hello", 1, ())
    assert ("unit", container.id) in machine.parts
    machine.written = Written()
    assert ask(engine, **ANEW, discard_root=True)["after"]["image"] == "other"


def test_a_count_that_did_not_end_is_no_proof_of_nothing(engine: Engine, machine: Machine) -> None:
    machine.written = Written(whole=False)
    with pytest.raises(SkerryError, match="wrote at least 0 files"):
        ask(engine, **ANEW)
    ask(engine, **ANEW, discard_root=True)


@pytest.mark.parametrize(
    "request_",
    [
        {**ANEW, "discard_root": True},
        {"verb": "ensure", **KEY, "spec": {"image": "other"}, "state": "restarted", "discard_root": True},
        {"verb": "update", **KEY, "spec": {"disk": "64M"}},
        {"verb": "rollback", **KEY},
        {"verb": "volume_update", **DATA, "size": "64M"},
        {"verb": "volume_restore", **DATA},
        {"verb": "snapshot_create", "snapshot": {"source": "blog"}},
        {"verb": "snapshot_create", "snapshot": {"source": "volume/data"}},
        {"verb": "snapshot_restore", "snapshot": {"source": "blog", "name": "one"}},
        {"verb": "snapshot_restore", "snapshot": {"source": "volume/data", "name": "one"}},
    ],
)
def test_nobody_waits_while_files_are_counted(
    engine: Engine, machine: Machine, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(engine, verb="volume_create", **DATA, size="1G")
    machine.full.add(f"{ask(engine, verb='volume_info', **DATA)['volume']['id']}-1")
    if request_["verb"] == "rollback":
        ask(engine, **ANEW)
    for source in ("blog", "volume/data"):
        ask(engine, verb="snapshot_create", snapshot={"source": source, "name": "one"})
    held: list[bool] = []

    def slow(found: Any) -> Any:
        def looked(*_: Any) -> Any:
            held.append(engine.context.db._connection.in_transaction)
            return found

        return looked

    monkeypatch.setattr(root, "written", slow(LATE))
    monkeypatch.setattr(root, "counted", slow(LATE))
    monkeypatch.setattr(btrfs, "inside", slow([]))
    monkeypatch.setattr(quotas, "written_to", slow(MEBI))
    monkeypatch.setattr(quotas, "used_by", slow(MEBI))
    if request_["verb"] == "volume_restore":
        with pytest.raises(SkerryError, match="has files of its own, which take 1M"):
            ask(engine, **request_)
    else:
        assert ask(engine, **request_)["changed"]
    assert set(held) == {False}


def test_a_decision_is_right_where_the_look_saw_something_else(
    engine: Engine, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that bears another image since then."""
    monkeypatch.setattr(loop._Work, "look", lambda _work: None)
    machine.written = dataclasses.replace(LATE)
    with pytest.raises(SkerryError, match="container default/default/blog wrote 1 file"):
        ask(engine, **ANEW)
    ask(engine, **ANEW, discard_root=True)
    assert kept(engine) == [(1, MEBI)]
