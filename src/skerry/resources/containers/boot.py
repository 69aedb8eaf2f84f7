"""Starts containers after a boot: each after those that it comes after, and all others beside one another."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from skerry.model.container import Container
from skerry.model.ends import Health
from skerry.model.errors import SkerryError
from skerry.protocol import containers as requests
from skerry.resources.containers import health, store
from skerry.resources.containers.view import running
from skerry.resources.kind import Apply, Context

_AT_ONCE = 8
_LONGEST = 60.0  # seconds that one is waited for until it is healthy
_FIRST_TRY, _LAST_TRY = 1.0, 60.0  # seconds between tries of one that did not start; they double
_PAUSE, _PAUSE_OF_COMMANDS = 0.2, 1.0  # seconds between two looks whether it is
_log = logging.getLogger(__name__)
Place = tuple[str, str, str]  # realm, project, name


def _place(container: Container) -> Place:
    return container.key.realm, container.key.project, container.key.name


def before(container: Container, every: Mapping[Place, Container]) -> list[Place]:
    """Those of ``every`` that a container comes after. One that is not to run, or is gone, is waited for by nobody."""
    places = [(container.key.realm, container.key.project, name) for name in container.spec.after]
    return [place for place in places if place in every]


def waves(every: Mapping[Place, Container]) -> dict[Place, int]:
    """How many stand before each one in the longest line; a circle, which no request makes, is cut."""
    depth: dict[Place, int] = {}

    def walk(place: Place, way: frozenset[Place]) -> int:
        if place not in depth:
            others = [one for one in before(every[place], every) if one not in way]
            depth[place] = 1 + max((walk(one, way | {place}) for one in others), default=-1)
        return depth[place]

    for place in every:
        walk(place, frozenset({place}))
    return depth


class Boot:
    """The observer that starts what the store says is to come back, while everybody is served.

    What a user does meanwhile wins. One that cannot be started keeps none down, and nobody is waited for without end.

    Args:
        context: the host and the store.
        apply: starts a container.
        look: has a container looked at that is not to be started any more.
    """

    def __init__(self, context: Context, apply: Apply, look: Callable[[str], None]) -> None:
        self._context, self._apply, self._look = context, apply, look
        self._every: dict[Place, Container] = {}
        self._here: dict[Place, threading.Event] = {}  # it came, or is not waited for any longer
        self._starting = threading.Semaphore(_AT_ONCE)
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, or go on where an engine before this one ended."""
        db = self._context.db
        desired = {_place(one): one for one in store.all_containers(db) if one.desired == "started"}
        coming = [place for place, one in desired.items() if store.comes_back(db, one.id)]
        if not coming:
            return
        self._every, depth = desired, waves(desired)
        self._here = {place: threading.Event() for place in desired}
        awaited = {other for one in desired.values() for other in before(one, desired)}
        # A thread each: one that waits keeps none of another tenant's waiting.
        for place in sorted(awaited.union(coming), key=depth.__getitem__):
            first = [other for other in before(desired[place], desired) if depth[other] < depth[place]]
            come = (place, first, place in awaited)
            self._threads.append(threading.Thread(target=self._come, args=come, name="boot", daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; what has not come back is started by the next engine."""
        self._ended.set()
        for event in self._here.values():
            event.set()
        for thread in self._threads:
            thread.join()

    def _come(self, place: Place, first: list[Place], awaited: bool) -> None:
        """Start a container after those that come ``first``, and try again for as long as that fails."""
        container, pause = self._every[place], _FIRST_TRY
        try:
            for other in first:
                self._here[other].wait(_LONGEST * 2)
            settled = self._try(container)
            if settled and awaited:
                self._wait_until_healthy(container)
        finally:
            self._here[place].set()
        while not settled and not self._ended.wait(pause):  # the host was busy, or its program ended at once
            settled, pause = self._try(container), min(2 * pause, _LAST_TRY)

    def _try(self, container: Container) -> bool:
        """Start a container, if that is still wanted; False where it is to be tried again."""
        with self._starting:
            if self._ended.is_set():
                return False
            try:
                if not self._start(container):
                    return False
                with self._context.db.transaction():
                    store.came_back(self._context.db, container.id)
            except Exception:  # noqa: BLE001 - a full store, or what nobody foresaw: its thread goes on
                _log.exception("container %s is tried later", container.key)
                return False
        self._look(container.id)
        return True

    def _start(self, container: Container) -> bool:
        """Start a container, if that is still wanted; False where it failed and is to be tried again."""

        def still(found: Container | None) -> bool:
            return self._is_to_run(container, found) and not running(container)

        try:
            request = requests.Start(verb="start", container=container.key, wait="running")
            self._apply(request, still)
        except SkerryError as error:
            _log.error("container %s did not start: %s", container.key, error)
            now = store.find_id(self._context.db, container.id)
            return now is None or now.spec.restart == "never"
        return True

    def _is_to_run(self, container: Container, found: Container | None) -> bool:
        """Whether nobody has started, stopped, deleted or replaced it since the host was started."""
        wanted = found is not None and found.id == container.id and found.desired == "started"
        return wanted and store.comes_back(self._context.db, container.id)

    def _wait_until_healthy(self, container: Container) -> None:
        """Where it has a check, and for as long as it runs."""
        if (check := container.health_check) is None:
            return
        begun, pause = time.monotonic(), _PAUSE if check.command is None else _PAUSE_OF_COMMANDS
        while problem := _problem(self._context, container, check):
            if time.monotonic() - begun > _LONGEST:
                _log.warning("container %s is not healthy after %g s: %s", container.key, _LONGEST, problem)
                return
            if self._ended.wait(pause):
                return


def _problem(context: Context, container: Container, check: Health) -> str:
    """What is wrong with a container that runs; nobody waits for one that does not run any more."""
    try:
        return health.probe(context.host, container, check) if running(container) else ""
    except SkerryError as error:
        return str(error)
