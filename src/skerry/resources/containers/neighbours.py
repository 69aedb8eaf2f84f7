"""Who may talk to whom: what is checked of it, and the steps that a change of one container means for all of its realm."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from skerry.host import nft_kernel
from skerry.host.nft import Element
from skerry.model.addresses import addresses
from skerry.model.container import Container
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.neighbours import Link, Peer, links, parse
from skerry.parts.base import Part, Step
from skerry.parts.firewall import REACHES, FirewallEntry, live_elements
from skerry.parts.neighbours import HostName, Reach, rewrite
from skerry.parts.unit import Unit
from skerry.resources import names
from skerry.resources.containers import store
from skerry.resources.kind import Context, Decide, Plan, Planner, followed
from skerry.store import references
from skerry.store.db import Database
from skerry.store.renames import Renaming


def check(db: Database, container: Container, reaches: Iterable[str]) -> None:
    """Refuse what a container can't reach. A circle is allowed: who may talk to whom says nothing of who comes first.

    Raises:
        SkerryError: one of them is the container itself, is not there, or does not let it in.
    """
    entries = [(text, parse(text)) for text in reaches]
    if not entries:
        return
    own = _peer(container)
    peers = [own, *(one for one in store.peers(db, container.realm_id) if one.id != own.id)]
    reached = {str(link.reach) for link in links(peers) if link.source is own}
    for text, reach in entries:
        if (reach.project or own.project, reach.name) == (own.project, own.name):
            raise SkerryError(
                Code.INVALID,
                f"reaches: {reach.name} is the container itself",
                "Leave it out: it reaches its own ports at localhost",
            )
        if text not in reached:
            raise _out_of_reach(db, container, reach.project, reach.name)


def _out_of_reach(db: Database, container: Container, project: str, name: str) -> SkerryError:
    key = container.key
    if project not in {"", key.project}:
        return SkerryError(
            Code.INVALID,
            f"reaches: there is no container {project}/{name} in realm {key.realm} that lets {key.project}/{key.name} in",
            f"Create it with reachable_from: [{key.project}/{key.name}], or update it so, first",
        )
    known = [one for one in references.container_names(db, key.realm, key.project) if one != key.name]
    return SkerryError(
        Code.INVALID,
        f"reaches: there is no container {name!r} in its project",
        f"{names.meant(name, known)}Create it first, or name another. "
        f"Containers there: {names.listed(known, 10) or 'none'}",
    )


def _peer(container: Container) -> Peer:
    key, spec = container.key, container.spec
    up = container.desired != "stopped"
    return Peer(container.id, key.project, key.name, container.slot, up, spec.reaches, spec.reachable_from)


def reach(host: HostConfig, link: Link) -> Reach:
    """A link's entry in the firewall."""
    source, target = addresses(host, link.source.slot), addresses(host, link.target.slot)
    return Reach(
        link.source.name,
        str(link.reach),
        source.ipv4,
        source.ipv6,
        target.ipv4,
        target.ipv6,
        link.reach.protocol,
        link.reach.port,
    )


def host_name(link: Link) -> HostName:
    """What a link's source calls its target."""
    return HostName(link.source.id, link.source.name, link.reach.host_name, link.target.slot)


def reaches(context: Context, realm_ids: Iterable[str]) -> list[Reach]:
    """Every entry in the firewall that there is to be between containers of these realms."""
    every = (link for realm_id in realm_ids for link in links(store.peers(context.db, realm_id)))
    return [reach(context.host, link) for link in every if link.up]


def live() -> set[Element]:
    """The elements of the firewall that are of two containers.

    Raises:
        SkerryError: the firewall is not loaded.
    """
    return {element for element in live_elements() if element.set in REACHES}


