"""What runs between `lab up` and the fast lab's own systemd, in two steps.

`outside` becomes `unshare`: process id and start time stay what launch.py noted, and killing that one process
takes everything else along: machine, network, mounts. `inside` is the first process in the new namespaces: it
lays the overlay, makes the network, then becomes systemd-nspawn.
"""

import json
import os
import select
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from skerry_base.core.errors import SkerryError
from skerry_base.core.files import read_text
from skerry_base.core.run import run_here, tail
from skerry_lab import cgroups
from skerry_lab.ports import LOOPBACK
from skerry_lab.start import become, start_beside

GUEST = "10.0.2.100"
GUEST_V6, GATEWAY_V6 = "fd00::100/64", "fe80::2"
_CGROUPS = Path("/sys/fs/cgroup")
_NETWORK_S = 10


@dataclass(frozen=True)
class StageSpec:
    """What the stage needs to know; passed as JSON."""

    name: str
    lower: str
    """The image's root, never written to."""
    ports: dict[int, int]
    """Port on 127.0.0.1 → port in the machine."""
    devices: list[str]
    """Device nodes of this computer that the machine sees."""

    def to_json(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "StageSpec":
        """What `to_json` made."""
        record = json.loads(text)
        return cls(**{**record, "ports": {int(here): there for here, there in record["ports"].items()}})


def outside(spec: StageSpec) -> None:
    """Become the process that holds the namespaces. The working folder is the lab's."""
    if _has_systemd():
        _enter_cgroup("outer")
    else:
        cgroups.enter(f"skerry-lab-{spec.name}")
    namespaces = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--propagation=private"]
    become(["unshare", *namespaces, sys.executable, "-m", "skerry_lab.fast_stage", "inside", spec.to_json()])


def inside(spec: StageSpec) -> None:
    """Lay the overlay, make the network, and become systemd-nspawn."""
    layers = f"lowerdir={spec.lower},upperdir=upper,workdir=work"
    run_here(["mount", "-t", "overlay", "-o", layers, f"skerry-lab-{spec.name}", "root"])
    _make_network(spec)
    if _has_systemd():
        _delegate_cgroup()
    else:
        # nspawn leaves folders in /run; here nobody else needs it.
        run_here(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    os.environ.update(
        # LXC leaves its containers without their seccomp policy where it runs under a filter itself.
        SYSTEMD_SECCOMP="0",
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1",
        # The platform forwards packets: it writes /proc/sys/net, which belongs to the machine's own network.
        SYSTEMD_NSPAWN_API_VFS_WRITABLE="network",
    )
    become(nspawn(spec))


def nspawn(spec: StageSpec) -> list[str]:
    """The command that boots the machine."""
    return [
        "systemd-nspawn", "--directory=root", "--boot", "--keep-unit", "--register=no",
        f"--machine=skerry-{spec.name}", "--network-namespace-path=netns", "--resolv-conf=off",
        "--timezone=off", "--link-journal=no", "--console=read-only", "--capability=all",
        # The clock is this computer's.
        "--drop-capability=CAP_SYS_TIME", *(f"--bind={path}" for path in spec.devices),
    ]  # fmt: skip


def _make_network(spec: StageSpec) -> None:
    """A network namespace, joined to this computer's network by a program of ours and by nothing else."""
    Path("netns").touch()
    run_here(["unshare", "--net=netns", "true"])
    ready_read, ready_write = os.pipe()
    slirp = [
        "slirp4netns", "--configure", "--mtu=65520", "--enable-ipv6", "--enable-sandbox",
        "--enable-seccomp", "--disable-host-loopback", "--api-socket=slirp.sock",
        f"--ready-fd={ready_write}", "--netns-type=path", "netns", "eth0",
    ]  # fmt: skip
    start_beside(slirp, Path("network.log"), pass_fds=[ready_write])
    os.close(ready_write)
    ready, _, _ = select.select([ready_read], [], [], _NETWORK_S)
    if not ready or os.read(ready_read, 1) != b"1":
        raise SkerryError(f"slirp4netns did not come up:\n{tail(read_text(Path('network.log')))}")
    os.close(ready_read)
    for here, there in spec.ports.items():
        _forward(here, there)
    _fix_ipv6()


def _forward(here: int, there: int) -> None:
    """One port of 127.0.0.1 to one of the machine, as slirp4netns's own socket takes it."""
    outside = {"host_addr": LOOPBACK, "host_port": here}
    inside = {"guest_addr": GUEST, "guest_port": there}
    request = {"execute": "add_hostfwd", "arguments": {"proto": "tcp", **outside, **inside}}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as api:
        api.settimeout(_NETWORK_S)
        api.connect("slirp.sock")
        api.sendall(json.dumps(request).encode())
        api.shutdown(socket.SHUT_WR)
        answer = api.recv(4096).decode()
    if "error" in json.loads(answer):
        raise SkerryError(f"port {here} on {LOOPBACK} can't be forwarded: {answer}")


def _fix_ipv6() -> None:
    """A fixed address and route: a machine that forwards packets ignores router advertisements."""
    inside = ["nsenter", "--net=netns"]
    run_here([*inside, "sysctl", "--quiet", "net.ipv6.conf.eth0.accept_ra=0"])
    run_here([*inside, "ip", "-6", "address", "replace", GUEST_V6, "dev", "eth0", "nodad"])
    run_here([*inside, "ip", "-6", "route", "replace", "default", "via", GATEWAY_V6, "dev", "eth0"])


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _own_cgroup() -> Path:
    path = Path("/proc/self/cgroup").read_text(encoding="ascii").strip().split("::", 1)[1]
    return _CGROUPS / path.lstrip("/")


def _enter_cgroup(name: str) -> None:
    """Move this process one level down, since a cgroup with processes can't hand out controllers."""
    below = _own_cgroup() / name
    below.mkdir()
    (below / "cgroup.procs").write_text("0", encoding="ascii")


def _delegate_cgroup() -> None:
    """From SCOPE/outer to SCOPE/machine, which gets all of the scope's controllers for nspawn to hand on."""
    scope = _own_cgroup().parent
    names = (scope / "cgroup.controllers").read_text(encoding="ascii").split()
    controllers = " ".join(f"+{name}" for name in names)
    (scope / "machine").mkdir()
    (scope / "machine/cgroup.procs").write_text("0", encoding="ascii")
    (scope / "cgroup.subtree_control").write_text(controllers, encoding="ascii")


def main() -> None:
    """`python -m skerry_lab.fast_stage outside|inside SPEC`, only ever called by the lab itself."""
    step, spec = sys.argv[1], StageSpec.from_json(sys.argv[2])
    try:
        {"outside": outside, "inside": inside}[step](spec)
    except SkerryError as error:
        sys.exit(f"skerry_lab: {error}")


if __name__ == "__main__":
    main()
