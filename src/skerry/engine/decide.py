"""From a request and what is there to plans: the checks that need the host or the store, then the planner."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from skerry.engine import requests
from skerry.model.container import Container, ContainerKey, Image, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts import storage
from skerry.plan import anatomy, verbs
from skerry.plan.plan import Plan
from skerry.store import containers, images
from skerry.store.db import Database
from skerry.system import capacity, cgroups, systemd

Decide = Callable[[Container | None], Plan | None]


class Decider:
    """Turns requests into plans. Writes nothing."""

    def __init__(self, host: HostConfig, db: Database, secret: bytes) -> None:
        self.host, self.db, self._secret = host, db, secret

    def _image(self, reference: str) -> Image:
        found = images.find(self.db, reference)
        if found is None:
            known = ", ".join(image.name for image in images.all_images(self.db)) or "none yet"
            raise SkerryError(
                Code.NOT_FOUND, f"image {reference!r} is not on this host", f"Images here: {known}"
            )
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

    def _plan_create(self, request: requests.Create) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            if found is not None:
                raise SkerryError(
                    Code.EXISTS,
                    f"container {found.key} exists already, with id {found.id}",
                    "Choose another name, update it, or delete it first",
                )
            wait = verbs.Wait(request.wait == "ready", request.timeout)
            return verbs.create(
                self.host, self._propose(request.container, request.spec), start=request.start, wait=wait
            )

        return decide

    def _plan_update(self, key: ContainerKey, changes: dict[str, Any]) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            container = existing(found, key)
            spec = parse_spec(container.spec.model_dump(mode="json") | changes)
            self._check_update(container, spec)
            return verbs.update(self.host, container, spec, running=running(container))

        return decide

    def _check_update(self, container: Container, spec: Spec) -> None:
        capacity.check(self.host, spec.memory, spec.cpu, spec.disk)
        if spec.disk < container.spec.disk:
            capacity.check_files(storage.folder(self.host, container.id), spec.disk)
        # A name may have moved on to a newer image since: the container stays on the one that it was made of.
        renamed = spec.image != container.spec.image
        if renamed and self._image(spec.image).digest != container.image.digest:
            raise SkerryError(
                Code.INVALID,
                f"container {container.key} is made of image {container.image.name}, and that cannot be changed",
                "Delete it and create it again, or create another one beside it",
            )

    def _plan_start(self, request: requests.Start | requests.Restart | requests.Ensure) -> Decide:
        wait = verbs.Wait(request.wait == "ready", request.timeout)

        def decide(found: Container | None) -> Plan | None:
            container = existing(found, request.container)
            if running(container) and container.wanted == "started":
                return None
            self._check_host_can_fence()
            return verbs.start(self.host, container, wait)

        return decide

    def _plan_stop(self, key: ContainerKey, grace: float) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            container = existing(found, key)
            if not running(container) and container.wanted == "stopped":
                return None
            return verbs.stop(self.host, container, grace)

        return decide

    def _plan_restart(self, request: requests.Restart | requests.Ensure) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            container = existing(found, request.container)
            if not running(container):
                return self._plan_start(request)(container)
            wait = verbs.Wait(request.wait == "ready", request.timeout)
            return verbs.restart(self.host, container, request.grace, wait)

        return decide

    def _plan_delete(self, key: ContainerKey, *, must_exist: bool) -> Decide:
        def decide(found: Container | None) -> Plan | None:
            if found is None and not must_exist:
                return None
            return verbs.delete(self.host, existing(found, key))

        return decide

    def decisions(self, request: requests.Deed, found: Container | None) -> list[Decide]:
        """The plans that a request needs, in order; each is decided only after the one before it is done."""
        match request:
            case requests.Create():
                return [self._plan_create(request)]
            case requests.Start():
                return [self._plan_start(request)]
            case requests.Stop():
                return [self._plan_stop(request.container, request.grace)]
            case requests.Restart():
                return [self._plan_restart(request)]
            case requests.Update():
                return [self._plan_update(request.container, request.spec)]
            case requests.Delete():
                return [self._plan_delete(request.container, must_exist=True)]
            case requests.Ensure():
                return self._ensure(request, found)

    def _ensure(self, request: requests.Ensure, found: Container | None) -> list[Decide]:
        if request.state == "absent":
            return [self._plan_delete(request.container, must_exist=False)]
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
            "stopped": [self._plan_stop(request.container, request.grace)],
            "restarted": [self._plan_restart(request)],
        }
        return [self._plan_update(request.container, request.spec), *then[request.state]]


def parse_spec(value: dict[str, Any]) -> Spec:
    """The typed options of a container.

    Raises:
        SkerryError: one of them is wrong or missing.
    """
    try:
        return Spec.model_validate(value)
    except ValidationError as error:
        raise requests.readable(error) from error


def existing(found: Container | None, key: ContainerKey) -> Container:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is None:
        raise SkerryError(
            Code.NOT_FOUND, f"there is no container {key}", "The verb 'list' shows those that exist"
        )
    return found


def running(container: Container) -> bool:
    """Whether its unit is active now, or about to be."""
    return systemd.state(anatomy.unit_name(container.id)) in {
        "active",
        "activating",
        "reloading",
        "restarting",
    }
