"""From a request and what is there to plans: the checks that need the host or the store, then the planner."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from skerry.host import capacity, cgroups
from skerry.model import manifest
from skerry.model.container import Container, ContainerKey, Image, Service, Spec
from skerry.model.errors import Code, SkerryError
from skerry.parts import storage
from skerry.protocol import containers as requests
from skerry.protocol.errors import readable
from skerry.resources.containers import (
    anatomy,
    archives,
    belongings,
    copies,
    lost,
    missing,
    neighbours,
    order,
    plan,
    published,
    renames,
    restore,
    root_verbs,
    store,
)
from skerry.resources.containers.view import running, waits_for_restart
from skerry.resources.kind import Context, Looking, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.store import policies, references, snapshots

Decide = DecideAny[Container]
Planner = PlannerAny[Container]
_MOST_SERVICES = 32


def _image(context: Context, reference: str) -> Image:
    found = references.image(context.db, reference)
    if found is None or not context.sees_image(found):
        seen = [one.name for one in references.all_images(context.db) if context.sees_image(one)]
        known = ", ".join(seen) or "none yet"
        raise SkerryError(Code.NOT_FOUND, f"image {reference!r} is not on this host", f"Images here: {known}")
    return found


def existing(context: Context, found: Container | None, key: ContainerKey) -> Container:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is None:
        raise missing.not_found(context, key)
    return found


def _propose(context: Context, key: ContainerKey, spec: Spec, image: Image) -> Container:
    """A new container, which has what it is to have, and reaches whom it is to reach."""
    _check_host_has_limits(context)
    capacity.check(context.host, spec.memory, spec.cpu, spec.disk)
    proposed = store.propose(context.db, context.host, context.secret, key, spec, image)
    belongings.check(context, key, spec)
    order.check(context.db, key, spec.after)
    neighbours.check(context.db, proposed, spec.reaches)
    published.check(context, proposed)
    return proposed


def _with_ports(spec: Spec, image: Image) -> Spec:
    """The options of a new container, with the ports that its image names, where the options name none."""
    first, *others = image.ports or (None,)
    if first is None or spec.profile == "build" or spec.model_fields_set & {"port", "services"}:
        return spec
    services = tuple(Service(name=f"p{port}", port=port) for port in others[:_MOST_SERVICES])
    return spec.model_copy(update={"port": first, "services": services})


def _check_host_has_limits(context: Context) -> None:
    if context.host.fences == "enforced" and not cgroups.has_controllers():
        raise SkerryError(
            Code.HOST,
            "this host's cgroup v2 has no cpu, memory and pids controllers, so no limit would hold",
            "Boot it with cgroup v2 only, or accept that by 'fences: reported' in the host's configuration",
        )


def _wait(
    request: requests.Create
    | requests.Copy
    | requests.Start
    | requests.Restart
    | requests.Update
    | requests.Ensure,
) -> plan.Wait:
    return plan.Wait(request.wait == "ready", request.timeout)


def _grace(
    request: requests.Stop | requests.Restart | requests.Update | requests.Ensure, container: Container
) -> float:
    """What a request gives this once, else the container's own."""
    given = request.grace if isinstance(request, requests.Stop | requests.Restart) else request.grace_now
    return container.spec.grace if given is None else given


def _check_new(found: Container | None) -> None:
    if found is not None:
        raise SkerryError(
            Code.EXISTS,
            f"container {found.key} exists already, with id {found.id}",
            "Choose another name, update it, or delete it first",
        )


def _create(context: Context, request: requests.Create) -> Decide:
    def decide(found: Container | None) -> Plan[Container]:
        _check_new(found)
        image = _image(context, request.spec.image)
        proposed = _propose(context, request.container, _with_ports(request.spec, image), image)
        return plan.create(context.host, proposed, start=request.start, wait=_wait(request))

    return decide


def _copy(context: Context, request: requests.Copy) -> Decide:
    key, given, sizes = request.container, request.spec, copies.Sizes(context)

    def parts() -> tuple[copies.Source, Spec]:
        source = copies.source(context, key, request.source)
        return source, parse_spec(copies.options(context, source, given))

    def look(found: Container | None) -> None:
        if found is None:
            sizes.check(*parts())

    def decide(found: Container | None) -> Plan[Container]:
        _check_new(found)
        source, spec = parts()
        sizes.check(source, spec)
        proposed = _propose(context, key, spec, source.image)
        if policies.of_container(context.db, source.container.id):
            proposed = dataclasses.replace(proposed, locked_as=source.container.id)
        origin = plan.Origin(source.place, source.why)
        made = plan.create(context.host, proposed, start=request.start, wait=_wait(request), origin=origin)
        return dataclasses.replace(made, warnings=tuple(copies.warnings(source, given)))

    return Looking(look, decide)


