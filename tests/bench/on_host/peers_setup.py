"""Incus and podman beside the engine: Debian's packages, a btrfs of their own, and the sample image's root for both.

``python3 peers_setup.py up`` runs on the host, as root, as often as one likes, and prints one line of JSON: the versions.
``python3 peers_setup.py down`` stops both and takes away all but the packages.
"""

import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from skerry.client import EngineClient

IMAGE = "hello"
PACKAGES = ("incus-base", "dnsmasq-base", "podman", "crun", "skopeo")
DISK, POOL = Path("/var/lib/bench-peers.btrfs"), Path("/var/lib/bench-peers")
DISK_SIZE = "8G"  # sparse
SERVICES = ("incus.service", "incus.socket", "podman.socket", "podman.service")
# Else Incus takes the whole of root's range in /etc/subuid, which is the engine's, and LXC finds no id left for itself.
_IDS = 65_536
_STORAGE = Path("/etc/containers/storage.conf")
_NO_LIMIT = Path("/etc/containers/containers.conf.d/bench.conf")
_PRESEED = """
storage_pools:
- {{name: default, driver: btrfs, config: {{source: {pool}/incus}}}}
networks:
- {{name: incusbr0, type: bridge, config: {{ipv4.address: 10.99.0.1/24, ipv6.address: none}}}}
profiles:
- name: default
  config: {{raw.lxc: "lxc.init.cmd = {command}", security.idmap.size: "{ids}"}}
  devices:
    root: {{type: disk, pool: default, path: /}}
    eth0: {{type: nic, network: incusbr0}}
"""


def run(*argv: str, stdin: str = "", **more: str) -> str:
    """Run a program that must succeed; what it printed."""
    done = subprocess.run(
        argv, input=stdin, capture_output=True, text=True, check=False, env={**os.environ, **more}
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def sample() -> dict:
    """What the engine tells of the sample image."""
    listed = EngineClient().call("image_list")["images"]
    return next(image for image in listed if image["name"] == IMAGE)


def install() -> None:
    """The packages, without what they recommend."""
    missing = [name for name in PACKAGES if not installed(name)]
    if missing:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "-qq", "update", **quiet)
        run("apt-get", "-qq", "install", "--no-install-recommends", *missing, **quiet)


def installed(name: str) -> bool:
    """Whether Debian's package is there, and set up."""
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    return (
        subprocess.run(query, capture_output=True, text=True, check=False).stdout.split("\n")[0]
        == "installed"
    )


def mount_pool() -> None:
    """A btrfs in a file, as the engine's pool of a lab is one: a lab's own root can't be below an overlay."""
    if POOL.is_mount():
        return
    if not DISK.exists():
        run("truncate", "--size", DISK_SIZE, str(DISK))
        run("mkfs.btrfs", "--quiet", str(DISK))
    POOL.mkdir(exist_ok=True)
    device = run("losetup", "--find")
    if not Path(device).exists():  # a lab sees those that were there when it started
        os.mknod(device, 0o600 | stat.S_IFBLK, os.makedev(7, int(device.removeprefix("/dev/loop"))))
    run("losetup", device, str(DISK))
    run("mount", device, str(POOL))


def write_root(target: Path, image: dict) -> None:
    """The image's files as a tarball, and catatonit as its init: ours comes from the host."""
    mounted = f"/run/skerry/images/{image['digest']}"
    run("tar", f"--directory={mounted}", "--numeric-owner", "--create", f"--file={target}", ".")
    init = ["--owner=0", "--group=0", "--transform=s,.*,./usr/sbin/init,"]
    run("tar", "--directory=/usr/bin", *init, "--append", f"--file={target}", "catatonit")


