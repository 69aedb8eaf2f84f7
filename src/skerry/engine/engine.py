"""The engine's verbs: find out what is there, ask the planner, carry out, answer."""

import collections
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from pydantic import ValidationError

from skerry import __version__
from skerry.engine import executor, requests
from skerry.engine.executor import Progress
from skerry.model.addresses import addresses
from skerry.model.container import Container, ContainerKey, Image, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.plan import anatomy, verbs
from skerry.plan.plan import Plan
from skerry.store import containers, images, operations
from skerry.store.db import Database
from skerry.system import capacity, cgroups, systemd

_LOCK_TIMEOUT = 120.0  # seconds that a request waits for another one about the same container

Decide = Callable[[Container | None], Plan | None]


class Engine:
    """All verbs about containers. Safe to call from several threads."""

    def __init__(self, host: HostConfig, db: Database, secret: bytes) -> None:
        self.host, self.db, self._secret = host, db, secret
        self._locks: dict[str, threading.Lock] = collections.defaultdict(threading.Lock)

    @contextlib.contextmanager
    def _only(self, key: ContainerKey) -> Iterator[None]:
        """One operation at a time on one container."""
        lock = self._locks[str(key)]
        if not lock.acquire(timeout=_LOCK_TIMEOUT):
            raise SkerryError(Code.BUSY, f"container {key}: another operation takes long", "Try again when it is done")
        try:
            yield
        finally:
            lock.release()

    # -- planning ----------------------------------------------------------------------------------------------------

    def _image(self, reference: str) -> Image:
        found = images.find(self.db, reference)
        if found is None:
            known = ", ".join(image.name for image in images.all_images(self.db)) or "none yet"
            raise SkerryError(Code.NOT_FOUND, f"image {reference!r} is not on this host", f"Images here: {known}")
        return found

    def _propose(self, key: ContainerKey, spec: Spec) -> Container:
        self._check_host_can_fence()
        capacity.check(self.host, spec.memory, spec.cpu, spec.disk)
        return containers.propose(self.db, self.host, self._secret, key, spec, self._image(spec.image))

    def _check_host_can_fence(self) -> None:
        if self.host.fences == "enforced" and not cgroups.has_controllers():
            raise SkerryError(
                Code.HOST,
                "this host's cgroup v2 has no cpu, memory and pids controllers, so no limit would hold",
                "Boot it with cgroup v2 only, or accept that by 'fences: reported' in the host's configuration",
            )

    def running(self, container: Container) -> bool:
        """Whether its unit is active now."""
        return systemd.state(anatomy.unit_name(container.id)) in {"active", "activating", "reloading"}

    def _merged(self, current: Spec, changes: dict[str, Any]) -> Spec:
        return parse_spec(current.model_dump(mode="json") | changes)

    def _plan_create(self, request: requests.Create) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            if found is not None:
                raise SkerryError(Code.EXISTS, f"container {found.key} exists already, with id {found.id}",
                                  "Choose another name, update it, or delete it first")
            wait = verbs.Wait(request.wait == "ready", request.timeout)
            return verbs.create(
                self.host, self._propose(request.container, request.spec), start=request.start, wait=wait
            )

        return decide

    def _plan_update(self, changes: dict[str, Any]) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            container = existing(found)
            spec = self._merged(container.spec, changes)
            self._check_update(container, spec)
            return verbs.update(self.host, container, spec, running=self.running(container))

        return decide

    def _check_update(self, container: Container, spec: Spec) -> None:
        capacity.check(self.host, spec.memory, spec.cpu, spec.disk)
        if self._image(spec.image).digest != container.image.digest:
            raise SkerryError(
                Code.INVALID,
                f"container {container.key} is made of image {container.image.name}, and that cannot be changed",
                "Delete it and create it again, or create another one beside it",
            )

    def _plan_start(self, request: requests.Start | requests.Restart | requests.Ensure) -> Decide:
        wait = verbs.Wait(request.wait == "ready", request.timeout)

        def decide(found: Container | None) -> Plan | None:
            container = existing(found)
            if self.running(container) and container.wanted == "started":
                return None
            self._check_host_can_fence()
            return verbs.start(self.host, container, wait)

        return decide

    def _plan_stop(self, grace: float) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            container = existing(found)
            if not self.running(container) and container.wanted == "stopped":
                return None
            return verbs.stop(self.host, container, grace)

        return decide

    def _plan_restart(self, request: requests.Restart | requests.Ensure) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            container = existing(found)
            if not self.running(container):
                return self._plan_start(request)(container)
            wait = verbs.Wait(request.wait == "ready", request.timeout)
            return verbs.restart(self.host, container, request.grace, wait)

        return decide

    def _plan_delete(self, *, must_exist: bool) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            if found is None and not must_exist:
                return None
            return verbs.delete(self.host, existing(found))

        return decide

    def _decisions(self, request: requests.Deed, found: Container | None) -> list[Decide]:
        """The plans that a request needs, in order; each is decided only after the one before it is done."""
        match request:
            case requests.Create():
                return [self._plan_create(request)]
            case requests.Start():
                return [self._plan_start(request)]
            case requests.Stop():
                return [self._plan_stop(request.grace)]
            case requests.Restart():
                return [self._plan_restart(request)]
            case requests.Update():
                return [self._plan_update(request.spec)]
            case requests.Delete():
                return [self._plan_delete(must_exist=True)]
            case requests.Ensure():
                return self._ensure(request, found)

    def _ensure(self, request: requests.Ensure, found: Container | None) -> list[Decide]:
        if request.state == "absent":
            return [self._plan_delete(must_exist=False)]
        if found is None:
            create = requests.Create(
                verb="create",
                container=request.container,
                spec=parse_spec(request.spec),
                start=request.state != "stopped",
                wait=request.wait,
                timeout=request.timeout,
            )
            return [self._plan_create(create)]
        then: dict[str, list[Decide]] = {
            "present": [],
            "started": [self._plan_start(request)],
            "stopped": [self._plan_stop(request.grace)],
            "restarted": [self._plan_restart(request)],
        }
        return [self._plan_update(request.spec), *then[request.state]]

    # -- answering ---------------------------------------------------------------------------------------------------

    def plan(self, request: requests.Deed) -> dict[str, Any]:
        """What a request would do now. Writes nothing."""
        found = before = containers.find(self.db, request.container)
        plans = []
        for decide in self._decisions(request, found):
            plan = decide(found)
            if plan is not None and plan.changed:
                plans.append(plan)
                found = plan.after
        return self._answer(before, found, plans, [])

    def carry_out(self, request: requests.Deed, progress: Progress) -> dict[str, Any]:
        """Do what a request asks for.

        Raises:
            SkerryError: it was refused, or a step failed and everything was undone.
        """
        with self._only(request.container):
            found = before = self._settled(request.container)
            plans, timings = [], []
            for decide in self._decisions(request, found):
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
        self, before: Container | None, after: Container | None, plans: list[Plan], timings: list[list[float]]
    ) -> dict[str, Any]:
        return {
            "changed": bool(plans),
            "before": before and self.view(before),
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
        return {"container": self.view(existing(containers.find(self.db, key), key))}

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
        "failed": "failed",
    }.get(unit_state, "stopped")


def parse_spec(value: dict[str, Any]) -> Spec:
    """The typed options of a container.

    Raises:
        SkerryError: one of them is wrong or missing.
    """
    try:
        return Spec.model_validate(value)
    except ValidationError as error:
        raise requests.readable(error) from error


def existing(found: Container | None, key: ContainerKey | None = None) -> Container:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is None:
        _not_found(key)
    return found


def _not_found(key: ContainerKey | None) -> NoReturn:
    which = f" {key}" if key else " of that name"
    raise SkerryError(Code.NOT_FOUND, f"there is no container{which}", "The verb 'list' shows those that exist")
