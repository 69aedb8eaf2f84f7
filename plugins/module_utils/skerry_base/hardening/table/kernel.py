"""What the kernel is told: at its start, while it runs, and which modules it never gets."""

from __future__ import annotations

from ..model import Kind, Setting, Source

_KSPP, _KHC, _CIS = Source.KSPP, Source.KHC, Source.CIS


def _word(text: str, reason: str, source: Source = _KSPP) -> Setting:
    return Setting(Kind.WORD, text.partition("=")[0], text, reason, source)


def _sysctl(
    key: str, value: int | str, reason: str, source: Source = _KSPP, *, one_way: bool = False
) -> Setting:
    return Setting(Kind.SYSCTL, key, str(value), reason, source, one_way)


def _module(name: str, reason: str) -> Setting:
    return Setting(Kind.MODULE, name, "refused", reason, _CIS)


COMMAND_LINE = (
    _word("mitigations=auto,nosmt", "containers do not read each other's data out of a processor's caches. Turns "
          "hyper-threading off on processors that leak between threads (Intel before 2019), on no other one"),
    _word("pti=on", "the kernel's memory is not mapped while a program runs. Costs a few per cent where the kernel "
          "is called often"),
    _word("page_alloc.shuffle=1", "free pages are handed out in no order that can be foretold"),
    _word("slab_nomerge", "objects of different kinds do not share a slab: an overflow meets its own kind only"),
    _word("init_on_alloc=1", "memory that the kernel hands out holds nothing of who had it before. Costs about 1 %, "
          "say its authors"),
    _word("init_on_free=1", "what was freed is gone: nothing to find by a use after free. Costs 3 to 5 %, say they"),
    _word("hardened_usercopy=1", "what is copied to or from a program stays within its object"),
    _word("randomize_kstack_offset=1", "the kernel's stack lies elsewhere in each system call"),
    _word("vsyscall=none", "no page at an address that everybody knows. Programs older than 2012 end"),
    _word("hash_pointers=always", "no message of the kernel shows an address"),
    _word("kfence.sample_interval=100", "finds memory errors of the kernel while it runs, one allocation in 100 ms"),
    _word("lockdown=confidentiality", "root can neither change nor read the kernel's memory. kprobes, hibernation and "
          "unsigned kexec are gone"),
    _word("module.sig_enforce=1", "no module that the kernel's builder has not signed. Modules made by DKMS are refused"),
    _word("debugfs=off", "hundreds of files for kernel developers are not there", _KHC),
    _word("iommu=force", "a device reaches only the memory that it was given", _KHC),
    _word("iommu.passthrough=0", "no device goes past that", _KHC),
    _word("iommu.strict=1", "a device loses its access at once, not some time later. Costs throughput beyond 10 Gbit/s"),
    _word("intel_iommu=on", "the same on Intel, where it is not on by itself"),
    _word("tsx=off", "the instructions behind several leaks are off, where the processor has them", _KHC),
    _word("ia32_emulation=0", "the system calls of 32-bit programs, rarely looked at, are gone; so are 32-bit programs"),
    _word("bdev_allow_write_mounted=0", "nobody writes to a disk behind a mounted file system's back; tune2fs has to wait "
          "until it is not mounted", _KHC),
    _word("proc_mem.force_override=never", "/proc/PID/mem does not get past a page's protection", _KHC),
)  # fmt: skip

