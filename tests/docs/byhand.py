"""What a page tells its reader to do by hand, with an editor or elsewhere, before its next command."""

import json
from collections.abc import Callable

import yaml

from skerry_lab.inventory import host_vars
from skerry_lab.state import LabStore
from tests.docs.world import World, git

SERVER = "island1"
# The lab's computer may be small; the page says which two lines to fit to the server.
FITS = {"lxc_host_reserve_memory": "512M", "lxc_host_pool_size": "8G"}
LAB_ONLY = {"lxc_host_fences": "reported"}


def clone(world: World, reader: str) -> None:
    """A clone of the repository."""
    git("clone", "--quiet", str(world.repository), str(world.clone(reader)))


def rent_server(world: World, reader: str) -> None:
    """A server: Debian with ssh, and with python3-apt, as the page says of a small one."""
    world.lab(reader, "up", SERVER, "--image", "plain", "--owner", "docs")
    world.lab(reader, "ssh", SERVER, "--", "apt-get update -qq && apt-get install -qq --yes python3-apt")


def edit_inventory(world: World, reader: str) -> None:
    """`inventories/mine/hosts.yml`: the first host's address is the lab's, the second host is deleted."""
    path = world.clone(reader) / "inventories/mine/hosts.yml"
    document = yaml.safe_load(path.read_text())
    hosts = document["skerry_hosts"]["hosts"]
    reach = host_vars(LabStore(world.state(reader) / "skerry").get(SERVER))
    del reach["proxy_ca_fetch_to"], reach["skerry_https_port_public"]
    document["skerry_hosts"]["hosts"] = {SERVER: hosts[SERVER] | reach}
    document["skerry_hosts"]["vars"] |= FITS | LAB_ONLY
    path.write_text(json.dumps(document))


def say(line: str) -> Callable[[World, str], None]:
    """A line in the inventory of the labs."""

    def write(world: World, reader: str) -> None:
        path = world.clone(reader) / "inventories/lab/group_vars/skerry_hosts.yml"
        path.write_text(f"{path.read_text()}{line}\n")

    return write


def make_root(world: World, reader: str) -> None:
    """A folder that holds the root file system of the shop."""
    root = world.clone(reader) / "shop"
    for folder in ("etc", "srv/shop", "usr/bin"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    program = root / "srv/shop/run"
    program.write_text("#!/bin/sh\nexec sleep infinity\n")
    program.chmod(0o755)


OPERATIONS: dict[str, Callable[[World, str], None]] = {
    "clone": clone,
    "rent_server": rent_server,
    "edit_inventory": edit_inventory,
    "make_root": make_root,
    "say_tls_ports": say("proxy_tls_ports: [8883, 6697]"),
    "say_api": say("proxy_api: true"),
}
