"""Machines and images for test_initramfs.py: every defect is brought about as it happens in life."""

from dataclasses import dataclass, field

LUKS = "5d1ba9f1-1c0e-4c9f-9a11-6c1d1d1f4a01"
MAC = "52:54:00:12:34:56"
NVME = {"aliases": ["pci:v0000144Dd0000A80Asv0000144Dsd0000A801bc01sc08i02"], "drivers": ["nvme"]}
SATA = {
    "aliases": ["scsi:t-0x00", "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01"],
    "drivers": ["sd_mod", "ahci"],
}
REALTEK = {"aliases": ["pci:v000010ECd00008168sv00001043sd00008677bc02sc00i00"], "drivers": ["r8169"]}
INTEL = {"aliases": ["pci:v00008086d000015BBsv00001849sd000015BBbc02sc00i00"], "drivers": ["e1000e"]}
VIRTIO = {
    "aliases": ["virtio:d00000001v00001AF4", "pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00"],
    "drivers": [],
}
MACHINE = {"luks": LUKS, "filesystem": "btrfs", "mirrored": True, "disk": NVME, "card": REALTEK, "mac": MAC}

LIST, CONF = "/etc/initramfs-tools/modules", "/etc/initramfs-tools/conf.d/skerry"
HOOKS, DROPBEAR = "/usr/share/initramfs-tools/hooks", "/etc/dropbear/initramfs"


@dataclass(frozen=True)
class Case:
    """Shell before the image is made, shell after it, and how the machine differs. Without `before` it is the good one."""

    before: str = ""
    after: str = ""
    machine: dict = field(default_factory=dict)

    def job(self):
        return {"before": self.before, "after": self.after, "machine": MACHINE | self.machine}


def grub(mac):
    line = f"linux /vmlinuz ip=10.0.2.100::10.0.2.2:255.255.255.0 BOOTIF=01-{mac.replace(':', '-')}"
    return f"mkdir -p /boot/grub; echo '{line}' >/boot/grub/grub.cfg"


DEFECTS = {
    "no-dropbear": {
        "its package is removed": Case("dpkg --remove dropbear-initramfs"),
        "it has no host key": Case(f"rm {DROPBEAR}/dropbear_*_host_key"),
    },
    "authorized-keys": {
        "nobody's key": Case(f"rm {DROPBEAR}/authorized_keys"),
        "a key that was cut off": Case(f"sed -i 's/^\\(.\\{{40\\}}\\).*/\\1/' {DROPBEAR}/authorized_keys"),
        "keys changed, image not": Case(
            after=f"ssh-keygen -q -t ed25519 -N '' -f /k && cp /k.pub {DROPBEAR}/authorized_keys"
        ),
    },
    "readable-key-material": {
        "restored by a backup without its mode": Case(after="chmod 644 /boot/initrd.img-*"),
        "a key file of LUKS": Case(
            "mkdir /etc/keys && echo secret >/etc/keys/root.key && sed -i 's,none,/etc/keys/root.key,' /etc/crypttab"
            " && echo 'KEYFILE_PATTERN=/etc/keys/*.key' >>/etc/cryptsetup-initramfs/conf-hook"
        ),
        "the system's own host key": Case(
            f"rm {DROPBEAR}/dropbear_ed25519_host_key && /usr/lib/dropbear/dropbearconvert openssh dropbear"
            f" /etc/ssh/ssh_host_ed25519_key {DROPBEAR}/dropbear_ed25519_host_key"
        ),
    },
    "no-network-driver": {
        "the rescue system had another card": Case(f"sed -i /r8169/d {LIST}"),
        "a cloud machine's list on metal": Case(
            f"sed -i s/r8169/virtio_net/ {LIST}", machine={"card": INTEL}
        ),
    },
    "no-network-firmware": {
        "it is not installed": Case("dpkg --purge firmware-realtek"),
        "it came after the image": Case(
            "mv /lib/firmware/rtl_nic /lib/firmware/later", "mv /lib/firmware/later /lib/firmware/rtl_nic"
        ),
    },
    "crypttab": {
        "no entry: the option initramfs is missing": Case("sed -i s/,initramfs// /etc/crypttab"),
        "that of an earlier install": Case(
            f"sed -i s/{LUKS}/0e6f0f0c-7c39-4f7e-8a0d-0c7a4f3f9e11/ /etc/crypttab"
        ),
    },
    "no-btrfs-or-md": {
        "a list without btrfs": Case(f"sed -i /btrfs/d {LIST}; chmod a-x {HOOKS}/btrfs"),
        "mdadm is not installed": Case("dpkg --remove mdadm"),
    },
    "network-of-another-card": {
        "the command line is the previous machine's": Case(after=grub("52:54:00:aa:bb:cc")),
        "the configuration is": Case(
            "echo 'BOOTIF=01-52-54-00-aa-bb-cc' >/etc/initramfs-tools/conf.d/network"
        ),
    },
    "no-unlock-command": {"its hook was switched off": Case(f"chmod a-x {HOOKS}/cryptroot-unlock")},
    "boot-full": {
        "old kernels": Case(
            after="cp -a /boot /kept && mount -t tmpfs -o size=250m tmpfs /boot && cp -a /kept/* /boot"
            " && left=$(df --output=avail /boot | tail -n 1)"  # KiB
            " && head -c $((left - 10240))K /dev/zero >/boot/vmlinuz-old"
        ),
    },
}

GOOD = {
    "as it is": Case(),
    "only the modules that a list names": Case("true"),
    "one disk": Case("dpkg --remove mdadm", machine={"mirrored": False}),
    "SATA and virtio, partly built in": Case(machine={"disk": SATA, "card": VIRTIO}),
    "network for this card": Case(after=grub(MAC)),
    "more keys, with comments and options": Case(
        "ssh-keygen -q -t ecdsa -N '' -f /k;"
        f' (echo "# operators"; echo; echo "restrict $(cat /k.pub)") >>{DROPBEAR}/authorized_keys'
    ),
    "microcode before it": Case(
        after="mkdir -p /m/kernel/x86/microcode && echo code >/m/kernel/x86/microcode/GenuineIntel.bin && cd /m"
        " && find . | busybox cpio -o -H newc >/early 2>/dev/null && image=$(echo /boot/initrd.img-*)"
        ' && cat /early "$image" >/both && cat /both >"$image"'
    ),
    **{name: Case(f"echo COMPRESS={name} >>{CONF}") for name in ("gzip", "lz4")},
}