SYSCTLS = (
    _sysctl("kernel.kptr_restrict", 2, "no file shows an address of the kernel"),
    _sysctl("kernel.dmesg_restrict", 1, "the kernel's messages are root's"),
    _sysctl("kernel.perf_event_paranoid", 3, "performance counters, a rich source of bugs, are root's"),
    _sysctl("kernel.unprivileged_bpf_disabled", 1, "programs in the kernel are root's, who needs them for systemd",
            one_way=True),
    _sysctl("net.core.bpf_jit_harden", 2, "constants in them can't be used as code"),
    _sysctl("kernel.unprivileged_userns_clone", 0, "only root makes user namespaces, as the engine does; in one, a user is "
            "root for most of the kernel", _KHC),
    _sysctl("kernel.io_uring_disabled", 2, "nobody uses io_uring, which gets past system call filters", _KHC),
    _sysctl("vm.unprivileged_userfaultfd", 0, "nobody but root stops the kernel in the middle of a copy"),
    _sysctl("kernel.kexec_load_disabled", 1, "root can't start another kernel in this one's place", one_way=True),
    _sysctl("kernel.sysrq", 0, "no key combination, and no writing to a file, kills or reboots", _KHC),
    _sysctl("kernel.yama.ptrace_scope", 2, "only root looks into running programs", _KSPP),
    _sysctl("kernel.randomize_va_space", 2, "programs lie elsewhere each time"),
    _sysctl("kernel.oops_limit", 100, "who makes the kernel stumble can't try for ever: it panics", _KHC),
    _sysctl("kernel.warn_limit", 100, "the same for its warnings", _KHC),
    _sysctl("kernel.panic", 30, "then it reboots after 30 s and waits to be unlocked, instead of standing still",
            Source.OURS),
    _sysctl("kernel.core_pattern", "|/bin/false", "the memory of a program that crashes is thrown away", Source.DEV_SEC),
    _sysctl("fs.suid_dumpable", 0, "above all that of programs with more rights than their user"),
    _sysctl("dev.tty.ldisc_autoload", 0, "no user loads line disciplines by opening a terminal"),
    _sysctl("dev.tty.legacy_tiocsti", 0, "nobody types into another one's terminal"),
    _sysctl("vm.mmap_min_addr", 65536, "a null pointer of the kernel leads to no page of a user"),
    _sysctl("vm.mmap_rnd_bits", 32, "as many random bits as there are", _KHC),
    _sysctl("vm.mmap_rnd_compat_bits", 16, "the same for 32-bit programs", _KHC),
    _sysctl("fs.protected_symlinks", 1, "no link in /tmp leads a program of root elsewhere"),
    _sysctl("fs.protected_hardlinks", 1, "the same, for hard links"),
    _sysctl("fs.protected_fifos", 2, "the same, for pipes"),
    _sysctl("fs.protected_regular", 2, "the same, for files"),
    _sysctl("net.ipv4.tcp_syncookies", 1, "a flood of first packets fills no table", _CIS),
    _sysctl("net.ipv4.tcp_rfc1337", 1, "a late packet can't end a connection that is closing", Source.DEV_SEC),
    _sysctl("net.ipv4.icmp_echo_ignore_broadcasts", 1, "no amplifier for others' floods", _CIS),
    _sysctl("net.ipv4.icmp_ignore_bogus_error_responses", 1, "broken answers fill no log", _CIS),
    _sysctl("net.ipv4.conf.default.accept_source_route", 0, "no packet chooses its own way", _CIS),
    _sysctl("net.ipv6.conf.all.accept_source_route", 0, "the same, for IPv6", _CIS),
    _sysctl("net.ipv6.conf.default.accept_source_route", 0, "the same, for interfaces to come", _CIS),
    _sysctl("net.ipv4.conf.all.secure_redirects", 0, "not even a gateway redirects the host", _CIS),
    _sysctl("net.ipv4.conf.default.secure_redirects", 0, "the same, for interfaces to come", _CIS),
)  # fmt: skip

_PROTOCOL = "opening a socket of this protocol would load it; it is rarely used, and had holes"
_FILE_SYSTEM = "mounting such a disk would load it; no server's disk is one"
_DEVICE = "no server has the device, or whoever plugs it in gets at the memory"
_LINE = "a line discipline that nobody needs, and that had holes"

MODULES = (
    *(_module(name, _PROTOCOL) for name in (
        "af_802154", "appletalk", "atm", "ax25", "batman_adv", "can", "dccp", "ieee802154", "kcm", "l2tp_core", "llc2",
        "mctp", "mpls_router", "netrom", "nfc", "phonet", "qrtr", "rds", "rose", "rxrpc", "sctp", "smc", "tipc", "x25",
    )),
    *(_module(name, _LINE) for name in ("n_gsm", "n_hdlc", "slip")),
    *(_module(name, _FILE_SYSTEM) for name in (
        "affs", "befs", "cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", "jfs", "nilfs2", "ocfs2", "ufs",
    )),
    *(_module(name, _DEVICE) for name in ("bluetooth", "firewire_core", "floppy", "pcspkr", "thunderbolt", "vivid")),
)  # fmt: skip

LOCK = (
    Setting(Kind.LOCK, "modules", "1", "five minutes after a boot no module can be loaded any more, not even by root: "
            "what is not there then, no attacker brings in. See docs/explanation/hardening.md", _KSPP, one_way=True),
)  # fmt: skip