def set_up_incus(image: dict) -> None:
    """The daemon, its pool and bridge, and the image."""
    for unit in ("incus.socket", "incus.service"):
        run("systemctl", "start", unit)
    run("incus", "admin", "waitready", "--timeout=60")
    if not (POOL / "incus").exists():
        run("btrfs", "subvolume", "create", str(POOL / "incus"))
        command = " ".join(["/usr/sbin/init", "--", *image["command"]])
        preseed = _PRESEED.format(pool=POOL, command=command, ids=_IDS)
        run("incus", "admin", "init", "--preseed", stdin=preseed)
    if IMAGE in run("incus", "image", "list", "--format=csv", "--columns=l").split():
        return
    with tempfile.TemporaryDirectory(dir=POOL) as folder:
        root, whole = Path(folder, "root.tar"), Path(folder, "image.tar")
        write_root(root, image)
        (Path(folder) / "rootfs").mkdir()
        run("tar", f"--directory={folder}/rootfs", "--numeric-owner", "--extract", f"--file={root}")
        about = {"architecture": "x86_64", "creation_date": int(time.time())}
        Path(folder, "metadata.yaml").write_text(json.dumps(about), encoding="utf-8")
        pack = ["--numeric-owner", "--create", f"--file={whole}", "metadata.yaml", "rootfs"]
        run("tar", f"--directory={folder}", *pack)
        run("incus", "image", "import", str(whole), f"--alias={IMAGE}")


def set_up_podman(image: dict) -> None:
    """Its storage, by overlay as it is by default, and the image."""
    _STORAGE.parent.mkdir(exist_ok=True)
    storage = {"driver": "overlay", "graphroot": f"{POOL}/podman", "runroot": "/run/containers/storage"}
    lines = [f'{name} = "{value}"' for name, value in storage.items()]
    _STORAGE.write_text("\n".join(["[storage]", *lines, ""]), encoding="utf-8")
    if "pids" not in Path("/sys/fs/cgroup/cgroup.controllers").read_text(encoding="ascii").split():
        _NO_LIMIT.parent.mkdir(exist_ok=True)  # podman's own limit would need the controller
        _NO_LIMIT.write_text("[containers]\npids_limit = 0\n", encoding="ascii")
    if not subprocess.run(["podman", "image", "exists", IMAGE], check=False).returncode:
        return
    with tempfile.TemporaryDirectory(dir=POOL) as folder:
        root = Path(folder, "root.tar")
        write_root(root, image)
        command = json.dumps(["/usr/sbin/init", "--", *image["command"]])
        run("podman", "import", "--quiet", "--change", f"CMD {command}", str(root), f"localhost/{IMAGE}")


def unmount_below(*folders: Path) -> None:
    """Unmount what is mounted at or below the folders, the last one first."""
    mounted = [Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for path in reversed(mounted):
        if any(path.is_relative_to(folder) for folder in folders):
            run("umount", str(path))


def versions() -> dict[str, str]:
    """Of Debian's packages, by their names."""
    show = ["dpkg-query", "--show", "--showformat=${Package} ${Version}\n"]
    lines = run(*show, "skerry", "incus-base", "podman", "crun", "lxc").splitlines()
    return dict(line.split() for line in lines)


def up() -> None:
    """Both are there, and the image is."""
    install()
    mount_pool()
    image = sample()
    set_up_incus(image)
    set_up_podman(image)
    print(json.dumps({"versions": versions(), "kernel": os.uname().release}))


def down() -> None:
    """Neither runs any more, and what they had made is gone."""
    with contextlib.suppress(RuntimeError, FileNotFoundError):
        run("podman", "rm", "--all", "--force", "--time=0")
    with contextlib.suppress(RuntimeError, FileNotFoundError, json.JSONDecodeError):
        for one in json.loads(run("incus", "list", "--format=json")):
            run("incus", "delete", "--force", one["name"])
        run("incus", "network", "detach-profile", "incusbr0", "default", "eth0")
        run("incus", "network", "delete", "incusbr0")
    for unit in SERVICES:
        subprocess.run(["systemctl", "stop", unit], capture_output=True, check=False)
    unmount_below(Path("/var/lib/incus"), POOL)
    device = run("losetup", "--noheadings", "--output=NAME", f"--associated={DISK}")
    if device:
        run("losetup", "--detach", device)
    shutil.rmtree("/var/lib/incus", ignore_errors=True)
    for path in (DISK, _STORAGE, _NO_LIMIT):
        path.unlink(missing_ok=True)
    print(json.dumps({}))


if __name__ == "__main__":
    {"up": up, "down": down}[sys.argv[1]]()
