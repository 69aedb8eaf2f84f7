"""A kind of resource that only this file knows: what it gets from its declaration alone.

Two parts, a table, three verbs that change something and two that read. Below the declaration stands what comes of it:
verbs on the socket, plan and check mode with a diff, journal, undo, kill points, a command line, a module's options.
"""

import dataclasses
import inspect
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field

from plugins.module_utils import engine_handler
from skerry.cli.main import main
from skerry.client import EngineClient, EngineError
from skerry.engine import server
from skerry.engine.engine import Engine
from skerry.engine.under_way import UnderWay
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import Part, Step, warn
from skerry.protocol import hosts
from skerry.protocol.core import Change, Request, Resource, Table
from skerry.resources.kind import Answer, Context, Kind, Kinds, Plan, Planner, Reader
from tests.unit.engine.kill_points import Death, Sweep
from tools.gen_module_options import documentation
from tools.module_options import of_request

HERE = Path(__file__).name

# The declaration: spec, requests, parts, plans, store, view.

Color = Annotated[Literal["red", "blue"], Field(description="Its color; TOY_PALETTE has them all.")]
Name = Annotated[str, Field(pattern=r"^[a-z]+$", description="Name of the toy.")]


@dataclasses.dataclass(frozen=True)
class Toy:
    """A toy in a box."""

    name: str
    color: str


class ToyCreate(Change):
    """Make a toy."""

    verb: Literal["toy_create"]
    name: Name
    color: Color = "red"


class ToyPaint(Change):
    """Give a toy another color."""

    verb: Literal["toy_paint"]
    name: Name
    color: Color


class ToyDelete(Change):
    """Throw a toy away."""

    verb: Literal["toy_delete"]
    name: Name


class ToyInfo(Request):
    """Tell about one toy."""

    verb: Literal["toy_info"]
    name: Name


class ToyList(Request):
    """Tell about every toy."""

    verb: Literal["toy_list"]


RESOURCE = Resource("toy", 1, (ToyCreate, ToyPaint, ToyDelete, ToyInfo, ToyList), ("name", "color"))


class Thing(Part):
    """What both parts are on the imaginary host: an entry in a dictionary."""

    there: ClassVar[dict[str, Any]] = {}
    broken: ClassVar[set[str]] = set()
    name: str

    @property
    def key(self) -> str:
        """Where it is."""
        return f"{self.kind} {self.name}"

    def __str__(self) -> str:
        return self.key.replace("_", " ")

    def make(self, host: HostConfig) -> None:
        self.there[self.key] = self.to_json()
        if self.kind in self.broken:
            raise SkerryError(Code.FAILED, f"{self} broke")

    def remove(self, host: HostConfig) -> None:
        self.there.pop(self.key, None)

    def exists(self, host: HostConfig) -> bool:
        return self.there.get(self.key) == self.to_json()


@dataclasses.dataclass(frozen=True)
class Box(Thing):
    kind: ClassVar[str] = "toy_box"
    name: str


@dataclasses.dataclass(frozen=True)
class Figure(Thing):
    kind: ClassVar[str] = "toy_figure"
    making: ClassVar[str] = "carve"
    name: str
    color: str


def create(_context: Context, request: ToyCreate, found: Toy | None) -> list[Any]:
    if found is not None:
        raise SkerryError(Code.EXISTS, f"toy {found.name} exists already")
    steps = (
        Step("make", Box(request.name), "it lives in it"),
        Step("make", Figure(request.name, request.color), "somebody wants to play"),
    )
    return [lambda _now: Plan("toy_create", None, Toy(request.name, request.color), steps, "undo")]


def paint(_context: Context, request: ToyPaint, _found: Toy | None) -> list[Any]:
    def decide(now: Toy | None) -> Plan[Toy]:
        toy = existing(now, request.name)
        if toy.color == request.color:
            return Plan("toy_paint", toy, toy, (), "undo")
        before, after = Figure(toy.name, toy.color), Figure(toy.name, request.color)
        step = Step("change", after, f"color {toy.color} to {request.color}", before)
        return Plan("toy_paint", toy, Toy(toy.name, request.color), (step,), "undo")

    return [decide]


def delete(_context: Context, request: ToyDelete, _found: Toy | None) -> list[Any]:
    def decide(now: Toy | None) -> Plan[Toy]:
        toy = existing(now, request.name)
        parts = (Figure(toy.name, toy.color), Box(toy.name))
        return Plan(
            "toy_delete", toy, None, tuple(Step("remove", one, "nobody plays") for one in parts), "finish"
        )

    return [decide]


