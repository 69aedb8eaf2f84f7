"""Compare an initramfs with what the machine needs. Pure: whatever is wrong comes back as a named defect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .image import Entry, Image
from .kernel import module_name
from .needs import AUTHORIZED_KEYS, Needs, keys, macs

_AGAIN = "Then make the image again: update-initramfs -u -k {kernel}."
_KEY_FILES = ("cryptroot/keyfiles/", "etc/luks", "etc/cryptsetup-keys.d/")
_CONF = "/etc/initramfs-tools/initramfs.conf"
_PRIVATE = b"-----BEGIN "
_NETWORK = ("conf/initramfs.conf", "conf/conf.d/*", "usr/lib/skerry/network.conf")
_LIMIT = 3  # names listed in a message


@dataclass(frozen=True)
class Defect:
    """What would keep the machine from being unlocked from afar, or give a secret away.

    Attributes:
        name: one of `NAMES`.
        text: what is wrong, and where.
        hint: what to do.
    """

    name: str
    text: str
    hint: str


NAMES = (
    "no-dropbear",
    "authorized-keys",
    "readable-key-material",
    "no-network-driver",
    "no-network-firmware",
    "crypttab",
    "no-btrfs-or-md",
    "network-of-another-card",
    "no-unlock-command",
    "boot-full",
)


def check(image: Image, needs: Needs) -> list[Defect]:
    """Every defect of ``image``, in the order of `NAMES`; nothing where it is good."""
    again = _AGAIN.format(kernel=needs.kernel)
    texts = (
        _dropbear(image),
        _authorized_keys(image, needs),
        _key_material(image, needs),
        _network_driver(image, needs),
        _network_firmware(image, needs),
        _crypttab(image, needs),
        _root_support(image, needs),
        _network_card(image, needs),
        _unlock_command(image),
        _boot_space(needs),
    )
    return [
        Defect(name, text, hint.format(again=again))
        for name, found in zip(NAMES, texts, strict=True)
        for text, hint in found
    ]


_Found = Iterator[tuple[str, str]]


def _has_dropbear(image: Image) -> bool:
    return image.executable("usr/sbin/dropbear", "sbin/dropbear")


def _dropbear(image: Image) -> _Found:
    install = "apt-get install dropbear-initramfs; look for files of its missing or not executable. {again}"
    make_key = "dropbearkey -t ed25519 -f /etc/dropbear/initramfs/dropbear_ed25519_host_key. {again}"
    if not _has_dropbear(image):
        yield "the program dropbear is not in the image: no ssh server would wait for the passphrase", install
    elif not image.executable("scripts/init-premount/dropbear"):
        yield "dropbear is in the image, but no script starts it (scripts/init-premount/dropbear)", install
    elif not list(image.files("etc/dropbear/dropbear_*_host_key")):
        yield "dropbear has no host key in the image (etc/dropbear/dropbear_*_host_key)", make_key


def _authorized_keys(image: Image, needs: Needs) -> _Found:
    inside = frozenset(key for entry in image.files("root*/.ssh/authorized_keys") for key in keys(entry.text))
    lost, strange = len(needs.authorized_keys - inside), len(inside - needs.authorized_keys)
    if not needs.authorized_keys:
        hint = "Write the operators' public keys into it, mode 0600. {again}"
        yield f"/{AUTHORIZED_KEYS} holds no key: nobody could log in to unlock", hint
    elif not inside and _has_dropbear(image):
        yield "no authorized_keys with a key is in the image: nobody could log in to unlock", "{again}"
    elif inside and (lost or strange):
        text = f"{lost} keys of /{AUTHORIZED_KEYS} are not in the image, and {strange} that are not in it are"
        yield text, "See that the file is right. {again}"


def _key_material(image: Image, needs: Needs) -> _Found:
    if image.mode & 0o077 or image.uid:
        others = f"{image.path} can be read by others than root (mode {image.mode:04o}, owner {image.uid})"
        hint = "Write UMASK=0077 into a file in /etc/initramfs-tools/conf.d, and chown root and chmod 600 the image."
        yield f"{others}; it holds the host key that the operator trusts", hint
    for entry in image.files("*"):
        if secret := _secret(entry, needs.host_keys):
            hint = "Find the hook or the line of /etc/crypttab that puts it there, and take it out. {again}"
            yield (
                f"{secret} is in the image (/{entry.path}); whoever reads the unencrypted /boot has it",
                hint,
            )


def _secret(entry: Entry, host_keys: Iterable[bytes]) -> str:
    if entry.path.startswith(_KEY_FILES):
        return "a key file of LUKS"
    content = entry.content or b""
    if entry.path.startswith("etc/dropbear/") and any(key in content for key in host_keys):
        return "the running system's own ssh host key"
    if content.startswith(_PRIVATE) and b"PRIVATE KEY-----" in content[:64]:
        return "a private key"
    return ""


def _modules(image: Image) -> set[str]:
    return {module_name(path) for path in image.entries if ".ko" in path.rpartition("/")[2]}


def _network_driver(image: Image, needs: Needs) -> _Found:
    card = f"the network card {needs.machine.card.name} ({needs.machine.mac})"
    if needs.card.lacking:
        hint = "Install a kernel that has it, such as linux-image-amd64 instead of linux-image-cloud-amd64."
        yield f"kernel {needs.kernel} has no driver for {card}: {_some(needs.card.lacking)}", hint
    if missing := needs.card.wanted - _modules(image):
        hint = f"Set MODULES=most in {_CONF}, or name them in /etc/initramfs-tools/modules. {{again}}"
        yield f"drivers of {card} are not in the image: {_some(missing)}", hint


def _network_firmware(image: Image, needs: Needs) -> _Found:
    if needs.card.wanted - _modules(image):
        return  # first the driver, then what it loads
    card = (
        f"the network card {needs.machine.card.name} ({_some(needs.card.wanted) or 'its driver is built in'})"
    )
    named = (path.partition("lib/firmware/")[2] for path in image.entries if "lib/firmware/" in path)
    inside = {name.removesuffix(".xz").removesuffix(".zst") for name in named}
    if missing := needs.card_firmware - inside:
        yield f"firmware of {card} is installed, but not in the image: {_some(missing)}", "{again}"
    elif needs.card_needs_firmware and not needs.card_firmware:
        hint = "`modinfo -F firmware DRIVER` names the files, `apt-file search` their package (often firmware-realtek "
        hint += "or firmware-misc-nonfree of non-free-firmware). Install that. {again}"
        yield f"{card} wants firmware, and no file of it is installed", hint


def _crypttab(image: Image, needs: Needs) -> _Found:
    entry = image.find("cryptroot/crypttab")
    lines = [line.split() for line in entry.text.splitlines()] if entry else []
    sources = [words[1] for words in lines if len(words) > 1 and not words[0].startswith("#")]
    wanted = f"UUID={needs.machine.luks_uuid}"
    right = (wanted.lower(), f"/dev/disk/by-uuid/{needs.machine.luks_uuid}".lower())
    hint = f"/etc/crypttab needs a line such as: root_crypt {wanted} none luks,initramfs. {{again}}"
    if not sources:
        yield "the image's crypttab has no entry: it would not ask for the root's passphrase", hint
    elif not any(source.lower() in right for source in sources):
        yield f"the image's crypttab opens {_some(sources)}, but the root lies in {wanted}", hint


def _root_support(image: Image, needs: Needs) -> _Found:
    if needs.root.lacking:
        text = f"kernel {needs.kernel} has no module {_some(needs.root.lacking)}, which the root needs"
        yield text, "Install a kernel that has it, such as linux-image-amd64."
    if missing := needs.root.wanted - _modules(image):
        hint = f"Install btrfs-progs; set MODULES=most in {_CONF}. {{again}}"
        yield f"modules that the root needs are not in the image: {_some(missing)}", hint
    programs = {"cryptsetup": "cryptsetup-initramfs"} | ({"mdadm": "mdadm"} if needs.machine.mirrored else {})
    for program, package in programs.items():
        if not image.executable(f"usr/sbin/{program}", f"sbin/{program}"):
            yield f"the program {program} is not in the image", f"apt-get install {package}. {{again}}"


def _network_card(image: Image, needs: Needs) -> _Found:
    configured = {mac for entry in image.files(*_NETWORK) for mac in macs(entry.text)}
    right = f"The card of the default route, {needs.machine.card.name}, has {needs.machine.mac}."
    if strangers := configured - {needs.machine.mac}:
        hint = f"{right} The role remote_unlock writes it from base_system_network. {{again}}"
        yield f"the image's network is that of another card: {_some(strangers)}", hint
    if others := needs.command_line_macs - {needs.machine.mac}:
        hint = f"{right} Set it in /etc/default/grub or /etc/default/grub.d; then: update-grub."
        yield f"the kernel's command line names another card: BOOTIF={_some(others)}", hint


def _unlock_command(image: Image) -> _Found:
    if not image.executable("usr/bin/cryptroot-unlock", "bin/cryptroot-unlock"):
        text = "the program cryptroot-unlock is not in the image: it could not take the passphrase"
        yield text, "apt-get install --reinstall cryptsetup-initramfs. {again}"


def _boot_space(needs: Needs) -> _Found:
    if needs.boot_free < needs.boot_wanted:
        free, wanted = _mib(needs.boot_free), _mib(needs.boot_wanted)
        hint = "Remove old kernels: apt-get autoremove --purge, or apt-get purge linux-image-… by name."
        yield f"/boot is too full: {free} free, and the next kernel with its initramfs takes {wanted}", hint


def _some(names: Iterable[str]) -> str:
    """The first names, and how many more."""
    known = sorted(names)
    more = f" and {len(known) - _LIMIT} more" if len(known) > _LIMIT else ""
    return ", ".join(known[:_LIMIT]) + more


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
