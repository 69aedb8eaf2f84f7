"""Another name for a container: what has it is told of it, and nothing of the container itself changes."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from skerry.model.container import Container, ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.neighbours import Peer, links
from skerry.parts.base import Step
from skerry.parts.neighbours import HostName, Reach
from skerry.protocol import containers as requests
from skerry.resources import names
from skerry.resources.containers import missing, neighbours, store
from skerry.resources.containers.view import running
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.store import renames
from skerry.store.renames import Follower, Renaming

Decide = DecideAny[Container]


def names_in(request: Any) -> tuple[ContainerKey, ...]:
    """What the container that a request is about may be called, in the order in which one is looked for."""
    key: ContainerKey = request.container
    other = None
    if isinstance(request, requests.Rename):
        other = request.new_name
    elif isinstance(request, requests.Ensure) and request.state != "absent":
        other = request.renamed_from
    return (key,) if other is None else (key, key.model_copy(update={"name": other}))


def renaming(before: Container, after: Container) -> Renaming:
    """What becomes of its name."""
    key = before.key
    return Renaming("container", key.realm, key.project, key.name, after.key.name)


def rename(context: Context, old: ContainerKey, new: ContainerKey) -> Decide:
    """The container called ``old`` is to be called ``new``; it is found by either."""

    def decide(found: Container | None) -> Plan[Container] | None:
        if old == new or found is None or found.key == new:
            return None
        if (other := store.find(context.db, new)) is not None:
            raise SkerryError(
                Code.EXISTS,
                f"container {new} exists already, with id {other.id}",
                "Choose another name, or rename or delete that one first",
            )
        after = dataclasses.replace(found, key=new)
        following = _followers(context, renaming(found, after), found.id)
        after = dataclasses.replace(after, followers=tuple(one.id for one in following))
        peers = store.peers(context.db, found.realm_id)
        return _plan(context.host, found, after, following, peers, running=running(found))

    return decide


def rename_existing(context: Context, request: requests.Rename) -> Decide:
    """As :func:`rename`, of a container that must exist by its old name."""
    old = request.container
    new = old.model_copy(update={"name": request.new_name})

    def decide(found: Container | None) -> Plan[Container] | None:
        if found is None or found.key != old:
            raise missing.not_found(context, old)
        return rename(context, old, new)(found)

    return decide


def _followers(context: Context, renaming: Renaming, container_id: str) -> list[Follower]:
    if found := renames.in_work(context.db, renaming, besides=container_id):
        raise SkerryError(
            Code.BUSY,
            f"{renaming.old} cannot be renamed while an operation works on {names.listed(found)}, which names it",
            "Try again when that is done",
        )
    try:
        return [one for one in renames.followers(context.db, renaming) if one.id != container_id]
    except ValueError as error:
        wrong, _, right = str(error).partition("; ")
        raise SkerryError(Code.INVALID, f"new_name: {wrong}", f"{right[:1].upper()}{right[1:]}") from error


def _told(following: Iterable[Follower]) -> Iterator[str]:
    """In words, what changes in the options of those that follow."""
    for one in following:
        for option, value in one.after.items():
            yield f"{one.name}: {option} {' '.join(one.before[option])} to {' '.join(value)}"


def _plan(
    host: HostConfig,
    before: Container,
    after: Container,
    following: Sequence[Follower],
    peers: Sequence[Peer],
    *,
    running: bool,
) -> Plan[Container]:
    """What runs keeps its host name and its environment until it is restarted; all else knows the new name at once."""
    old = _known(host, before, peers)
    new = _known(host, after, neighbours.renamed(peers, after))
    steps = [
        Step("make", part, f"{after.key.name} is its new name") for key, part in new.items() if key not in old
    ]
    steps += [
        Step("remove", part, f"{after.key.name} is its new name")
        for key, part in old.items()
        if key not in new
    ]
    stored = (f"name {before.key.name} to {after.key.name}", *_told(following))
    waiting = ("name",) if running else ()
    return Plan("rename", before, after, tuple(steps), "undo", waiting, stored)


def _known(
    host: HostConfig, container: Container, peers: Sequence[Peer]
) -> dict[tuple[str, str], HostName | Reach]:
    """The names and the entries in the firewall that are of a container, each by what no other one has."""
    of_it = [link for link in links(peers) if container.id in {link.source.id, link.target.id}]
    found: list[HostName | Reach] = [neighbours.reach(host, link) for link in of_it if link.up]
    found += [neighbours.host_name(link) for link in of_it if link.source.up]
    if container.desired != "stopped":
        name = container.key.name
        found.append(HostName(container.id, name, name, container.slot))
    return {(one.kind, one.key): one for one in found}
