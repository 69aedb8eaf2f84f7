"""Kill the engine after every effect and every write of an operation, start it anew, and look at what is left."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from skerry.engine import executor
from skerry.engine.engine import Engine
from skerry.engine.reconcile import reconcile
from skerry.model.host import HostConfig
from skerry.parts.base import Step
from skerry.protocol.core import WIRE_VERSION, Table
from skerry.resources.kind import Context, Kinds
from skerry.store import operations
from skerry.store.db import Database

Request = dict[str, Any]


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the engine may catch it."""


@dataclass
class Death:
    """Where the engine dies: at the ``at``-th point that it comes by, and never where that is None."""

    at: int | None = None
    seen: int = 0

    def point(self) -> None:
        """A point at which an engine can be killed."""
        self.seen += 1
        if self.at is not None and self.seen == self.at:
            raise Killed

    def after(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with a point after it."""

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            self.point()
            return result

        return wrapper

    @contextlib.contextmanager
    def everywhere(self) -> Iterator[None]:
        """Points after a plan is written, after each effect, each mark, each undoing, and after an operation is closed."""
        run = executor.run

        def begun(*args: Any, **kwargs: Any) -> Any:
            self.point()
            return run(*args, **kwargs)

        with (
            mock.patch.object(executor, "run", begun),
            mock.patch.object(executor, "_close", self.after(executor._close)),
            mock.patch.object(Step, "do", self.after(Step.do)),
            mock.patch.object(operations, "mark", self.after(operations.mark)),
        ):
            yield


class World(Protocol):
    """The machine below the engine: what a store does not hold."""

    def state(self, engine: Engine) -> Any:
        """What of the store and the machine matters, as something to compare."""

    def save(self) -> Any:
        """All that is there."""

    def restore(self, saved: Any) -> None:
        """Let exactly that be there."""


@dataclass
class Sweep:
    """Kills an engine with these kinds and verbs.

    Attributes:
        count: kill points so far.
        problems: what was wrong after one of them.
    """

    folder: Path
    kinds: Kinds
    table: Table
    world: World
    death: Death = field(default_factory=Death)
    count: int = 0
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._nothing = self.world.save()

    def open(self) -> Engine:
        """An engine that has started."""
        state = f"{self.folder}/host"
        host = HostConfig(
            domain="example.org",
            fences="reported",
            state=state,
            pool=f"{state}/pool",
            run=f"{state}/run",
            tls_ports=("6697-6698", "8883"),
        )
        db = Database.open(host.database, self.kinds.tables())
        engine = Engine(Context(host, db, b"secret"), self.kinds, self.table)
        reconcile(engine)
        return engine

    def ask(self, engine: Engine, request: Request) -> dict[str, Any]:
        """What the engine answers."""
        return engine.answer(self.table.parse({"version": WIRE_VERSION, **request}))

    def _prepare(self, before: list[Request]) -> Any:
        """A host on which ``before`` was done; kept in a second folder."""
        for name in ("host", "kept"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.world.restore(self._nothing)
        engine = self.open()
        for request in before:
            self.ask(engine, request)
        was = self.world.state(engine)
        engine.context.db.close()
        shutil.copytree(self.folder / "host", self.folder / "kept")
        self._saved = self.world.save()
        return was

    def _restored(self) -> Engine:
        shutil.rmtree(self.folder / "host")
        shutil.copytree(self.folder / "kept", self.folder / "host")
        self.world.restore(self._saved)
        return self.open()

    def kill(self, before: list[Request], request: Request) -> int:
        """Kill it at each point of ``request``, which comes after ``before``; how many points there were."""
        was = self._prepare(before)
        engine = self._restored()
        self.death.at, self.death.seen = None, 0
        with self.death.everywhere():
            self.ask(engine, request)
        allowed, points = (was, self.world.state(engine)), self.death.seen
        engine.context.db.close()
        for point in range(1, points + 1):
            self._kill_at(point, request, allowed)
        self.count += points
        return points

    def _kill_at(self, point: int, request: Request, allowed: tuple[Any, Any]) -> None:
        engine = self._restored()
        self.death.at, self.death.seen = point, 0
        with self.death.everywhere(), contextlib.suppress(Killed):
            self.ask(engine, request)
            self.problems.append(f"{request['verb']}: not killed at {point}")
        self.death.at = None
        engine.context.db.close()
        engine = self.open()
        where = f"{request['verb']}, killed at {point}"
        if operations.unfinished(engine.context.db):
            self.problems.append(f"{where}: an operation is open")
        if (found := self.world.state(engine)) not in allowed:
            self.problems.append(f"{where}: {found} is neither of {allowed}")
        engine.context.db.close()
