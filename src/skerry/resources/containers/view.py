"""How containers are shown: in an answer, all about one, all of them, and the host's figures of them."""

import contextlib
import time
from typing import Any

from skerry.host import capacity, cgroups, systemd
from skerry.model import ends
from skerry.model.addresses import addresses
from skerry.model.container import Container
from skerry.model.publish import by_tls
from skerry.protocol import containers as requests
from skerry.resources.containers import anatomy, health, lost, missing, store
from skerry.resources.kind import Context
from skerry.store import references, schedules

_ACTIVE = {"active", "activating", "reloading", "restarting"}


def running(container: Container) -> bool:
    """Whether its unit is active now, or about to be."""
    return systemd.state(anatomy.unit_name(container.id)) in _ACTIVE


def waits_for_restart(container: Container) -> bool:
    """Whether its program has ended by itself, and systemd starts it again after a pause."""
    return systemd.state(anatomy.unit_name(container.id)) == "restarting"


def state_of(container: Container, unit_state: str) -> str:
    """The state a person sees: one whose program ended badly and stays so has failed, whatever became of its unit."""
    shown = shown_state(unit_state)
    ended = container.ended
    if shown == "failed" and ended and ended.by == "administrator":
        return "stopped"
    failed = shown == "stopped" and container.desired == "started" and ended and ended.now == "failed"
    return "failed" if failed else shown


def _ends(container: Container, state: str) -> dict[str, Any]:
    """How its program ended by itself since somebody started it, and how healthy it is."""
    ended, detail = container.ended, ""
    if state in {"restarting", "failed", "stopped"}:
        detail = ends.detail(ended, time.time())
    elif container.health.startswith(health.UNHEALTHY):
        detail = container.health
    return {
        "state_detail": detail,
        "health_state": container.health,
        "exit_status": ended.status if ended else None,
        "exit_reason": ended.reason if ended else "",
        "ended_at": ended.at if ended else "",
        "restarts": ended.restarts if ended else 0,
    }


def shown_state(unit_state: str) -> str:
    """The state a person sees for the active state of a unit: stopped, starting, running, stopping or failed."""
    return {
        "active": "running",
        "reloading": "running",
        "activating": "starting",
        "deactivating": "stopping",
        "restarting": "restarting",
        "failed": "failed",
    }.get(unit_state, "stopped")


def _seen(container: Container, state: str) -> str:
    """``frozen`` where it runs and the kernel is to hold it; ``stopping`` until its end is written down.

    So who waits for ``failed`` finds with it why.
    """
    if state == "running":
        return "frozen" if cgroups.to_be_frozen(anatomy.freezer(container).group) else state
    if state in {"failed", "restarting"} and container.desired == "started":
        known = container.ended is not None and container.ended.now == state
        return state if known else "stopping"
    return state


def view(context: Context, container: Container, state: str | None = None) -> dict[str, Any]:
    """A container as an answer shows it: what is stored, and how it is now."""
    host, own = context.host, addresses(context.host, container.slot)
    urls = {name: host.url(name) for name in container.host_names(host.domain)}
    found = state if state is not None else systemd.state(anatomy.unit_name(container.id))
    shown = _seen(container, state_of(container, found))
    ended = _ends(container, shown)
    if found in {"inactive", "failed"} and (what := lost.found(context, container)):
        shown, ended["state_detail"] = "stopped", f"{what} are not on this host"
    elif found in {"inactive", "failed"} and store.comes_back(context.db, container.id):
        shown, ended["state_detail"] = "starting", "the host was started, and its turn comes"
    aliases = references.aliases_of(context.db, container.id)
    named = [*[*urls][:1], *(f"{name}.{host.domain}" for name, service in aliases.items() if not service)]
    at = [one.host_port for one in by_tls(container.spec.publish)]
    return container.view() | {
        "state": shown,
        **ended,
        "url": next(iter(urls.values()), ""),
        "urls": list(urls.values()),
        "aliases": [host.url(f"{name}.{host.domain}") for name in aliases],
        "tls": [f"{name}:{port}" for port in at for name in named],
        "ipv4": own.ipv4,
        "ipv6": own.ipv6,
        "fences": host.fences,
    }


def info(context: Context, request: requests.Info) -> requests.OneContainer:
    """All about one container; the values of its environment only where they are asked for.

    Raises:
        SkerryError: there is none of that name.
    """
    container = store.find(context.db, request.container)
    if container is None:
        raise missing.not_found(context, request.container)
    values = {"env_values": container.spec.env} if request.show_env else {}
    schedule = schedules.of(context.db, container.id)
    return {"container": view(context, container) | _pending(context, container) | schedule | values}


def _pending(context: Context, container: Container) -> dict[str, Any]:
    """Whether it runs and waits for a restart, and why."""
    unit, reasons = anatomy.unit(container), []
    with contextlib.suppress(FileNotFoundError):  # it is just being started, or stopped
        reasons += ["options"] if unit.waits_for_restart(context.host) else []
        reasons += ["an older Skerry started it"] if unit.outdated(context.host) else []
    return {"restart_pending": bool(reasons), "restart_reasons": reasons}


def list_all(context: Context, request: requests.List) -> requests.Containers:
    """Every container, or those of one realm or project, with one question to systemd for all of them.

    Its image has the name that the list of images shows: that of an older one has a digest in it.
    """
    states = systemd.states("skerry-*.service")
    return {
        "containers": [
            view(context, container, states.get(anatomy.unit_name(container.id), "inactive"))
            | _pending(context, container)
            | {"image": container.image.name}
            for container in store.all_containers(context.db)
            if context.lists(request, container.key.realm, container.key.project)
        ]
    }


def figures(context: Context) -> dict[str, Any]:
    """How many there are, and what is promised to them of what the host has."""
    promised = store.promised(context.db)
    return {
        "containers": len(store.keys(context.db)),
        "memory_promised": promised.memory,
        "memory_for_containers": capacity.memory(context.host),
        "disk_promised": promised.disk,
        "disk_for_containers": capacity.disk(context.host),
    }
