"""Watches what containers do by themselves: writes it down, and turns their URLs at once."""

import concurrent.futures
import dataclasses
import functools
import logging
import sqlite3
import threading
import time

from skerry.host import ports, systemd
from skerry.host.units import Listener
from skerry.model.addresses import addresses
from skerry.model.container import Container
from skerry.model.ends import HEALTHY_SECONDS, REBOOTED, End, Health
from skerry.model.errors import Code, SkerryError
from skerry.model.ids import ID_PATTERN
from skerry.parts import ends as launched
from skerry.parts import proxy
from skerry.parts.unit import Unit
from skerry.protocol import containers as requests
from skerry.resources.containers import anatomy, ends, health, health_command, neighbours, stops, store
from skerry.resources.kind import Alone, Apply, Context
from skerry.store import operations

_BUSY = 0.2  # seconds until a container is looked at again that an operation works on
_FAILED = 1.0  # the same where that failed
_STARTING = 0.05  # the same for one whose program is about to run
_CHECKERS = 4  # health checks of one realm at a time: those that hang keep none of another realm's waiting
_NEIGHBOURS = ""  # in the place of a container's id: who may talk to whom
_PORTS = "ports"  # the same: what containers have left on the bridge
_ENDS = 1.0  # seconds after an end until these are looked at
_LEFT = 5.0  # seconds that the kernel then has to take away by itself what one has left
_FROZEN = 1.0  # seconds until one whose processes are held is looked at again
_log = logging.getLogger(__name__)


