"""The verbs: each a pure function from what is there and what is desired to a plan."""

import dataclasses
from collections.abc import Sequence

from skerry.model.container import Container, Desired, Spec, takes_effect
from skerry.model.host import HostConfig
from skerry.model.snapshot import Snapshot
from skerry.parts.base import Step
from skerry.parts.lock import Lock
from skerry.resources.containers import anatomy, changes
from skerry.resources.kind import Plan

_LIMITS = {"memory", "cpu", "pids"}
_ROUTES = {"port", "services"}
_PORTS = {*_ROUTES, "publish"}


@dataclasses.dataclass(frozen=True)
class Belongings:
    """What is there of that which a container has by name: fields of it, as :class:`Container` has them."""

    data: dict[str, str] = dataclasses.field(default_factory=dict)
    values: dict[str, tuple[str, int, int]] = dataclasses.field(default_factory=dict)
    neighbours: dict[str, int] = dataclasses.field(default_factory=dict)

    def of(self, container: Container) -> Container:
        """The container with these."""
        return dataclasses.replace(container, data=self.data, values=self.values, neighbours=self.neighbours)


@dataclasses.dataclass(frozen=True)
class Wait:
    """What the caller waits for: ``timeout`` seconds at most for its port to answer, or only for it to run."""

    ready: bool = True
    timeout: float = 30.0


def _with(container: Container, desired: Desired) -> Container:
    """The container as a verb leaves it: what it did by itself before is over."""
    return dataclasses.replace(container, desired=desired, ended=None, health="")


def rerouting(host: HostConfig, before: Container | None, after: Container | None, reason: str) -> list[Step]:
    """What turns the URLs of ``before`` into those of ``after``."""
    old = {route.host: route for route in anatomy.routes(host, before)} if before else {}
    new = {route.host: route for route in anatomy.routes(host, after)} if after else {}
    steps = [Step("remove", route, reason) for name, route in old.items() if name not in new]
    for name, route in new.items():
        if name not in old:
            steps.append(Step("make", route, reason))
        elif old[name] != route:
            steps.append(Step("change", route, reason, old[name]))
    return steps


def running_steps(host: HostConfig, container: Container, wait: Wait) -> list[Step]:
    """What makes it run, and waits for it where the caller does."""
    anatomy.require_belongings(container)
    steps = [Step("make", anatomy.unit(container), "it runs inside its limits")]
    if wait.ready and container.spec.profile != "build":  # nobody reaches it: it is ready when it runs
        steps.append(
            Step("make", anatomy.ready(host, container, wait.timeout), "the caller waits until it answers")
        )
    return steps


def _starting(host: HostConfig, container: Container, wait: Wait) -> list[Step]:
    return [
        Step("make", anatomy.firewall_entry(host, container), "its packets may pass"),
        *running_steps(host, container, wait),
    ]


def _stopping(host: HostConfig, container: Container, grace: float) -> list[Step]:
    return [
        Step("remove", anatomy.unit(container, grace), "it stops"),
        Step("remove", anatomy.firewall_entry(host, container), "no packet passes"),
    ]


@dataclasses.dataclass(frozen=True)
class Origin:
    """With which files a new container begins: those that lie at ``place`` in the pool, or none; ``why``, in words."""

    place: str = ""
    why: str = "its own files"


def create(
    host: HostConfig, container: Container, *, start: bool, wait: Wait, origin: Origin = Origin()
) -> Plan[Container]:
    """Make a container that does not exist, and start it where ``start``."""
    after = _with(container, "started" if start else "stopped")
    anatomy.command(after)
    steps = [Step("make", anatomy.volume(after, origin.place), origin.why)]
    if after.locked_as:
        steps.append(Step("make", Lock(after.id), "it is locked as what it is copied of"))
    if start:
        steps += _starting(host, after, wait)
    steps += rerouting(
        host, None, after, "its URL leads to it" if start else "its URL says that it is stopped"
    )
    return Plan("copy" if origin.place else "create", None, after, tuple(steps), "undo")


def start(host: HostConfig, container: Container, wait: Wait) -> Plan[Container]:
    """Start a container that does not run."""
    after = _with(container, "started")
    steps = _starting(host, after, wait) + rerouting(host, container, after, "its URL leads to it")
    return Plan("start", container, after, tuple(steps), "undo")


def freeze(host: HostConfig, container: Container) -> Plan[Container]:
    """Hold a container that runs: its URL first, then every process of it."""
    after = _with(container, "frozen")
    steps = rerouting(host, container, after, "its URL says that it is stopped")
    return Plan(
        "freeze",
        container,
        after,
        (*steps, Step("make", anatomy.freezer(container), "every process is held")),
        "undo",
    )


