"""What containers use of their limits: two looks at the kernel's counters, some time apart."""

import time
from typing import Any

from skerry.host import quotas, usage
from skerry.host.usage import Used
from skerry.model.addresses import addresses
from skerry.model.container import Container
from skerry.model.size import parse_size
from skerry.protocol import containers as requests
from skerry.resources.containers import anatomy, store, view
from skerry.resources.kind import Context


def stats(context: Context, request: requests.Stats | requests.Top) -> requests.Usage:
    """Every container that is to run, or those of one realm or project, with what it uses."""
    listed = [
        container
        for container in store.all_containers(context.db)
        if context.lists(request, container.key.realm, container.key.project)
    ]
    before, begun = [_look(context, one) for one in listed], time.monotonic()
    time.sleep(request.interval)
    after, seconds = [_look(context, one) for one in listed], time.monotonic() - begun
    disks = quotas.used_by_all(context.host.pool)
    shown = view.list_all(context, requests.List(verb="list"))["containers"]
    states = {one["id"]: one["state"] for one in shown}
    return {
        "stats": [
            _row(one, states.get(one.id, "stopped"), first, second, seconds, disks)
            for one, first, second in zip(listed, before, after, strict=True)
        ]
    }


def _look(context: Context, container: Container) -> Used:
    unit = anatomy.unit(container)
    # With what the launcher takes: the limits hold for all of it.
    group = f"{unit.group.partition(unit.name)[0]}{unit.name}"
    return usage.used(group, addresses(context.host, container.slot).interface)


def _rate(before: int | None, after: int | None, seconds: float) -> float | None:
    if before is None or after is None or after < before:  # it was started anew meanwhile
        return None
    return (after - before) / seconds


def _row(
    container: Container, state: str, before: Used, after: Used, seconds: float, disks: dict[int, int]
) -> dict[str, Any]:
    cpu = _rate(before.cpu, after.cpu, seconds)
    return {
        "id": container.id,
        **container.key.model_dump(),
        "state": state,
        "cpu_used": None if cpu is None else round(cpu / 1e6, 3),
        "cpu": container.spec.cpu,
        "memory_used": after.memory,
        "memory": container.spec.memory,
        "pids_used": after.pids,
        "pids": container.spec.pids,
        "disk_used": disks.get(quotas.group_of(container.id), 0),
        "disk": parse_size(container.spec.disk),
        "received_per_second": _rate(before.received, after.received, seconds),
        "sent_per_second": _rate(before.sent, after.sent, seconds),
    }
