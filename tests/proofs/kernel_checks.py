"""Runs as the first program of a machine with the hardened kernel: tries what Skerry needs of it, and what it must refuse.

Prints a line each: `CHECK name: ok` or `CHECK name: FAILED …`. Standard library only: it is copied into the machine.
"""

import ctypes
import fcntl
import mmap
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

SYSTEM = Path("/proc/sys")
POOL, IMAGE, RESCUE = Path("/tmp/pool"), Path("/tmp/image"), Path("/tmp/rescue")
MARK = b"~Module signature appended~\n"
NFT = """
table bridge t {
  chain p { type filter hook prerouting priority 0; policy accept
    meta ibrname "br0" ether saddr 02:5e:00:00:00:01 counter accept
    ct state invalid drop
    ip saddr 10.90.1.1 reject with icmpx host-unreachable
  }
}
table inet t {
  set s { type ipv4_addr . inet_service; flags interval; }
  map m { type ifname : verdict; elements = { "lo" : accept }; }
  chain i { type filter hook input priority 0; policy accept
    ct state established,related accept
    iifname vmap @m
    ip saddr . tcp dport @s counter reject with tcp reset
  }
  chain n { type nat hook postrouting priority 100; policy accept
    oifname "eth0" masquerade
  }
}
"""
LIBC = ctypes.CDLL(None, use_errno=True)


def sh(command: str, *, fails: bool = False) -> str:
    """A shell command; its output."""
    done = subprocess.run(["sh", "-euc", command], capture_output=True, text=True, check=False)
    if (done.returncode != 0) != fails:
        raise AssertionError(
            f"`{command}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()}"
        )
    return done.stdout + done.stderr


def btrfs_with_simple_quotas() -> None:
    sh(
        f"truncate -s 512M /tmp/pool.img; mkfs.btrfs -q /tmp/pool.img; mkdir {POOL}; mount -o loop /tmp/pool.img {POOL}"
    )
    sh(f"btrfs quota enable --simple {POOL}; btrfs subvolume create {POOL}/c")


def erofs_from_a_file() -> None:
    sh(f"mkdir /tmp/tree {IMAGE}; cp /bin/ls /etc/passwd /tmp/tree")
    sh(f"mkfs.erofs --quiet -zlz4hc {POOL}/image.erofs /tmp/tree")
    # By the system call: the program `mount` would put a loop device in between.
    place, target = f"{POOL}/image.erofs".encode(), str(IMAGE).encode()
    assert LIBC.mount(place, target, b"erofs", 1, None) == 0, os.strerror(ctypes.get_errno())
    assert Path(IMAGE / "ls").read_bytes() == Path("/bin/ls").read_bytes()


def overlay_on_idmapped_mounts() -> None:
    sh(f"mkdir /tmp/lower /tmp/merged {POOL}/c/upper {POOL}/c/work")
    sh(f"mount --bind -o X-mount.idmap=b:0:100000:65536 {IMAGE} /tmp/lower")
    assert Path("/tmp/lower/passwd").stat().st_uid == 100000
    layers = f"lowerdir=/tmp/lower,upperdir={POOL}/c/upper,workdir={POOL}/c/work,xino=on"
    sh(f"mount -t overlay -o {layers} overlay /tmp/merged; echo new >/tmp/merged/file")
    assert Path(POOL / "c/upper/file").read_text() == "new\n"


def fs_verity() -> None:
    path = POOL / "sealed"
    path.write_bytes(b"x" * 10000)
    # struct fsverity_enable_arg: version 1, sha256, blocks of 4096, the rest 0; _IOW('f', 133, 128 bytes)
    argument = b"".join(number.to_bytes(4, "little") for number in (1, 1, 4096)).ljust(128, b"\0")
    with path.open("rb") as file:
        fcntl.ioctl(file, 0x40806685, argument)
    try:
        path.write_bytes(b"y")
    except OSError:
        return
    raise AssertionError("a sealed file was written to")