def existing(found: Toy | None, name: str) -> Toy:
    if found is None:
        raise SkerryError(Code.NOT_FOUND, f"there is no toy {name}")
    return found


class Toys(Kind[Toy]):
    name: ClassVar[str] = RESOURCE.name
    resource: ClassVar[type] = Toy
    tables: ClassVar[tuple[str, ...]] = (
        "CREATE TABLE toy (name TEXT PRIMARY KEY) STRICT",
        "ALTER TABLE toy ADD COLUMN color TEXT NOT NULL DEFAULT 'red'",
    )

    def planners(self) -> Mapping[str, Planner[Toy]]:
        return {"toy_create": create, "toy_paint": paint, "toy_delete": delete}

    def readers(self) -> Mapping[str, Reader]:
        return {
            "toy_info": lambda context, request: {
                "toy": vars(existing(self.find(context, request), request.name))
            },
            "toy_list": lambda context, _request: {"toys": [vars(toy) for toy in self.all(context)]},
        }

    def all(self, context: Context) -> list[Toy]:
        return [Toy(row["name"], row["color"]) for row in context.db.rows("SELECT * FROM toy ORDER BY name")]

    def find(self, context: Context, request: Any) -> Toy | None:
        return next((toy for toy in self.all(context) if toy.name == request.name), None)

    def about(self, resource: Toy) -> tuple[str, str]:
        return resource.name, resource.name

    def asked(self, request: Any) -> str:
        return str(request.name)

    def view(self, context: Context, resource: Toy) -> Answer:
        return dict(vars(resource))

    def done(self, context: Context, plan: Plan[Toy]) -> None:
        context.db.execute("DELETE FROM toy WHERE name = ?", plan.resource.name)
        if plan.after:
            context.db.execute("INSERT INTO toy VALUES (?, ?)", plan.after.name, plan.after.color)


# What comes of it.

KINDS, TABLE = Kinds((Toys(),)), Table((RESOURCE, hosts.RESOURCE))
CREATE: dict[str, Any] = {"verb": "toy_create", "name": "bear", "color": "red"}
PAINT: dict[str, Any] = {"verb": "toy_paint", "name": "bear", "color": "blue"}
DELETE: dict[str, Any] = {"verb": "toy_delete", "name": "bear"}
STEPS = ["make toy box bear: it lives in it", "carve toy figure bear: somebody wants to play"]


class World:
    """The imaginary host, for the sweep."""

    def state(self, engine: Engine) -> Any:
        return dict(Thing.there), [vars(toy) for toy in Toys().all(engine.context)]

    def save(self) -> dict[str, Any]:
        return dict(Thing.there)

    def restore(self, saved: dict[str, Any]) -> None:
        Thing.there.clear()
        Thing.there.update(saved)


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    Thing.there.clear()
    Thing.broken.clear()
    return Sweep(tmp_path, KINDS, TABLE, World(), Death())