def settle(context: Context, found: set[Element]) -> Iterator[str]:
    """Bring firewall and names to what the store says; what was different.

    Args:
        context: the host and the store.
        found: what was :func:`live` before: what came since is in the store, and none of it is taken away.
    """
    every = store.all_containers(context.db)
    wanted = {one for part in reaches(context, {one.realm_id for one in every}) for one in part.elements()}
    gone, come = found - wanted, wanted - found
    if gone and nft_kernel.delete(gone):  # else one is gone meanwhile, and its operation has this look again
        yield from map(str, gone)
    if come:
        nft_kernel.add(come)
        yield from map(str, come)
    for container in every:
        known = sorted(container.neighbours.items())
        if rewrite(context.host, container.id, container.key.name, container.slot, known):
            yield f"/etc/hosts of {container.key}"


def with_them(planner: Planner[Container]) -> Planner[Container]:
    """The planner, whose plans let neighbours reach one another, or no more."""

    def planned(context: Context, request: Any, found: Container | None) -> Sequence[Decide[Container]]:
        return [_decided(context, decide) for decide in planner(context, request, found)]

    return planned


def _decided(context: Context, decide: Decide[Container]) -> Decide[Container]:
    def complete(plan: Plan[Container] | None) -> Plan[Container] | None:
        if plan is None or plan.aside or plan.verb == "rename":  # which changes no more than names
            return plan
        every = store.peers(context.db, plan.resource.realm_id)
        if context.dry_run and plan.before:  # what a plan before this one would have renamed
            every = renamed(every, plan.before)
        return with_links(context.host, plan, [one for one in every if one.id != plan.resource.id])

    return followed(decide, complete)


def renamed(peers: Sequence[Peer], container: Container) -> list[Peer]:
    """The containers of a realm as they are when one of them has the name that ``container`` has."""
    key, own = container.key, next((one for one in peers if one.id == container.id), None)
    if own is None or own.name == key.name:
        return list(peers)
    renaming = Renaming("container", key.realm, key.project, own.name, key.name)
    found = []
    for peer in peers:
        lists = {"reaches": peer.reaches, "reachable_from": peer.reachable_from}
        after = lists | renaming.of(peer.project, {name: list(value) for name, value in lists.items()})
        found.append(
            dataclasses.replace(
                peer,
                name=key.name if peer is own else peer.name,
                reaches=tuple(after["reaches"]),
                reachable_from=tuple(after["reachable_from"]),
            )
        )
    return found


def with_links(host: HostConfig, plan: Plan[Container], others: Sequence[Peer]) -> Plan[Container]:
    """The plan, with the steps for what it changes between its container and ``others`` of the realm."""
    before, after = (
        [link for link in links(_with(others, one)) if plan.resource.id in {link.source.id, link.target.id}]
        for one in (plan.before, plan.after)
    )
    if not before and not after:
        return plan
    entry, unit = (_actions(plan, kind) for kind in (FirewallEntry, Unit))
    old = [] if "make" in entry else [reach(host, link) for link in before if link.up]
    new = [reach(host, link) for link in after if link.up]
    # Its own file comes with its unit, and goes with it.
    foreign = {"make", "remove"} & unit.keys()
    old_names, new_names = (
        list(
            dict.fromkeys(
                host_name(link)
                for link in every
                if link.source.up and not (foreign and link.source.id == plan.resource.id)
            )
        )
        for every in (before, after)
    )
    come = [Step("make", one, f"{one.source} reaches it") for one in new if one not in old]
    come += [Step("make", one, f"{one.reader} may reach it") for one in new_names if one not in old_names]
    gone = [Step("remove", one, "what is open through it ends") for one in old if one not in new]
    gone += [
        Step("remove", one, f"{one.reader} may not reach it") for one in old_names if one not in new_names
    ]
    steps = list(plan.steps)
    at = entry["make"] + 1 if "make" in entry else unit.get("make", len(steps))
    steps[at:at] = come
    at = entry.get("remove", 0)
    steps[at:at] = gone
    return dataclasses.replace(plan, steps=tuple(steps))


def _with(others: Sequence[Peer], container: Container | None) -> list[Peer]:
    return [*others, *([] if container is None else [_peer(container)])]


def _actions(plan: Plan[Container], kind: type[Part]) -> dict[str, int]:
    """What a plan does to its part of a kind, with the place of the step."""
    return {step.action: at for at, step in enumerate(plan.steps) if isinstance(step.part, kind)}