def _import(context: Context, request: requests.Import) -> Decide:
    def decide(found: Container | None) -> Plan[Container]:
        if found is not None and not storage.is_there(context.host, found.id):
            return archives.fill(found, manifest.read(request.manifest), request)
        _check_new(found)
        spec = parse_spec(archives.options(context, manifest.read(request.manifest), request.spec))
        archives.check_there(context, request.container, spec)
        image = _image(context, spec.image)
        proposed = _propose(context, request.container, _with_ports(spec, image), image)
        return archives.import_(context.host, proposed, request.stream)

    return decide


def _update(
    context: Context, request: requests.Update | requests.Ensure, had: Container | None
) -> list[Decide]:
    findings = root_verbs.Findings(context)

    def look(found: Container | None) -> None:
        if found is not None and _other_image(context, found, request.spec):
            findings.written(found.id)
            findings.size(found.id)
            findings.used(found.id)
        elif found is not None and _spec(found, request).disk < found.spec.disk:
            findings.used(found.id)

    def decide(found: Container | None) -> Plan[Container]:
        container = existing(context, found, request.container)
        spec = _spec(container, request)
        _check_update(context, container, spec, findings)
        order.check(context.db, request.container, spec.after)
        new = [one for one in spec.reaches if one not in container.spec.reaches]
        changed = dataclasses.replace(container, spec=spec)
        neighbours.check(context.db, changed, new)
        published.check(context, changed, container.spec.publish)
        if image := _other_image(context, container, request.spec):
            ending = root_verbs.Ending(_grace(request, container), request.discard_root, findings)
            return root_verbs.replace_image(context, container, spec, image, ending, _wait(request))
        has = belongings.found(context, container, spec)
        return plan.update(context.host, container, spec, running=running(container), belongings=has)

    return [Looking(look, decide), root_verbs.settled(context, "update", had)]


def _spec(container: Container, request: requests.Update | requests.Ensure) -> Spec:
    """Its options as a request will have them."""
    return parse_spec(container.spec.model_dump(mode="json") | request.spec)


def _other_image(context: Context, container: Container, given: dict[str, Any]) -> Image | None:
    """The image that a request names, where that is another one than the container is made of."""
    if "image" not in given:
        return None
    image = _image(context, given["image"])
    return None if image.digest == container.image.digest else image


def _check_update(context: Context, container: Container, spec: Spec, findings: root_verbs.Findings) -> None:
    if spec.profile != container.spec.profile and "build" in {spec.profile, container.spec.profile}:
        raise SkerryError(
            Code.INVALID,
            f"container {container.key} has profile {container.spec.profile}, which cannot become {spec.profile}",
            "What is thrown away is made for that, and stays that; create another container",
        )
    belongings.check(context, container.key, spec)
    _check_aliases(context, container, {"", *(service.name for service in spec.services)})
    capacity.check(context.host, spec.memory, spec.cpu, spec.disk)
    if spec.disk < container.spec.disk:
        capacity.check_files(findings.used(container.id), spec.disk)


def _start(context: Context, request: requests.Start | requests.Restart | requests.Ensure) -> Decide:
    def decide(found: Container | None) -> Plan[Container] | None:
        container = existing(context, found, request.container)
        if waits_for_restart(container):  # not for as long as systemd would
            return plan.restart(context.host, container, 0.0, _wait(request))
        if running(container) and container.desired == "started":
            return None
        if running(container) and container.desired == "frozen":
            return plan.thaw(context.host, container)
        _check_host_has_limits(context)
        return plan.start(context.host, container, _wait(request))

    return decide


def _freeze(context: Context, key: ContainerKey, *, started: bool = False) -> Decide:
    """Where ``started``, a plan before this one starts it; in a dry run it has not done so."""

    def decide(found: Container | None) -> Plan[Container] | None:
        container = existing(context, found, key)
        if not running(container) and not (context.dry_run and started):
            raise SkerryError(
                Code.INVALID,
                f"container {key} does not run, so there is nothing to freeze",
                f"Start it first: skerry start {key.name}",
            )
        if container.desired == "frozen" and anatomy.freezer(container).exists(context.host):
            return None
        return plan.freeze(context.host, container)

    return decide


def _thaw(context: Context, key: ContainerKey) -> Decide:
    def decide(found: Container | None) -> Plan[Container] | None:
        container = existing(context, found, key)
        if container.desired != "frozen":
            return None
        if not running(container):
            raise SkerryError(
                Code.INVALID,
                f"container {key} was frozen and does not run any more, since its host was started anew",
                f"Start it: skerry start {key.name}",
            )
        return plan.thaw(context.host, container)

    return decide


