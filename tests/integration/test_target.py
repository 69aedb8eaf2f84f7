"""A system below a folder, as a rescue system makes it, natively: no disk, no boot, the real tarball and initramfs."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from skerry_lab.recipe import host_packages

ROOT = Path(__file__).parents[2]
LAB_VARS = yaml.safe_load((ROOT / "inventories/lab/group_vars/lab_bare.yml").read_text())
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMxmiB0sgrrUrG3xqLUS3UiU5XJmojrROqwNquceYKRg"
# A card that is here: another one is refused.
NETWORK = {"mac": Path("/sys/class/net/lo/address").read_text().strip(), "ipv4": {"method": "dhcp"}}
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: skerry.host.base_system, tasks_from: target_preflight}
    - ansible.builtin.include_role: {name: skerry.host.base_system, tasks_from: target}
    - ansible.builtin.include_role: {name: skerry.host.remote_unlock}
"""


class Target:
    """A folder that the roles make a system in."""

    def __init__(self, folder):
        self.root, self.known_hosts = folder / "root", folder / "known_hosts"
        self.play, self.vars = folder / "play.yml", folder / "vars.json"
        self.root.mkdir()
        self.play.write_text(PLAY)
        self.vars.write_text(json.dumps({
            "ansible_python_interpreter": "/usr/bin/python3",
            # The lab's own packages: its installations have the same tarball.
            **{name: value for name, value in LAB_VARS.items() if name.startswith("base_system_")},
            "base_system_tarball_packages": host_packages(),
            "base_system_hostname": "isle",
            "base_system_root": str(self.root),
            "base_system_authorized_keys": [f"{KEY} me@home"],
            "base_system_network": NETWORK,
            "base_system_known_hosts": str(self.known_hosts),
            "remote_unlock_root": str(self.root),
            "remote_unlock_network": NETWORK,
            "remote_unlock_authorized_keys": [f'from="192.0.2.0/24" {KEY} me@home'],
            "remote_unlock_address": "192.0.2.7",
            "remote_unlock_known_hosts": str(self.known_hosts),
        }))  # fmt: skip

    def make(self):
        """Apply the roles; what Ansible printed."""
        program = Path(sys.executable).parent / "ansible-playbook"
        command = [program, "-i", "localhost,", self.play, "-e", f"@{self.vars}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def text(self, path):
        return (self.root / path).read_text()

    def inside(self, *command):
        return subprocess.run(
            ["chroot", self.root, *command], check=True, capture_output=True, text=True
        ).stdout


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    made = Target(tmp_path_factory.mktemp("target"))
    made.make()
    return made


def image(target):
    return next((target.root / "boot").glob("initrd.img-*"))


def test_only_keys_let_in_and_the_keys_are_its_own(target):
    assert target.text("root/.ssh/authorized_keys") == f"{KEY} me@home\n"
    assert "PasswordAuthentication no" in target.text("etc/ssh/sshd_config.d/10-skerry.conf")
    keys = {path.name for path in (target.root / "etc/ssh").glob("ssh_host_*")}
    assert keys == {"ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"}
    assert target.text("etc/machine-id") == ""


def test_the_network_is_found_by_the_mac(target):
    assert f"PermanentMACAddress={NETWORK['mac']}" in target.text("etc/systemd/network/10-skerry.network")


def test_what_a_crash_would_write_down_is_off(target):
    assert "kernel.core_pattern=|/bin/false" in target.text("etc/sysctl.d/60-skerry-memory.conf")
    assert "Storage=none" in target.text("etc/systemd/coredump.conf.d/skerry.conf")
    assert "efi_pstore.pstore_disable=1" in target.text("etc/default/grub.d/skerry.cfg")
    assert (target.root / "etc/systemd/system/systemd-pstore.service").readlink() == Path("/dev/null")


def test_the_host_keys_of_system_and_initramfs_differ_and_are_pinned(target):
    lines = dict(line.split(" ", 1) for line in target.known_hosts.read_text().splitlines())
    system = target.text("etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    assert system in lines["localhost"]
    assert "[192.0.2.7]:2222" in lines
    assert system not in lines["[192.0.2.7]:2222"]


def test_the_initramfs_is_roots_only_and_holds_what_unlocks(target):
    assert image(target).stat().st_mode & 0o777 == 0o600
    names = target.inside("lsinitramfs", f"/boot/{image(target).name}").splitlines()
    for name in ("usr/lib/skerry/network.conf", "usr/bin/cryptroot-unlock", "usr/sbin/dropbear"):
        assert name in names
    assert [name for name in names if "_host_key" in name] == ["etc/dropbear/dropbear_ed25519_host_key"]


def test_who_may_unlock_may_do_nothing_else(target):
    options = 'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="cryptroot-unlock"'
    assert target.text("etc/dropbear/initramfs/authorized_keys") == f"{options} {KEY}\n"


def test_again_keeps_keys_and_files_and_leaves_nothing_mounted(target):
    unpacked = target.root / "usr/bin/tar"
    before = target.known_hosts.read_text(), unpacked.stat().st_ctime_ns
    target.make()
    assert (target.known_hosts.read_text(), unpacked.stat().st_ctime_ns) == before
    assert str(target.root) not in Path("/proc/self/mountinfo").read_text()


RELEASE = "6.12.999-skerry-test"
POSTINST = f"""#!/bin/sh
set -e
export DEB_MAINT_PARAMS="$*"
[ "${{INITRD:-}}" = No ] || touch /made-an-initramfs
run-parts --exit-on-error --arg={RELEASE} --arg=/boot/vmlinuz-{RELEASE} /etc/kernel/postinst.d
"""


def kernel_folder(target, folder):
    """A kernel as `make kernel` leaves it; what is in its package is Debian's, by another name."""
    package = folder / "package"
    (modules,) = (target.root / "usr/lib/modules").iterdir()
    shutil.copytree(modules, package / "usr/lib/modules" / RELEASE, symlinks=True)
    (package / "boot").mkdir()
    shutil.copy(next((target.root / "boot").glob("vmlinuz-*")), package / f"boot/vmlinuz-{RELEASE}")
    (package / "DEBIAN").mkdir()
    control = f"Package: linux-image-{RELEASE}\nVersion: 6.12.999-1\nArchitecture: amd64\nDepends: kmod, linux-base\n"
    control += "Maintainer: none <none@localhost>\nDescription: a kernel\n"
    (package / "DEBIAN/control").write_text(control)
    (package / "DEBIAN/postinst").write_text(POSTINST)
    (package / "DEBIAN/postinst").chmod(0o755)
    name = f"linux-image-{RELEASE}_6.12.999-1_amd64.deb"
    build = ["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", package, folder / name]
    subprocess.run(build, check=True, capture_output=True)
    (folder / "manifest.json").write_text(json.dumps({"release": RELEASE, "packages": {name: ""}}))
    return folder


def test_a_kernel_of_ones_own_comes_beside_debians_and_is_started_first(target, tmp_path):
    told = json.loads(target.vars.read_text())
    debian = image(target).name
    target.vars.write_text(json.dumps(told | {"base_system_kernel_folder": str(tmp_path / "none")}))
    with pytest.raises(AssertionError, match=r"holds no kernel on this\s+computer"):
        target.make()
    target.vars.write_text(
        json.dumps(told | {"base_system_kernel_folder": str(kernel_folder(target, tmp_path))})
    )
    target.make()
    images = sorted(path.name for path in (target.root / "boot").glob("initrd.img-*"))
    assert images == sorted([debian, f"initrd.img-{RELEASE}"])
    # The first one would have been without keys and network.
    assert not (target.root / "made-an-initramfs").exists()
    assert "usr/sbin/dropbear" in target.inside("lsinitramfs", f"/boot/initrd.img-{RELEASE}").splitlines()
    menu = target.text("etc/default/grub.d/skerry-kernel.cfg").splitlines()
    assert menu[-1] == f'GRUB_TOP_LEVEL="/boot/vmlinuz-{RELEASE}"'
    assert list((target.root / "var/tmp").iterdir()) == []
    assert target.inside("dpkg-query", "-Wf", "${db:Status-Status}", f"linux-image-{RELEASE}") == "installed"
