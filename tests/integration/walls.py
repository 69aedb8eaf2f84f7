"""What every container's walls must show, on whichever lab: seen from inside by prisoner.py."""

from typing import Any

Report = dict[str, Any]
DEVICES = {
    "console",
    "full",
    "null",
    "ptmx",
    "pts",
    "random",
    "tty",
    "urandom",
    "zero",
    "fd",
    "shm",
    "skerry",
    "std",
}


def check_identity(report: Report) -> None:
    """Root inside is nobody outside, without a capability, and can't gain one."""
    who, host = report["who"], report["host"]
    assert who["Uid"] == "0"
    assert int(host["uid"]) >= 1_048_576
    assert who["uid_map"] == ["0", host["uid"], "65536"]
    assert int(who["CapEff"], 16) == int(who["CapBnd"], 16) == 0
    assert (who["NoNewPrivs"], who["Seccomp"]) == ("1", "2")
    names = {name for name in who["devices"] if not name.startswith((".lxc", "std"))}
    assert names <= DEVICES, names - DEVICES
    assert {"nosuid", "nodev", "xino=on"} <= set(who["root"].split(","))


def check_syscalls(report: Report) -> None:
    """The dangerous ones are refused clearly; those that nobody knows answer ENOSYS, so that programs fall back."""
    answers = report["syscalls"]
    unknown = {"clone(CLONE_NEWUSER)", "clone3", "a call of tomorrow"}
    assert {name for name, answer in answers.items() if answer == "ENOSYS"} == unknown, answers
    assert {answer for name, answer in answers.items() if name not in unknown} == {"EPERM"}, answers


def check_families(report: Report) -> None:
    """Sockets are UNIX, INET, INET6 and routing NETLINK; any other is what a kernel without it answers. 32-bit: none."""
    found = report["families"]
    assert_through(found["socket"], {"1", "2", "10", "16"})
    assert_through(found["socketpair"], {"1"})
    assert_through(found["netlink"], {"0"})
    if (old := found["32-bit"]) is not None:
        assert {answer for calls in old.values() for answer in calls.values()} == {"ENOSYS"}, old


def assert_through(answers: dict[str, str], through: set[str]) -> None:
    """These went through, the others got EAFNOSUPPORT."""
    expected = {n: "went through" if n in through else "EAFNOSUPPORT" for n in answers}
    assert answers == expected, {n: answer for n, answer in answers.items() if answer != expected[n]}


def check_disk(report: Report, limit: int) -> None:
    """Writing ends at the limit, with the reason."""
    assert report["fill"]["problem"] == "Disk quota exceeded", report["fill"]
    assert limit * 0.9 < report["fill"]["bytes"] <= limit


def check_inodes(report: Report) -> None:
    """No two files of image and upper layer look like one: cp, diff and tar go by (st_dev, st_ino)."""
    assert report["inodes"]["files"] > 2000
    assert report["inodes"]["doubles"] == []
