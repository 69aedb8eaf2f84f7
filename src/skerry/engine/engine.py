"""The engine's verbs: find out what is there, ask the planner, carry out, answer."""

import collections
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from skerry import __version__
from skerry.engine import executor, requests
from skerry.engine.decide import Decide, Decider, existing
from skerry.engine.executor import Progress
from skerry.model.addresses import addresses
from skerry.model.container import Container, ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.plan import anatomy, verbs
from skerry.plan.plan import Plan
from skerry.store import containers, operations
from skerry.store.db import Database
from skerry.system import capacity, systemd

_LOCK_TIMEOUT = 120.0  # seconds that a request waits for another one about the same container


class Engine:
    """All verbs about containers. Safe to call from several threads."""

    def __init__(self, host: HostConfig, db: Database, secret: bytes) -> None:
        self.host, self.db = host, db
        self._decider = Decider(host, db, secret)
        self._locks: dict[str, threading.Lock] = collections.defaultdict(threading.Lock)

    @contextlib.contextmanager
    def _only(self, key: ContainerKey) -> Iterator[None]:
        """One operation at a time on one container."""
        lock = self._locks[str(key)]
        if not lock.acquire(timeout=_LOCK_TIMEOUT):
            raise SkerryError(
                Code.BUSY, f"container {key}: another operation takes long", "Try again when it is done"
            )
        try:
            yield
        finally:
            lock.release()

    def plan(self, request: requests.Deed) -> dict[str, Any]:
        """What a request would do now. Writes nothing."""
        found = before = containers.find(self.db, request.container)
        plans = []
        for decide in self._decider.decisions(request, found):
            plan = decide(found)
            if plan is not None and plan.changed:
                plans.append(plan)
                found = plan.after
        return self._answer(self.view(before) if before else None, found, plans, [])

    def carry_out(self, request: requests.Deed, progress: Progress) -> dict[str, Any]:
        """Do what a request asks for.

        Raises:
            SkerryError: it was refused, or a step failed and everything was undone.
        """
        with self._only(request.container):
            found = self._settled(request.container)
            before = self.view(found) if found else None
            plans, timings = [], []
            for decide in self._decider.decisions(request, found):
                operation_id, plan = self._begin(decide, request.container)
                if plan is None:
                    continue
                titles = plan.titles()
                progress({"event": "plan", "verb": plan.verb, "steps": titles})
                timings.append(executor.run(self.db, self.host, operation_id, plan, progress))
                plans.append(plan)
                found = containers.find(self.db, request.container)
            return self._answer(before, found, plans, timings)

    def start_again(self, key: ContainerKey, wait: verbs.Wait) -> None:
        """Start a container that is wanted to run, after a boot.

        Raises:
            SkerryError: it did not start; it stays wanted.
        """
        request = requests.Start(verb="start", container=key, wait="ready" if wait.ready else "running")
        self.carry_out(request, lambda _event: None)

    def _settled(self, key: ContainerKey) -> Container | None:
        """The container, after what an earlier operation could not write down (a full disk) has been settled."""
        found = containers.find(self.db, key)
        if found is None or not (left := operations.unfinished(self.db, found.id)):
            return found
        for operation in left:
            executor.recover(self.db, self.host, operation)
        return containers.find(self.db, key)

    def _begin(self, decide: Decide, key: ContainerKey) -> tuple[int, Plan | None]:
        """Decide and write the plan in one transaction: no two operations get the same name, id or slot."""
        with self.db.transaction():
            plan = decide(containers.find(self.db, key))
            if plan is None or not plan.changed:
                return 0, None
            return executor.begin(self.db, self.host, plan), plan

    def _answer(
        self,
        before: dict[str, Any] | None,
        after: Container | None,
        plans: list[Plan],
        timings: list[list[float]],
    ) -> dict[str, Any]:
        return {
            "changed": bool(plans),
            "before": before,
            "after": after and self.view(after),
            "plans": [
                {"verb": plan.verb, "steps": plan.titles(), "restart_required": list(plan.restart_required)}
                for plan in plans
            ],
            "timings_ms": timings,
        }

    def view(self, container: Container, state: str | None = None) -> dict[str, Any]:
        """A container as an answer shows it: what is stored, and how it is now."""
        own = addresses(self.host, container.slot)
        urls = {name: self.host.url(name) for name in container.host_names(self.host.domain)}
        found = state if state is not None else systemd.state(anatomy.unit_name(container.id))
        return container.view() | {
            "state": shown_state(found),
            "url": next(iter(urls.values())),
            "urls": list(urls.values()),
            "ipv4": own.ipv4,
            "ipv6": own.ipv6,
            "fences": self.host.fences,
        }

    def info(self, key: ContainerKey) -> dict[str, Any]:
        """All about one container.

        Raises:
            SkerryError: there is none of that name.
        """
        container = existing(containers.find(self.db, key), key)
        pending = anatomy.unit(container).waits_for_restart(self.host)
        return {"container": self.view(container) | {"restart_pending": pending}}

    def list(self, realm: str | None, project: str | None) -> dict[str, Any]:
        """Every container, or those of one realm or project; one question to systemd for all of them."""
        states = systemd.states("skerry-*.service")
        return {
            "containers": [
                self.view(container, states.get(anatomy.unit_name(container.id), "inactive"))
                for container in containers.all_containers(self.db)
                if realm in {None, container.key.realm} and project in {None, container.key.project}
            ]
        }

    def operations(self, count: int) -> dict[str, Any]:
        """The newest operations: what each planned, how long its steps took, how it ended."""
        return {
            "operations": [
                {
                    "id": item.id,
                    "verb": item.verb,
                    "container": item.container,
                    "container_id": item.container_id,
                    "state": item.state,
                    "error": item.error,
                    "started": item.started,
                    "done": item.done,
                    "steps": Plan.from_json(item.plan).titles(),
                    "timings_ms": item.timings,
                }
                for item in operations.recent(self.db, count)
            ]
        }

    def status(self) -> dict[str, Any]:
        """The host in a few figures."""
        every = containers.all_containers(self.db)
        return {
            "version": __version__,
            "wire_version": requests.WIRE_VERSION,
            "domain": self.host.domain,
            "fences": self.host.fences,
            "containers": len(every),
            "memory_promised": sum(item.spec.memory for item in every if item.wanted == "started"),
            "memory_for_containers": capacity.memory(self.host),
        }


def shown_state(unit_state: str) -> str:
    """The state a person sees for the active state of a unit (DESIGN: stopped starting running stopping failed)."""
    return {
        "active": "running",
        "reloading": "running",
        "activating": "starting",
        "deactivating": "stopping",
        "restarting": "restarting",
        "failed": "failed",
    }.get(unit_state, "stopped")
