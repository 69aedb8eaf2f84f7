"""Which ports of the host a container may publish: what the host allows, and what nobody else has."""

import dataclasses
from collections.abc import Iterable

from skerry.host import listening
from skerry.model.container import Container
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.publish import Published, parse, read_ports
from skerry.resources.kind import Context
from skerry.store import references


def check(context: Context, container: Container, had: Iterable[str] = ()) -> None:
    """Refuse a port that the host does not allow, that it has itself, or that another container has.

    Args:
        context: the host and the store.
        container: as it shall be.
        had: what it publishes already: a host that allows less meanwhile takes nothing away.

    Raises:
        SkerryError: the first of its new ones that it can't have.
    """
    kept = {parse(text).taken for text in had}
    new = [one for one in map(parse, container.spec.publish) if one.taken not in kept]
    if not new:
        return
    taken = references.published(context.db, besides=container.id)
    for one in new:
        if one.shared:
            _check_tls(context.host, one)
            continue
        choose = _choose(context.host, one, taken)
        _check_allowed(context.host, one, choose)
        if one.taken in taken:
            raise SkerryError(
                Code.EXISTS,
                f"publish: port {one.taken} of the host is taken",
                f"{choose}; a port of the host leads to one container",
            )
        if listening.listens(one.protocol, one.host_port):
            raise SkerryError(
                Code.EXISTS,
                f"publish: a program of the host itself listens at port {one.taken}",
                f"{choose}, or stop that program: ss -lntup names it",
            )


def _check_allowed(host: HostConfig, one: Published, choose: str) -> None:
    if one.host_port in read_ports(host.own_ports):
        raise SkerryError(
            Code.INVALID,
            f"publish: port {one.host_port} is the host's own: ssh, the proxy and the unlocking have "
            f"{', '.join(host.own_ports)}",
            choose,
        )
    if one.protocol == "tcp" and one.host_port in read_ports(host.tls_ports):
        raise SkerryError(
            Code.INVALID,
            f"publish: port {one.host_port} is the proxy's, which ends TLS there",
            f"Say {dataclasses.replace(one, protocol='tls')} to be reached there by name. {choose}",
        )
    allowed = read_ports(host.publish_ports)
    if one.host_port not in allowed:
        which = f"the ports {allowed}" if allowed.ranges else "no port"
        raise SkerryError(
            Code.INVALID,
            f"publish: this host lets containers publish {which}, and not {one.host_port}",
            f"{choose}, or allow more by lxc_host_publish_ports of the role lxc_host",
        )


def _check_tls(host: HostConfig, one: Published) -> None:
    ports = read_ports(host.tls_ports)
    if one.host_port not in ports:
        where = f"at the ports {ports}" if ports.ranges else "at no port"
        raise SkerryError(
            Code.INVALID,
            f"publish: {one}: the proxy of this host ends TLS {where}, and not at {one.host_port}",
            f"Add {one.host_port} to proxy_tls_ports in the inventory and run playbooks/host.yml, or choose one that is "
            "there",
        )


def _choose(host: HostConfig, one: Published, taken: set[str]) -> str:
    """What to do instead, with the next port that is free."""
    allowed, own = read_ports(host.publish_ports), read_ports((*host.own_ports, *host.tls_ports))
    for port in (*range(one.host_port + 1, 65_536), *range(1, one.host_port)):
        if port in allowed and port not in own and f"{port}/{one.protocol}" not in taken:
            return f"Choose another one, such as {Published(port, one.port, one.protocol)}"
    return "Leave it out, since none is free"
