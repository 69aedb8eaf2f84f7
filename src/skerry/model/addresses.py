"""Everything that follows from a container's slot: interface, MAC, addresses, uid range. All pure arithmetic."""

import dataclasses
import ipaddress

from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig

IDS_PER_SLOT = 65_536  # user_namespaces(7): what a distribution's user database needs
FIRST_UID = 1_048_576  # above what adduser, subuid defaults and systemd-nspawn's picks at 524288.. use
FIRST_HOST = 256  # addresses below belong to the host
_MAX_UID = 2**32 - 2


@dataclasses.dataclass(frozen=True)
class Addresses:
    """What one slot owns on its host."""

    interface: str
    mac: str
    ipv4: str
    ipv6: str
    uid_base: int


def gateways(host: HostConfig) -> tuple[str, str]:
    """The host's own IPv4 and IPv6 address on the bridge: the first of each prefix."""
    v4, v6 = ipaddress.IPv4Network(host.ipv4), ipaddress.IPv6Network(host.ipv6)
    return str(v4[1]), str(v6[1])


def max_slot(host: HostConfig) -> int:
    """The highest slot for which IPv4 addresses and uids are left on this host."""
    by_address = ipaddress.IPv4Network(host.ipv4).num_addresses - FIRST_HOST - 2
    return min(by_address, (_MAX_UID - FIRST_UID) // IDS_PER_SLOT - 1)


def addresses(host: HostConfig, slot: int) -> Addresses:
    """What slot number ``slot`` (from 1) owns.

    Raises:
        SkerryError: the prefix or the uids end before this slot.
    """
    if not 1 <= slot <= max_slot(host):
        raise SkerryError(
            Code.HOST, f"slot {slot} lies outside 1..{max_slot(host)}", "Use a larger ipv4 prefix"
        )
    v4, v6 = ipaddress.IPv4Network(host.ipv4), ipaddress.IPv6Network(host.ipv6)
    return Addresses(
        interface=f"sk{slot}",
        mac="02:5e:" + ":".join(f"{byte:02x}" for byte in slot.to_bytes(4, "big")),
        ipv4=str(v4[FIRST_HOST + slot]),
        ipv6=str(v6[FIRST_HOST + slot]),
        uid_base=FIRST_UID + slot * IDS_PER_SLOT,
    )
