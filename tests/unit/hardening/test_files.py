"""The files that bring the settings about, as the programs read them."""

from skerry_base.hardening.files import (
    AUDIT_RULES,
    GRUB,
    HEAD,
    LOCK_TIMER,
    LOCK_UNIT,
    MOUNTS_UNIT,
    UNITS,
    files,
)
from skerry_base.hardening.model import Kind
from skerry_base.hardening.table import SETTINGS

ALL = {file.path: file.content for file in files(SETTINGS)}


def lines(path: str) -> list[str]:
    return ALL[path].removeprefix(HEAD).splitlines()


def test_the_words_are_added_to_what_others_say() -> None:
    (line,) = lines(GRUB)
    assert line.startswith('GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX mitigations=auto,nosmt ')
    # base_system's file sets the whole variable: ours is read after it.
    assert max("skerry.cfg", GRUB.rpartition("/")[2]) == GRUB.rpartition("/")[2]


def test_each_sysctl_has_its_line() -> None:
    wanted = [f"-{one.key} = {one.value}" for one in SETTINGS if one.kind is Kind.SYSCTL]
    assert lines("/etc/sysctl.d/80-skerry-hardening.conf") == wanted


def test_a_module_is_refused_by_name() -> None:
    assert "install dccp /bin/false" in lines("/etc/modprobe.d/skerry-hardening.conf")


def test_mounts_are_changed_in_place() -> None:
    unit = lines(f"{UNITS}/{MOUNTS_UNIT}")
    assert "ExecStart=-mount -o remount,hidepid=invisible,gid=adm /proc" in unit
    assert "ExecStart=-mount -o remount,bind,nosuid,nodev,noexec /tmp" in unit


def test_sshd_reads_ours_before_all_others_and_is_asked_before_it_reloads() -> None:
    (file,) = (file for file in files(SETTINGS) if file.kind is Kind.SSHD)
    assert file.path.rpartition("/")[2] < "10-skerry.conf"
    assert file.check == ("sshd", "-t")
    assert "x11forwarding no" in file.content


def test_each_audit_rule_has_its_setting_s_key() -> None:
    rules = lines(AUDIT_RULES)
    assert "-w /etc/shadow -p wa -k skerry-identity" in rules
    assert (
        "-a always,exit -F arch=b64 -S init_module,delete_module,finit_module -F key=skerry-modules" in rules
    )


def test_modules_are_locked_after_what_the_platform_needs_was_loaded() -> None:
    unit = lines(f"{UNITS}/{LOCK_UNIT}")
    needed, lock = (
        next(line for line in unit if line.startswith(start)) for start in ("ExecStartPre", "ExecStart=")
    )
    assert {"erofs", "overlay", "veth", "vfat", "raid1"} <= set(needed.split())
    assert unit.index(needed) < unit.index(lock)


def test_the_time_until_the_lock_does_not_run_while_the_machine_waits_for_its_passphrase() -> None:
    assert "OnActiveSec=5min" in lines(f"{UNITS}/{LOCK_TIMER}")
    assert "After=multi-user.target" in lines(f"{UNITS}/{LOCK_UNIT}")


def test_nothing_is_written_for_nothing() -> None:
    assert {file.content for file in files(())} == {""}