def thaw(host: HostConfig, container: Container) -> Plan[Container]:
    """Let a container that is frozen go on where it was held, then lead its URL to it."""
    after = _with(container, "started")
    steps = rerouting(host, container, after, "its URL leads to it")
    return Plan("thaw", container, after, (*thawing(container), *steps), "undo")


def thawing(container: Container) -> list[Step]:
    """Before a frozen program is told to end, it must be able to hear that."""
    if container.desired != "frozen":
        return []
    return [Step("remove", anatomy.freezer(container), "its processes go on")]


def stop(host: HostConfig, container: Container, grace: float) -> Plan[Container]:
    """Stop a container: its URL first, then its program, which has ``grace`` seconds to end by itself."""
    after = _with(container, "stopped")
    steps = rerouting(host, container, after, "its URL says that it is stopped")
    stopping = (*thawing(container), *_stopping(host, container, grace))
    return Plan("stop", container, after, (*steps, *stopping), "finish")


def restart(host: HostConfig, container: Container, grace: float, wait: Wait) -> Plan[Container]:
    """Stop a container that runs and start it again, with the options that waited for that."""
    after = _with(container, "started")
    steps = (
        *thawing(container),
        Step("remove", anatomy.unit(container, grace), "it stops"),
        *running_steps(host, after, wait),
        *rerouting(host, container, after, "its URL leads to it"),
    )
    return Plan("restart", container, after, steps, "undo")


def delete(
    host: HostConfig, container: Container, snapshots: Sequence[Snapshot] = (), *, locked: bool = False
) -> Plan[Container]:
    """Delete a container: its URL is dead first, then its program, then its files, those of its snapshots too."""
    dead = rerouting(host, container, None, "its URL is dead, for good")
    steps = (
        *dead,
        *_stopping(host, container, 0.0),
        *(Step("remove", one, "nothing goes back to it") for one in anatomy.kept_roots(container)),
        *(Step("remove", anatomy.taken(container, one), "nothing goes back to it") for one in snapshots),
        Step("remove", anatomy.volume(container), "its files go"),
        *((Step("remove", Lock(container.id), "nothing is left to lock"),) if locked else ()),
    )
    return Plan("delete", container, None, steps, "finish")


def update(
    host: HostConfig,
    container: Container,
    spec: Spec,
    *,
    running: bool,
    belongings: Belongings = Belongings(),
) -> Plan[Container]:
    """Change the options of a container: at once where the kernel allows it, else at its next start, never by surprise.

    Args:
        host: its host.
        container: as it is.
        spec: its options as they shall be.
        running: whether it runs.
        belongings: the volumes, secrets and neighbours that ``spec`` names.
    """
    options = changes.changed_options(container.spec, spec)
    after = belongings.of(dataclasses.replace(container, spec=spec))
    anatomy.command(after)
    live = {name for name in options if takes_effect(name).how == "live"}
    waiting = tuple(name for name in options if name not in live) if running else ()
    steps = []
    if "disk" in live:
        steps.append(
            Step("change", anatomy.volume(after), _why(container, after, {"disk"}), anatomy.volume(container))
        )
    if running:
        steps += _live_changes(host, container, after, live)
    steps += rerouting(host, container, after, _why(container, after, _PORTS))
    told = {"disk", *_ROUTES, *({*_LIMITS, "publish"} if running else ())}
    stored = changes.described(container.spec, spec, set(options) - told)
    return Plan("update", container, after, tuple(steps), "undo", waiting, tuple(stored))


def _why(old: Container, new: Container, options: set[str]) -> str:
    return ", ".join(changes.described(old.spec, new.spec, options))


def _live_changes(host: HostConfig, old: Container, new: Container, live: set[str]) -> list[Step]:
    """What a running container takes over at once. Its unit keeps what it was started with in all else."""
    steps: list[Step] = []
    if limits := live & _LIMITS:
        unit = anatomy.unit(old)
        changed = dataclasses.replace(unit, memory=new.spec.memory, cpu=new.spec.cpu, pids=new.spec.pids)
        steps.append(Step("change", changed, _why(old, new, limits), unit))
    if ports := live & _PORTS:
        before, after = anatomy.firewall_entry(host, old), anatomy.firewall_entry(host, new)
        if before != after:
            steps.append(Step("change", after, _why(old, new, ports), before))
    return steps
