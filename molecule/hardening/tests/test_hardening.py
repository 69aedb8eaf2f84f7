"""Every setting of the table, as the running machine says it: asked here, without the role's own reader."""

import json
from base64 import b64encode

import pytest
from testinfra.host import Host

from skerry_base.hardening.model import Kind
from skerry_base.hardening.table import SETTINGS

# What a lab's machine can't have. Each line is a fact about it; anything else that is missing is an error.
NOT_HERE = {
    "mount /boot.1", "mount /boot.1/efi", "mode /boot.1",
    "mode /etc/cron.hourly", "mode /etc/cron.monthly", "mode /etc/cron.weekly", "mode /etc/crontab",
}  # fmt: skip
PREPARED_DISK = {"mount /boot", "mount /boot/efi", "mount /home", "mount /var/log", "mode /etc/cron.d"}
"""One file system, where install.yml makes several."""
INSTALLED = {"mode /usr/bin/newgrp"}
"""Its Debian is smaller."""
HARDENED_KERNEL = {
    "sysctl kernel.io_uring_disabled", "sysctl vm.unprivileged_userfaultfd", "sysctl kernel.kexec_load_disabled",
    "sysctl kernel.sysrq", "sysctl kernel.core_pattern", "sysctl vm.mmap_rnd_compat_bits",
}  # fmt: skip
"""It has not what these would restrict."""
# Runs on the machine: what it says of a setting, by its kind.
ASK = r"""
import json, os, subprocess, sys
def say(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip()
def sysctl(key):
    try:
        with open("/proc/sys/" + key.replace(".", "/")) as file:
            return file.read().strip()
    except FileNotFoundError:
        return "No such file"
sshd = say("sshd", "-T").splitlines()
rules = say("auditctl", "-l").splitlines()
words = open("/proc/cmdline").read().split()
def audit(key):
    mine = [rule.split() for rule in rules if rule.endswith("skerry-" + key)]
    return "\n".join(" ".join(rule[:-2]) for rule in mine)
def module(key):
    said = say("modprobe", "--verbose", key)
    loaded = os.path.exists("/sys/module/" + key)
    return "refused" if not loaded and "/bin/false" in said else said
def apparmor(key):
    said = json.loads(say("aa-status", "--json"))
    watched = {one["status"] for each in said["processes"].values() for one in each}
    return "enforced" if "enforce" in said["profiles"].values() and watched <= {"enforce"} else repr(watched)
# What the running sshd offers to whoever connects.
talk = say(
    "ssh", "-vv", "-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "localhost", "true",
)
offer = talk.partition("peer server KEXINIT proposal")[2]
OFFERED = {"kexalgorithms": "KEX algorithms", "ciphers": "ciphers stoc", "macs": "MACs stoc"}
def ssh(key):
    if key in OFFERED:
        line = next(line for line in offer.splitlines() if OFFERED[key] + ": " in line)
        marks = ("ext-info-s", "kex-strict-s-v00@openssh.com")
        return ",".join(name for name in line.split(": ")[-1].split(",") if name not in marks)
    return next((line.split(" ", 1)[1] for line in sshd if line.split()[0] == key), "no such option")
session = dict(zip(("umask", "core"), say("su", "-l", "root", "-c", "umask; ulimit -H -c").split()))
ASKED = {
    "word": lambda key: next((word for word in words if word.split("=")[0] == key), "not given"),
    "sysctl": sysctl,
    "module": module,
    "lock": lambda key: sysctl("kernel.modules_disabled"),
    "mount": lambda key: say("findmnt", "--noheadings", "--output", "OPTIONS", "--mountpoint", key),
    "sshd": ssh,
    "apparmor": apparmor,
    "audit": audit,
    "systemd": lambda key: say("systemctl", "show", "--value", "--property", key),
    "session": session.get,
    "mode": lambda key: say("stat", "--format", "%U %G %04a", key),
}
print(json.dumps({name: ASKED[name.split()[0]](name.split()[1]) for name in json.loads(sys.argv[1])}))
"""


@pytest.fixture(scope="module")
def said(host: Host) -> dict[str, str]:
    """Setting's name → what the machine says."""
    names = json.dumps([one.name for one in SETTINGS if one.kind is not Kind.LOCK])
    program = b64encode(ASK.encode()).decode()
    answer = host.check_output(f"echo {program} | base64 -d | python3 - '{names}'")
    values: dict[str, str] = json.loads(answer)
    return values


@pytest.fixture(scope="module")
def not_here(host: Host) -> set[str]:
    """What this machine can't have."""
    installed = host.file("/etc/skerry/install.json").exists
    hardened = "-skerry-" in host.check_output("uname -r")
    return NOT_HERE | (INSTALLED if installed else PREPARED_DISK) | (HARDENED_KERNEL if hardened else set())


@pytest.mark.parametrize("name", [one.name for one in SETTINGS if one.kind is not Kind.LOCK])
def test_the_running_machine_has_the_setting(said: dict[str, str], not_here: set[str], name: str) -> None:
    setting = next(one for one in SETTINGS if one.name == name)
    if name in not_here:
        assert "No such file" in said[name] or not said[name]
    elif setting.kind is Kind.MOUNT:
        assert set(setting.value.replace("gid=adm", "gid=4").split(",")) <= set(said[name].split(","))
    else:
        assert said[name] == setting.value


def test_no_module_is_loaded_once_the_boot_has_settled(host: Host) -> None:
    said = host.check_output(
        "systemctl is-enabled skerry-modules-lock.timer; systemctl start skerry-modules-lock.service;"
        " cat /proc/sys/kernel/modules_disabled; modprobe dummy 2>&1 || true"
    )
    assert said.splitlines()[:2] == ["enabled", "1"]
    assert "Operation not permitted" in said
