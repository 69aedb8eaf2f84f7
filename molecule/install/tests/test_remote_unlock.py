"""What will let its operator in before it is unlocked, and nobody else: files, initramfs, network."""

import re
from pathlib import Path

import pytest
from testinfra.host import Host

from skerry_base.hardening.table import COMMAND_LINE

FOLDER = "/etc/dropbear/initramfs"
HOST_KEY = f"{FOLDER}/dropbear_ed25519_host_key"
SCRIPTS = [
    f"/etc/initramfs-tools/{path}/skerry-network"
    for path in ("hooks", "scripts/init-premount", "scripts/local-bottom")
]
FILES = [f"{FOLDER}/authorized_keys", f"{FOLDER}/*_host_key", "/boot/initrd.img-*", *SCRIPTS]
KEY_OPTIONS = 'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="cryptroot-unlock"'
SYSTEM = "skerry-lab-"
"""How the name begins under which a lab's system is pinned."""


@pytest.fixture(scope="module")
def known(host: Host) -> dict:
    """What the inventory says of the server."""
    return dict(host.ansible.get_variables())


@pytest.fixture(scope="module")
def modes(host: Host) -> dict[str, str]:
    """Path → owner, group and mode of all files that these tests are about. One login: each costs seconds here."""
    lines = host.check_output(f"stat --format '%n %U:%G:%a' {' '.join(FILES)}").splitlines()
    return dict(line.split() for line in lines)


@pytest.fixture(scope="module")
def image(host: Host) -> str:
    """The listing of the initramfs, as `ls -l` words it; there is one."""
    return host.check_output("lsinitramfs -l /boot/initrd.img-*")


def test_dropbear_takes_keys_and_a_passphrase_and_nothing_else(
    host: Host, known: dict, modes: dict[str, str]
) -> None:
    said, _, keys = host.check_output(
        f"cat {FOLDER}/dropbear.conf; echo ----; cat {FOLDER}/authorized_keys"
    ).partition("----\n")
    assert 'DROPBEAR_OPTIONS="-I 300 -j -k -p 2222 -s -c cryptroot-unlock"' in said
    assert modes[f"{FOLDER}/authorized_keys"] == "root:root:600"
    wanted = [" ".join(key.split()[:2]) for key in known["base_system_authorized_keys"]]
    assert keys.splitlines() == [f"{KEY_OPTIONS} {key}" for key in wanted]


def test_its_host_key_is_its_own_and_pinned(host: Host, known: dict, modes: dict[str, str]) -> None:
    assert {path: mode for path, mode in modes.items() if path.endswith("_host_key")} == {
        HOST_KEY: "root:root:600"
    }
    own, systems = host.check_output(
        f"dropbearkey -y -f {HOST_KEY} | grep ^ssh-ed25519; cat /etc/ssh/ssh_host_*_key.pub"
    ).split("\n", 1)
    public = own.split()[1]
    assert public not in systems
    lines = Path(known["skerry_known_hosts"]).read_text(encoding="ascii").splitlines()
    pinned = {line.split()[0]: line.split()[2] for line in lines}
    assert pinned[f"[127.0.0.1]:{known['remote_unlock_port_public']}"] == public
    [system] = [key for name, key in pinned.items() if name.startswith(SYSTEM)]
    assert system in systems


def test_the_initramfs_holds_what_unlocks_and_is_roots_alone(image: str, modes: dict[str, str]) -> None:
    names = [line.split()[-1] for line in image.splitlines()]
    for name in ("sbin/dropbear", "bin/cryptroot-unlock", "cryptroot/crypttab", "usr/lib/skerry/network"):
        assert any(one.endswith(name) for one in names), name
    [keys] = [line for line in image.splitlines() if line.endswith("/.ssh/authorized_keys")]
    assert keys.startswith("-rw-------")
    assert [name for name in names if "host_key" in name] == ["etc/dropbear/dropbear_ed25519_host_key"]
    assert not [name for name in names if "ssh_host_" in name or name.startswith("cryptroot/keyfiles/")]
    assert {mode for path, mode in modes.items() if path.startswith("/boot/")} == {"root:root:600"}


def test_the_initramfs_was_opened_and_is_good(host: Host) -> None:
    assert "good: initrd.img-" in host.check_output("skerry-boot check")
    assert host.package("skerry-boot").is_installed
    assert host.check_output("cat /etc/initramfs-tools/conf.d/skerry | grep -v '^#'").split() == [
        "UMASK=0077", "RESUME=none", "IP=off",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/usr/lib/skerry/initramfs/network.conf", "/etc/systemd/network/10-skerry.network"]
)
def test_the_network_card_is_known_by_its_mac_in_both_systems(host: Host, known: dict, path: str) -> None:
    said = host.file(path).content_string
    assert re.search(
        rf"^(MAC|MACAddress|PermanentMACAddress)={known['lab_mac']}$", said, re.MULTILINE | re.IGNORECASE
    )
    assert known["base_system_network"]["ipv4"]["address"] in said


def test_the_scripts_are_there_for_the_next_initramfs(modes: dict[str, str]) -> None:
    assert {modes[path] for path in SCRIPTS} == {"root:root:755"}


def test_the_first_boot_was_one_with_the_hardened_command_line(host: Host) -> None:
    assert {one.value for one in COMMAND_LINE} <= set(host.check_output("cat /proc/cmdline").split())
