"""What the platform needs of a kernel, whatever machine it runs on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """Something a kernel must be able to do.

    Attributes:
        name: what it is, for a person.
        modules: names of modules that must be there, each loadable or built in.
        symbols: options of its configuration that must be on, where nothing has a module's name.
        why: what would not work without it.
    """

    name: str
    why: str
    modules: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()


NEEDS = (
    Need("btrfs", "root and the containers' pool", ("btrfs",)),
    Need("ext4", "/boot and /tmp", ("ext4",)),
    Need("vfat", "the EFI system partition", ("vfat",), ("NLS_CODEPAGE_437",)),
    Need("EROFS", "images of containers", ("erofs",), ("EROFS_FS_BACKED_BY_FILE",)),
    Need("overlay", "roots of containers", ("overlay",)),
    Need("FUSE", "lxcfs", ("fuse",)),
    Need("tmpfs", "/run, /dev/shm", symbols=("TMPFS", "DEVTMPFS")),
    Need("dm-crypt with AES-XTS", "the encrypted disks", ("dm_crypt", "xts"), ("CRYPTO_AES",)),
    Need("nftables", "the firewall", ("nf_tables",), ("NF_TABLES_INET",)),
    Need("nftables' conntrack, counters, NAT", "the firewall", ("nf_conntrack", "nft_ct", "nft_chain_nat", "nft_masq")),
    Need("nftables' reject", "the firewall", ("nft_reject", "nft_reject_inet")),
    Need("nftables on bridges", "the drop of spoofed packets", ("nft_meta_bridge",), ("NF_TABLES_BRIDGE",)),
    Need("bridge and veth", "the containers' network", ("bridge", "veth")),
    Need("IPv6 and packet sockets", "the network", symbols=("IPV6", "PACKET", "UNIX")),
    Need(
        "namespaces",
        "the containers' walls",
        symbols=("USER_NS", "PID_NS", "NET_NS", "IPC_NS", "UTS_NS", "CGROUPS"),
    ),
    Need(
        "cgroup controllers",
        "the containers' limits",
        symbols=("MEMCG", "CGROUP_PIDS", "CFS_BANDWIDTH", "BLK_CGROUP", "CPUSETS", "CGROUP_FREEZER", "CGROUP_BPF"),
    ),
    Need("seccomp", "the containers' walls", symbols=("SECCOMP_FILTER",)),
    Need("AppArmor", "the containers' walls", symbols=("SECURITY_APPARMOR",)),
    Need("KSM", "merging equal memory", symbols=("KSM",)),
    Need("what systemd needs", "the system's start", symbols=("FHANDLE", "EPOLL", "SIGNALFD", "TIMERFD", "INOTIFY_USER")),
)  # fmt: skip
MIRROR = Need("md RAID1", "the mirrored disks", ("raid1",))