def _stop(context: Context, request: requests.Stop | requests.Ensure) -> Decide:
    def decide(found: Container | None) -> Plan[Container] | None:
        container = existing(context, found, request.container)
        if not running(container) and container.desired == "stopped":
            return None
        return plan.stop(context.host, container, _grace(request, container))

    return decide


def _restart(context: Context, request: requests.Restart | requests.Ensure) -> Decide:
    def decide(found: Container | None) -> Plan[Container] | None:
        container = existing(context, found, request.container)
        if not running(container):
            return _start(context, request)(container)
        return plan.restart(context.host, container, _grace(request, container), _wait(request))

    return decide


def _delete(context: Context, key: ContainerKey, *, must_exist: bool) -> Decide:
    def decide(found: Container | None) -> Plan[Container] | None:
        if found is None and not must_exist:
            return None
        container = existing(context, found, key)
        _check_aliases(context, container, set())
        policy = policies.of_container(context.db, container.id)
        return plan.delete(
            context.host, container, snapshots.of(context.db, container.id), locked=policy is not None
        )

    return decide


def _check_aliases(context: Context, container: Container, kept: set[str]) -> None:
    """Refuse to take away what an alias leads to: all that is left are the services ``kept``."""
    aliases = references.aliases_of(context.db, container.id)
    if lost := [name for name, service in aliases.items() if service not in kept]:
        what = "services of container" if kept else "container"
        raise SkerryError(
            Code.BUSY,
            f"{what} {container.key}: alias {', '.join(lost)} leads there",
            f"Let it lead elsewhere first (skerry alias set {lost[0]} --container …), or delete it",
        )


def _ensure(context: Context, request: requests.Ensure, found: Container | None) -> Sequence[Decide]:
    if request.state == "absent":
        return [_delete(context, request.container, must_exist=False)]
    if not request.create:
        existing(context, found, request.container)
    if found is None:
        freezing = [_freeze(context, request.container, started=True)] if request.state == "frozen" else []
        return [_new(context, request), *freezing]
    renaming = renames.rename(context, found.key, request.container)
    then: Mapping[str, Sequence[Decide]] = {
        "present": [],
        "started": [_start(context, request)],
        "frozen": _frozen(context, request, found),
        "stopped": [_stop(context, request)],
        "restarted": [_restart(context, request)],
    }
    anew = found.desired != "stopped" and _other_image(context, found, request.spec)
    if anew and request.state == "restarted":  # the new image has restarted it
        return [renaming, *_update(context, request, found)]
    return [renaming, *_update(context, request, found), *then[request.state]]


def _new(context: Context, request: requests.Ensure) -> Decide:
    fields: dict[str, Any] = {
        "container": request.container,
        "start": request.state != "stopped",
        "wait": request.wait,
        "timeout": request.timeout,
    }
    if request.copy_of is None:
        return _create(context, requests.Create(verb="create", spec=parse_spec(request.spec), **fields))
    return _copy(context, requests.Copy(verb="copy", source=request.copy_of, spec=request.spec, **fields))


def _frozen(context: Context, request: requests.Ensure, found: Container) -> Sequence[Decide]:
    """One that does not run is started first."""
    if running(found):
        return [_freeze(context, request.container)]
    return [_start(context, request), _freeze(context, request.container, started=True)]


def parse_spec(value: dict[str, Any]) -> Spec:
    """The typed options of a container.

    Raises:
        SkerryError: one of them is wrong or missing.
    """
    try:
        return Spec.model_validate(value)
    except ValidationError as error:
        raise readable(error, Spec) from error


_PLANNERS: Mapping[str, Planner] = {
    "create": lambda context, request, _found: [_create(context, request)],
    "copy": lambda context, request, _found: [_copy(context, request)],
    "rename": lambda context, request, _found: [renames.rename_existing(context, request)],
    "start": lambda context, request, _found: [_start(context, request)],
    "freeze": lambda context, request, _found: [_freeze(context, request.container)],
    "thaw": lambda context, request, _found: [_thaw(context, request.container)],
    "stop": lambda context, request, _found: [_stop(context, request)],
    "restart": lambda context, request, _found: [_restart(context, request)],
    "update": _update,
    "rollback": root_verbs.rollback,
    "snapshot_restore": restore.planner,
    "export": archives.export,
    "import": lambda context, request, _found: [_import(context, request)],
    "delete": lambda context, request, _found: [_delete(context, request.container, must_exist=True)],
    "ensure": _ensure,
}
PLANNERS: Mapping[str, Planner] = {
    name: lost.with_files(name, neighbours.with_them(belongings.with_them(planner)))
    for name, planner in _PLANNERS.items()
}
"""What each verb decides."""