def same_page_merging() -> None:
    Path("/sys/kernel/mm/ksm/run").write_text("1")
    Path("/sys/kernel/mm/ksm/pages_to_scan").write_text("5000")
    pages = mmap.mmap(-1, 400 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pages.write(b"s" * 400 * 4096)
    pages.madvise(12)  # MADV_MERGEABLE
    end = time.monotonic() + 60
    while int(Path("/sys/kernel/mm/ksm/pages_sharing").read_text()) < 300:
        assert time.monotonic() < end, "nothing was merged"
        time.sleep(0.2)


def luks2() -> None:
    sh("truncate -s 64M /tmp/luks.img; printf secret >/tmp/key")
    inside = "--batch-mode --type luks2 --cipher aes-xts-plain64 --key-size 512 --pbkdf pbkdf2"
    inside += " --pbkdf-force-iterations 1000"
    loop = sh("losetup --find --show /tmp/luks.img").strip()
    sh(f"chroot {RESCUE} cryptsetup luksFormat {inside} --key-file /tmp/key {loop}")
    sh(f"chroot {RESCUE} cryptsetup open --key-file /tmp/key {loop} opened")
    sh(
        f"chroot {RESCUE} mkfs.ext4 -q /dev/mapper/opened; mkdir /tmp/opened; mount -t ext4 /dev/mapper/opened /tmp/opened"
    )


def raid1() -> None:
    loops = " ".join(
        sh(f"truncate -s 32M /tmp/md{i}; losetup --find --show /tmp/md{i}").strip() for i in (1, 2)
    )
    sh(f"chroot {RESCUE} mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --metadata=1.2 {loops}")
    assert "raid1" in Path("/proc/mdstat").read_text()


def nftables_with_bridge() -> None:
    Path("/tmp/rules").write_text(NFT)
    sh("nft -f /tmp/rules; nft list ruleset")


def veth_and_bridge() -> None:
    sh("ip link add br0 type bridge; ip link add v0 type veth peer name v1; ip link set v0 master br0")
    sh("ip link set v0 type bridge_slave isolated on")


def apparmor() -> None:
    assert Path("/sys/module/apparmor/parameters/enabled").read_text() == "Y\n"
    profile = "abi <abi/4.0>,\nprofile t {\n  /** rwmix,\n  capability,\n  deny /tmp/secret r,\n}\n"
    Path("/tmp/profile").write_text(profile)
    Path("/tmp/secret").write_text("x")
    sh("apparmor_parser --replace --skip-cache /tmp/profile; cat /tmp/secret")
    assert "Permission denied" in sh("aa-exec -p t -- cat /tmp/secret", fails=True)


def seccomp_and_landlock() -> None:
    assert "errno" in (SYSTEM / "kernel/seccomp/actions_avail").read_text()
    assert (
        Path("/sys/kernel/security/lsm").read_text().strip() == "lockdown,capability,yama,landlock,apparmor"
    )


def cgroup_controllers() -> None:
    sh("mkdir -p /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup")
    wanted = {"cpu", "cpuset", "io", "memory", "pids"}
    assert wanted <= set(Path("/sys/fs/cgroup/cgroup.controllers").read_text().split())


def all_namespaces() -> None:
    sh("unshare --user --map-root-user --mount --pid --fork --net --ipc --uts --cgroup --time true")


def file_systems() -> None:
    there = set(Path("/proc/filesystems").read_text().split())
    assert {"vfat", "ext4", "btrfs", "erofs", "overlay", "efivarfs", "autofs", "fuse"} <= there, there


def disks_and_cards() -> None:
    sh("modprobe -a virtio_net e1000")
    there = [
        *os.listdir("/sys/block"),
        *(
            os.readlink(p / "device/driver").split("/")[-1]
            for p in Path("/sys/class/net").iterdir()
            if (p / "device").exists()
        ),
    ]
    assert {"vda", "nvme0n1", "sda", "virtio_net", "e1000"} <= set(there), there


def watchdogs() -> None:
    sh("modprobe -a softdog i6300esb")
    assert len(list(Path("/sys/class/watchdog").iterdir())) == 2


def nested_kvm() -> None:
    sh("modprobe kvm_amd")
    assert Path("/dev/kvm").exists()


def signed_modules_only() -> None:
    (packed,) = Path(f"/usr/lib/modules/{os.uname().release}").rglob("dummy.ko.zst")
    module = subprocess.run(["zstd", "-dqc", packed], capture_output=True, check=True).stdout
    assert module.endswith(MARK)
    length = int.from_bytes(module[-len(MARK) - 4 : -len(MARK)], "big")
    for name, content in {
        "unsigned": module[: -len(MARK) - 12 - length],
        "changed": module.replace(b"dummy", b"dumny", 1),
    }.items():
        Path(f"/tmp/{name}.ko").write_bytes(content)
        said = sh(f"insmod /tmp/{name}.ko", fails=True)
        assert "rejected" in said or "not available" in said or "not permitted" in said, said
    Path("/tmp/signed.ko").write_bytes(module)
    sh("insmod /tmp/signed.ko")


def nothing_loads_by_itself() -> None:
    sh("ip link add w0 type wireguard", fails=True)
    assert "wireguard" not in Path("/proc/modules").read_text()
    sh("modprobe wireguard; ip link add w0 type wireguard")


def locked_down() -> None:
    assert "[confidentiality]" in Path("/sys/kernel/security/lockdown").read_text()
    for path in (
        "/dev/mem",
        "/dev/port",
        "/proc/kcore",
        "/proc/kallsyms",
        "/proc/config.gz",
        "/proc/sysrq-trigger",
    ):
        assert not Path(path).exists(), path


def calls_that_are_not_there() -> None:
    numbers = {
        "io_uring_setup": 425,
        "userfaultfd": 323,
        "kexec_load": 246,
        "kexec_file_load": 320,
        "modify_ldt": 154,
    }
    for name, number in numbers.items():
        assert LIBC.syscall(number, 0, 0, 0, 0, 0) == -1, name
        assert ctypes.get_errno() == 38, name  # ENOSYS


CHECKS: tuple[Callable[[], None], ...] = (
    btrfs_with_simple_quotas, erofs_from_a_file, overlay_on_idmapped_mounts, fs_verity, same_page_merging, luks2, raid1,
    nftables_with_bridge, veth_and_bridge, apparmor, seccomp_and_landlock, cgroup_controllers, all_namespaces,
    file_systems, disks_and_cards, watchdogs, nested_kvm, signed_modules_only, nothing_loads_by_itself, locked_down,
    calls_that_are_not_there,
)  # fmt: skip


def prepare() -> None:
    """What an init would have mounted."""
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    sh(
        "mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t securityfs securityfs /sys/kernel/security"
    )
    sh(f"mount -t tmpfs tmpfs /tmp; mount -t tmpfs tmpfs /run; mkdir {RESCUE}; mount /dev/vdc {RESCUE}")
    for folder in ("dev", "proc", "sys", "tmp"):
        sh(
            f"mount --rbind /{folder} {RESCUE}/{folder}"
            if folder != "tmp"
            else f"mount --bind /tmp {RESCUE}/tmp"
        )


def main() -> None:
    """Every check; then the power is off."""
    prepare()
    print(f"CHECK release {os.uname().release}: ok", flush=True)
    for check in CHECKS:
        try:
            check()
            outcome = "ok"
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            outcome = f"FAILED {where.line}: {' '.join(str(error).split())}"
        print(f"CHECK {check.__name__}: {outcome}", flush=True)
    print("CHECK all: done", flush=True)
    sys.stdout.flush()
    time.sleep(1)
    LIBC.reboot(0x4321FEDC)


if __name__ == "__main__":
    main()
