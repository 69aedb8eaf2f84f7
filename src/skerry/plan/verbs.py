"""The verbs: each a pure function from what is there and what is wanted to a plan."""

import dataclasses

from skerry.model.container import Container, Spec, Wanted, takes_effect
from skerry.model.host import HostConfig
from skerry.parts.base import Step
from skerry.plan import anatomy
from skerry.plan.plan import Plan


@dataclasses.dataclass(frozen=True)
class Wait:
    """What the caller waits for: ``timeout`` seconds at most for its port to answer, or only for it to run."""

    ready: bool = True
    timeout: float = 30.0


def _wanted(container: Container, wanted: Wanted) -> Container:
    return dataclasses.replace(container, wanted=wanted)


def _rerouting(
    host: HostConfig, before: Container | None, after: Container | None, reason: str
) -> list[Step]:
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


def _running(host: HostConfig, container: Container, wait: Wait) -> list[Step]:
    steps = [Step("make", anatomy.unit(container), "it runs inside its fences")]
    if wait.ready:
        steps.append(
            Step("make", anatomy.ready(host, container, wait.timeout), "the caller waits until it answers")
        )
    return steps


def _starting(host: HostConfig, container: Container, wait: Wait) -> list[Step]:
    return [
        Step("make", anatomy.port(host, container), "its packets may pass"),
        *_running(host, container, wait),
    ]


def _stopping(host: HostConfig, container: Container, grace: float) -> list[Step]:
    return [
        Step("remove", anatomy.unit(container, grace), "it stops"),
        Step("remove", anatomy.port(host, container), "no packet passes"),
    ]


def create(host: HostConfig, container: Container, *, start: bool, wait: Wait) -> Plan:
    """Make a container that does not exist, and start it where ``start``."""
    after = _wanted(container, "started" if start else "stopped")
    anatomy.command(after)
    steps = [Step("make", anatomy.volume(after), "its own files")]
    if start:
        steps += _starting(host, after, wait)
    steps += _rerouting(
        host, None, after, "its URL leads to it" if start else "its URL says that it is stopped"
    )
    return Plan("create", None, after, tuple(steps), "undo")


def start(host: HostConfig, container: Container, wait: Wait) -> Plan:
    """Start a container that does not run."""
    after = _wanted(container, "started")
    steps = _starting(host, after, wait) + _rerouting(host, container, after, "its URL leads to it")
    return Plan("start", container, after, tuple(steps), "undo")


def stop(host: HostConfig, container: Container, grace: float) -> Plan:
    """Stop a container: its URL first, then its program, which has ``grace`` seconds to end by itself."""
    after = _wanted(container, "stopped")
    steps = _rerouting(host, container, after, "its URL says that it is stopped")
    return Plan("stop", container, after, (*steps, *_stopping(host, container, grace)), "finish")


def restart(host: HostConfig, container: Container, grace: float, wait: Wait) -> Plan:
    """Stop a container that runs and start it again, with the options that waited for that."""
    stopping = Step("remove", anatomy.unit(container, grace), "it stops")
    return Plan("restart", container, container, (stopping, *_running(host, container, wait)), "undo")


def delete(host: HostConfig, container: Container) -> Plan:
    """Delete a container: its URL is dead first, then its program, then its files."""
    dead = _rerouting(host, container, None, "its URL is dead, for good")
    steps = (
        *dead,
        *_stopping(host, container, 0.0),
        Step("remove", anatomy.volume(container), "its files go"),
    )
    return Plan("delete", container, None, steps, "finish")


def changed_options(old: Spec, new: Spec) -> list[str]:
    """The options in which two specs differ, in the order of their declaration."""
    return [name for name in Spec.model_fields if getattr(old, name) != getattr(new, name)]


def update(host: HostConfig, container: Container, spec: Spec, *, running: bool) -> Plan:
    """Change the options of a container: at once where the kernel allows it, else at its next start, never by surprise."""
    options = changed_options(container.spec, spec)
    after = dataclasses.replace(container, spec=spec)
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
    steps += _rerouting(host, container, after, "its services changed")
    return Plan("update", container, after, tuple(steps), "undo", waiting)


def _why(old: Container, new: Container, options: set[str]) -> str:
    before, after = old.spec.model_dump(mode="json"), new.spec.model_dump(mode="json")
    return ", ".join(
        f"{name} {before[name]} to {after[name]}" for name in Spec.model_fields if name in options
    )


def _live_changes(host: HostConfig, old: Container, new: Container, live: set[str]) -> list[Step]:
    """What a running container takes over at once. Its unit keeps what it was started with in all else."""
    steps: list[Step] = []
    if fences := live & {"memory", "cpu", "pids"}:
        unit = anatomy.unit(old)
        changed = dataclasses.replace(unit, memory=new.spec.memory, cpu=new.spec.cpu, pids=new.spec.pids)
        steps.append(Step("change", changed, _why(old, new, fences), unit))
    if ports := live & {"port", "services"}:
        before, after = anatomy.port(host, old), anatomy.port(host, new)
        if before != after:
            steps.append(Step("change", after, _why(old, new, ports), before))
    return steps
