"""The host as the engine sees it: one frozen value, read once from ``/etc/skerry/engine.toml``."""

import dataclasses
import ipaddress
import tomllib
from pathlib import Path
from typing import Literal

from skerry.model.errors import Code, SkerryError
from skerry.model.publish import read_ports
from skerry.model.size import parse_size


@dataclasses.dataclass(frozen=True)
class HostConfig:
    """Where things are on this host. Every default is the one the roles use.

    Attributes:
        domain: the URLs of this host end with it.
        bridge: the containers' bridge.
        ipv4: prefix of the containers, CIDR; the host has its first address.
        ipv6: the same for IPv6, a /64.
        reserve_memory: bytes of RAM that containers together never get.
        overcommit_memory: how many times the RAM that is there containers may be promised together.
        log_disk: bytes of disk that the logs of a realm's containers take at most.
        reserve_disk: bytes of the pool that images never take: containers' disks have them.
        fences: ``enforced`` refuses to create where a limit would not hold; ``reported`` creates and says so.
        state: folder of the state store and the secret.
        pool: mount point of the btrfs pool.
        run: folder for what a reboot may forget.
        proxy_socket: the proxy's master socket.
        routes_map: the proxy's map of routes.
        public_port: the port of the URLs, as a browser sees it.
        publish_ports: ports of the host, and ranges of them, that containers may publish.
        tls_ports: ports of the host at which the proxy ends TLS for what is not HTTP.
        pki: folder of the authority and of the certificate that the proxy serves.
        own_ports: those of them that they may not, since they are the host's own.
        merge_memory_realms: realms that may merge equal memory though another one does.
    """

    domain: str
    bridge: str = "skerry0"
    ipv4: str = "10.90.0.0/16"
    ipv6: str = "fd5e:6b65:7279::/64"
    reserve_memory: int = 512 * 1024**2
    overcommit_memory: float = 4.0
    log_disk: int = 256 * 1024**2
    reserve_disk: int = 512 * 1024**2
    fences: Literal["enforced", "reported"] = "enforced"
    state: str = "/var/lib/skerry"
    pool: str = "/var/lib/skerry/pool"
    run: str = "/run/skerry"
    proxy_socket: str = "/run/skerry-proxy/master.sock"
    routes_map: str = "/run/skerry-proxy/routes.map"
    pki: str = "/etc/skerry/pki"
    public_port: int = 443
    publish_ports: tuple[str, ...] = ("1024-65535",)
    own_ports: tuple[str, ...] = ("22", "80", "443", "2222")
    tls_ports: tuple[str, ...] = ()
    merge_memory_realms: tuple[str, ...] = ()

    def url(self, host_name: str) -> str:
        """The URL of a host name of ours."""
        return f"https://{host_name}{'' if self.public_port == 443 else f':{self.public_port}'}/"

    @property
    def database(self) -> str:
        """Path of the state store."""
        return f"{self.state}/state.db"

    @property
    def secret(self) -> str:
        """Path of the secret that makes ids unguessable."""
        return f"{self.state}/secret"


def _check_ratio(found: object) -> None:
    if not isinstance(found, int | float) or not 1 <= found <= 1000:
        raise ValueError(f"overcommit_memory is {found!r}; give a number from 1 to 1000")


def _ports(key: str, found: object) -> tuple[str, ...]:
    if not isinstance(found, list):
        said = f"{key} is {found!r}; give a list of ports and ranges, such as ['1024-65535']"
        raise ValueError(said)  # noqa: TRY004 - of a file, as all else that is wrong in it
    read_ports(found)
    return tuple(map(str, found))


def _names(found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        said = f"merge_memory_realms is {found!r}; give a list of names of realms"
        raise ValueError(said)
    return tuple(found)


CONFIG_PATH = "/etc/skerry/engine.toml"


def load_host_config(path: str = CONFIG_PATH) -> HostConfig:
    """Read the host's configuration.

    Raises:
        SkerryError: the file is missing, is not TOML, or has a key or a value that cannot be.
    """
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SkerryError(Code.HOST, f"{path} is missing", "Run the role lxc_host on this host") from error
    except tomllib.TOMLDecodeError as error:
        raise SkerryError(
            Code.HOST, f"{path} is not valid TOML: {error}", "Run the role lxc_host again"
        ) from error
    known = {field.name for field in dataclasses.fields(HostConfig)}
    if unknown := sorted(set(values) - known):
        raise SkerryError(
            Code.HOST, f"{path}: unknown key {unknown[0]!r}", f"Known keys: {', '.join(sorted(known))}"
        )
    if "domain" not in values:
        raise SkerryError(
            Code.HOST, f"{path}: 'domain' is missing", "Set it to the domain of this host's URLs"
        )
    try:
        _check_ratio(values.get("overcommit_memory", 1))
        for key in {"reserve_memory", "log_disk", "reserve_disk"} & values.keys():
            values[key] = parse_size(values[key])
        for key in {"ipv4", "ipv6"} & values.keys():
            ipaddress.ip_network(values[key])
        for key in {"publish_ports", "own_ports", "tls_ports"} & values.keys():
            values[key] = _ports(key, values[key])
        if "merge_memory_realms" in values:
            values["merge_memory_realms"] = _names(values["merge_memory_realms"])
    except ValueError as error:
        raise SkerryError(Code.HOST, f"{path}: {error}", "Run the role lxc_host again") from error
    return HostConfig(**values)