@pytest.fixture
def path(sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The socket of an engine that knows toys."""
    monkeypatch.setattr(server._Connection, "_check_peer", lambda _self: None)
    engine = sweep.open()
    running = server.Server(f"{tmp_path}/toys.sock", TABLE, engine.answer, UnderWay(engine.is_good))
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield f"{tmp_path}/toys.sock"
    running.shutdown()
    running.server_close()
    engine.context.db.close()


def test_it_needs_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    declared = [Toys, Toy, Box, Figure, create, paint, delete, *RESOURCE.requests]
    files = {Path(inspect.getfile(one)).name for one in declared}
    named = [
        str(path)
        for folder in ("src", "plugins", "tools")
        for path in (Path(__file__).parents[3] / folder).rglob("*.py")
        if "toy" in path.read_text().lower()
    ]
    with capsys.disabled():
        print(f"\na new kind of resource needs {len(files)} file")
    assert (files, named) == ({HERE}, [])


def test_its_verbs_are_on_the_socket(path: str) -> None:
    client, events = EngineClient(path), list[dict[str, Any]]()
    made = client.call(on_event=events.append, **CREATE)
    assert (made["changed"], made["after"], made["plans"][0]["steps"]) == (
        True,
        {"name": "bear", "color": "red"},
        STEPS,
    )
    assert [event["event"] for event in events] == ["plan", "step", "step"]
    assert client.call("toy_list") == {"toys": [{"name": "bear", "color": "red"}]}
    assert client.call("status")["kinds"] == {"toy": 1, "host": 1}
    with pytest.raises(EngineError, match="there is no toy lion"):
        client.call("toy_paint", name="lion", color="blue")
    with pytest.raises(EngineError, match=r"color: 'green' is not allowed\. Give red or blue"):
        client.call("toy_create", name="lion", color="green")


def test_check_mode_shows_what_the_run_does_and_writes_nothing(path: str) -> None:
    client = EngineClient(path)
    client.call(**CREATE)
    before = dict(Thing.there)
    planned = client.call("plan", of=PAINT)
    assert (Thing.there, len(client.call("operations")["operations"])) == (before, 1)
    done = client.call(**PAINT)
    for what in ("changed", "before", "after", "plans", "warnings", "missing"):
        assert planned[what] == done[what]
    assert engine_handler.diff(planned) == {
        "before": {"name": "bear", "color": "red"},
        "after": {"name": "bear", "color": "blue"},
        "prepared": "plan: toy_paint\n  1. change toy figure bear: color red to blue\n",
    }
    again = client.call("plan", of=PAINT)
    assert (again["changed"], again["plans"]) == (False, [])


def test_the_journal_has_each_step_and_a_failure_is_undone(path: str) -> None:
    client = EngineClient(path)
    Thing.broken.add("toy_figure")
    with pytest.raises(EngineError, match=r"toy create bear: toy figure bear broke.*Nothing of it is left"):
        client.call(**CREATE)
    assert Thing.there == {}
    (one,) = client.call("operations")["operations"]
    assert (one["kind"], one["resource"], one["verb"], one["state"]) == (
        "toy",
        "bear",
        "toy_create",
        "undone",
    )
    assert (one["steps"], one["done"]) == (STEPS, 1)


def test_what_a_step_warns_of_is_in_the_answer(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, events = EngineClient(path), list[dict[str, Any]]()
    client.call(**CREATE)
    monkeypatch.setattr(Box, "remove", lambda box, _host: warn(f"{box} was not empty"))
    assert client.call("plan", of=DELETE)["warnings"] == []
    assert client.call(on_event=events.append, **DELETE)["warnings"] == ["toy box bear was not empty"]
    assert [event["event"] for event in events] == ["plan", "step", "step"]


def test_it_can_be_killed_anywhere(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    for before, request in (([], CREATE), ([CREATE], PAINT), ([CREATE], DELETE)):
        sweep.kill(before, request)
    with capsys.disabled():
        print(f"\n{sweep.count} kill points in 3 operations on toys, {len(sweep.problems)} with problems")
    assert sweep.count >= 3 * 4
    assert not sweep.problems


def test_each_step_can_be_probed(sweep: Sweep) -> None:
    engine = sweep.open()
    steps = create(engine.context, ToyCreate.model_validate(CREATE), None)[0](None).steps
    assert [step.probe(engine.context.host) for step in steps] == [False, False]
    sweep.ask(engine, CREATE)
    assert [step.probe(engine.context.host) for step in steps] == [True, True]
    engine.context.db.close()


def test_it_has_a_command_line(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    def skerry(command: str) -> str:
        assert main([*command.split(), "--socket", path], TABLE) == 0
        return capsys.readouterr().out

    assert skerry("plan toy create bear --color blue") == "".join(f"toy_create: {step}\n" for step in STEPS)
    assert skerry("toy create bear --color blue") == "bear: done\n"
    assert skerry("toy list").splitlines() == ["NAME  COLOR", "bear  blue"]
    assert skerry("toy info bear").splitlines() == ["name   bear", "color  blue"]
    assert json.loads(skerry("toy list --json")) == {"toys": [{"name": "bear", "color": "blue"}]}
    assert skerry("toy delete bear") == "bear: deleted\n"
    assert skerry("toy list") == "no toys\n"


def test_a_module_s_options_and_their_page_are_generated() -> None:
    found = of_request(ToyCreate)
    assert {name: one.spec for name, one in found.items()} == {
        "name": {"type": "str", "required": True},
        "color": {"type": "str", "choices": ["red", "blue"], "default": "red"},
    }
    assert "- Its color; C(TOY_PALETTE) has them all." in documentation(found)