class Watch:
    """The observer of containers: one thread that listens, one that looks, and a few that check health where asked."""

    def __init__(self, context: Context, alone: Alone, apply: Apply) -> None:
        self._context, self._alone, self._apply = context, alone, apply
        self._due: dict[str, float] = {}  # id of a container: when to look at it
        self._checks: dict[str, health.Checking] = {}
        self._wake = threading.Condition()
        self._own = {_NEIGHBOURS: self._settle, _PORTS: self._clear_ports}
        self._left: set[int] = set()  # numbers of ports that were of no container at the last look
        self._ended = False
        self._behind = False  # the proxy's live map is not what the store has
        self._listener = Listener(self._changed, self.look_at_all)
        self._thread = threading.Thread(target=self._run, name="containers", daemon=True)
        self._pool = concurrent.futures.ThreadPoolExecutor(_CHECKERS, "ended")
        self._checkers: dict[str, concurrent.futures.ThreadPoolExecutor] = {}  # by realm
        self._restarters: dict[str, concurrent.futures.ThreadPoolExecutor] = {}  # the same

    def start(self) -> None:
        """Begin: what happened while no engine ran is found at once."""
        self.look_at_all()
        self._thread.start()
        self._listener.start()

    def stop(self) -> None:
        """End; returns when nothing is written any more."""
        self._listener.stop()
        with self._wake:
            self._ended = True
            self._wake.notify()
        self._thread.join()
        pools = (self._pool, *self._checkers.values(), *self._restarters.values())
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        health_command.HELPER.close()
        for pool in pools:
            pool.shutdown()

    def look_at_all(self) -> None:
        """Look at every container now."""
        for container in store.all_containers(self._context.db):
            self.look_soon(container.id)
        self._look_in(_PORTS, _ENDS)

    def look_soon(self, container_id: str) -> None:
        """Look at a container as soon as no operation works on it."""
        self._look_in(container_id, 0.0)

    def look_at_neighbours(self) -> None:
        """Look at who may talk to whom as soon as no operation works on a container."""
        self._look_in(_NEIGHBOURS, 0.0)

    def _changed(self, unit: str) -> None:
        name = unit.removeprefix("skerry-").removesuffix(".service")
        if ID_PATTERN.fullmatch(name):
            self._look_in(name, 0.0)

    def _look_in(self, container_id: str, seconds: float) -> None:
        """Look at a container after ``seconds``, or earlier where that is planned already."""
        at = time.monotonic() + seconds
        with self._wake:
            if at < self._due.get(container_id, float("inf")):
                self._due[container_id] = at
                self._wake.notify()

    def _run(self) -> None:
        while (container_id := self._next()) is not None:
            try:
                again = self._own.get(container_id, functools.partial(self._look, container_id))()
            except (SkerryError, OSError, sqlite3.Error) as error:
                _log.warning("container %s could not be looked at: %s", container_id, error)
                again = _FAILED
            except Exception:  # noqa: BLE001 - one that cannot be looked at must not hide all others
                _log.exception("container %s could not be looked at in a way nobody foresaw", container_id)
                again = _FAILED
            if again is not None:
                self._look_in(container_id, again)

    def _next(self) -> str | None:
        """The container to look at, once one is due; None when it is over."""
        with self._wake:
            while not self._ended:
                first = min(self._due, key=self._due.__getitem__, default=None)
                wait = None if first is None else self._due[first] - time.monotonic()
                if first is not None and wait is not None and wait <= 0:
                    del self._due[first]
                    return first
                self._wake.wait(wait)
            return None

    def _look(self, container_id: str) -> float | None:
        """Write down what a container does, if that is new; returns after how many seconds to look again."""
        container = store.find_id(self._context.db, container_id)
        if container is None or container.desired != "started":
            self._checks.pop(container_id, None)
            self._look_in(_PORTS, _ENDS)
            return None
        try:
            with self._alone(str(container.key)):
                return self._look_alone(container_id)
        except SkerryError as error:
            if error.code != Code.BUSY:
                raise
            return _BUSY

    def _look_alone(self, container_id: str) -> float | None:
        db = self._context.db
        if self._behind:
            proxy.sync(self._context.host)
            self._behind = False
        container = store.find_id(db, container_id)
        if container is None or container.desired != "started":
            return None
        if operations.unfinished(db, "container", container_id):
            return None  # whoever settles it looks
        unit = anatomy.unit(container)
        state = systemd.state(unit.name)
        if state in {"inactive", "failed"} and store.comes_back(db, container_id):
            return None  # it has not run since the host was started, so it has not ended
        if state == "active" and container.down and unit.init() is None:
            return _STARTING
        folder = f"{self._context.host.run}/c/{container.id}"
        restarts = systemd.restarts(unit.name)
        known = container.ended
        end = ends.seen(known, state, launched.read(folder), restarts, container.spec.memory, time.time())
        if end != known:
            container = self._write(container, end)
            self._tell_of(container, known, unit)
        if state != "active":
            self._checks.pop(container_id, None)
            return None
        return self._care(container, unit.name, restarts)

    def _settle(self) -> float | None:
        """Two operations at the same time may each have missed what the other one changed between their containers."""
        live = neighbours.live()
        if operations.unfinished(self._context.db, "container"):
            return _BUSY
        for what in neighbours.settle(self._context, live):
            _log.warning("%s was not as it should be between two containers: mended", what)
        return None

    def _clear_ports(self) -> float | None:
        """Take away what containers that have ended had left at the last look as well."""
        found = ports.found(self._context.host.bridge)
        if operations.unfinished(self._context.db, "container"):
            return _BUSY
        every = store.all_containers(self._context.db)
        wanted = {
            addresses(self._context.host, one.slot).interface for one in every if one.desired == "started"
        }
        left = {index: name for index, name in found.items() if name not in wanted}
        for index in left.keys() & self._left:
            if ports.remove(index):
                _log.info("port %s was left by a container that has ended: removed", left[index])
        self._left = left.keys() - self._left
        return _LEFT if self._left else None

    def _write(self, container: Container, end: End | None) -> Container:
        """Write how a container is now: into the store first, so that no proxy that starts meanwhile is behind."""
        db, host = self._context.db, self._context.host
        new = dataclasses.replace(container, ended=end, health="")
        before, after = anatomy.routes(host, container), anatomy.routes(host, new)
        with db.transaction(durable=False):
            store.set_now(db, new.id, end, "")
            store.set_routes(db, new.id, {route.host: route.value for route in after})
        self._behind = True
        for old, route in zip(before, after, strict=True):
            if old != route:
                route.turn(host, old)
        self._behind = False
        return new

    def _tell_of(self, container: Container, known: End | None, unit: Unit) -> None:
        """Tell the journal of an end: at once, or when it is known whether somebody asked systemd for it."""
        end = container.ended
        if end is None:
            return
        if ends.may_be_asked_for(known, end):
            self._pool.submit(self._ask_who, container, known, unit)
        else:
            self._tell(container, known, end)

    def _ask_who(self, container: Container, known: End | None, unit: Unit) -> None:
        end = container.ended
        if end is None:
            return
        stopped = stops.before(unit.name, end.at, unit.stop_timeout)
        if stopped == "shutdown":  # it comes back with the host
            return
        try:
            self._tell(container, known, ends.asked_for(end) if stopped else end)
        except (SkerryError, sqlite3.Error) as error:
            _log.warning("how container %s ended could not be told: %s", container.key, error)

    def _tell(self, container: Container, known: End | None, end: End) -> None:
        """Tell the journal of an end. Where more is known of it by now than was written, that is written as well."""
        db, asked = self._context.db, end.by == "administrator"
        with db.transaction(durable=False):
            now = store.find_id(db, container.id)
            if now is not None and end != container.ended == now.ended:
                store.set_now(db, container.id, end, now.health)
            if now is not None and ends.worth_a_note(known, end):
                about = (container.id, str(container.key))
                good = asked or end.status in {0, REBOOTED}
                operations.note(db, "container", about, ends.verb(end), ends.note(end), good=good)

    def _care(self, container: Container, unit: str, restarts: systemd.Restarts) -> float | None:
        """What a running container needs: its health checked, and after a while its pauses forgotten."""
        ran, check, waits = time.time() - restarts.since, container.health_check, []
        if check is not None:
            container, wait = self._check(container, check, restarts.since)
            waits.append(wait)
        elif container.health:
            self._write_health(container, "")
        if restarts.count and (check is None or container.health == health.HEALTHY):
            if ran >= HEALTHY_SECONDS:
                self._forget_restarts(container, unit)
            else:
                waits.append(HEALTHY_SECONDS - ran)
        return min(waits, default=None)

    def _forget_restarts(self, container: Container, unit: str) -> None:
        systemd.reset_restarts(unit)
        if container.ended is not None:
            with self._context.db.transaction(durable=False):
                ended = dataclasses.replace(container.ended, restarts=0)
                store.set_now(self._context.db, container.id, ended, container.health)

    def _check(self, container: Container, check: Health, since: float) -> tuple[Container, float]:
        """Take the result of a health check that is done, and begin one that is due; when to look again."""
        now, one = time.monotonic(), self._checks.get(container.id)
        if one is None or one.since != since:
            one = self._checks[container.id] = health.Checking(since, due=now)
        if self._frozen(container):
            one.on_its_way, one.failed, one.restarts, one.due = None, 0, False, now + _FROZEN
            return container, _FROZEN
        if one.on_its_way is not None:
            if not one.on_its_way.done():
                return container, check.timeout
            container = self._take(container, check, one, one.on_its_way)
        if now >= one.due:
            one.on_its_way = self._checker(container).submit(
                health.probe, self._context.host, container, check
            )
            one.on_its_way.add_done_callback(lambda _done: self._look_in(container.id, 0.0))
            return container, check.timeout
        return container, one.due - now

    def _take(
        self,
        container: Container,
        check: Health,
        one: health.Checking,
        done: "concurrent.futures.Future[str]",
    ) -> Container:
        """Take the result of a check."""
        one.on_its_way, one.due = None, time.monotonic() + check.interval
        try:
            problem = done.result()
        except SkerryError as error:
            _log.warning("the health of container %s was not checked: %s", container.key, error)
            return container
        known = health.Verdict(container.health or health.STARTING, one.failed)
        verdict = health.judge(check, known, problem, time.time() - one.since)
        one.failed, one.due = verdict.failed, time.monotonic() + health.pause(check, verdict)
        if check.restart and verdict.state.startswith(health.UNHEALTHY) and not one.restarts:
            one.restarts = True
            self._restarter(container).submit(self._restart, container)
        if verdict.state == container.health:
            return container
        return self._write_health(container, verdict.state)

    def _frozen(self, container: Container) -> bool:
        """Whether the kernel holds it, whoever asked for that: then it can answer nothing."""
        return anatomy.freezer(container).exists(self._context.host)

    def _checker(self, container: Container) -> concurrent.futures.ThreadPoolExecutor:
        return _of_realm(self._checkers, container, "health")

    def _restarter(self, container: Container) -> concurrent.futures.ThreadPoolExecutor:
        """Not the one of other realms: an unhealthy program may take an hour of grace to be restarted."""
        return _of_realm(self._restarters, container, "unhealthy")

    def _write_health(self, container: Container, state: str) -> Container:
        """Write a state of health; the journal has it where it becomes a bad one, or a bad one ends."""
        db, about = self._context.db, (container.id, str(container.key))
        with db.transaction(durable=False):
            store.set_now(db, container.id, container.ended, state)
            was, is_ = container.health.startswith(health.UNHEALTHY), state.startswith(health.UNHEALTHY)
            if is_ and not was:
                operations.note(db, "container", about, health.UNHEALTHY, state, good=False)
            elif was and not is_:
                operations.note(db, "container", about, state or "unchecked", "it was unhealthy", good=True)
        return dataclasses.replace(container, health=state)

    def _restart(self, container: Container) -> None:
        def still(now: Container | None) -> bool:
            wanted = now is not None and now.id == container.id and now.desired == "started"
            return wanted and not self._frozen(container)

        try:
            self._apply(requests.Restart(verb="restart", container=container.key, wait="running"), still)
        except SkerryError as error:
            _log.error("container %s is unhealthy and could not be restarted: %s", container.key, error)


def _of_realm(
    pools: dict[str, concurrent.futures.ThreadPoolExecutor], container: Container, name: str
) -> concurrent.futures.ThreadPoolExecutor:
    made = pools.get(container.realm_id)
    if made is None:
        made = pools[container.realm_id] = concurrent.futures.ThreadPoolExecutor(_CHECKERS, name)
    return made
