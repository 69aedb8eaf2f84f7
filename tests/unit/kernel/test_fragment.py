"""Fragments: what a line may be, which lines make a flavour, and that each of ours says why."""

import os
import re
from pathlib import Path

import pytest

from skerry_base.core.errors import SkerryError
from skerry_kernel import fragment
from skerry_kernel.fragment import Flavour, Line


def written(folder: Path, text: str, name: str = "my.config") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_line_has_a_value_a_reason_and_a_source(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '# words\n\nCONFIG_KSM=y\nCONFIG_AIO=n  # nobody asks [grsec]\nCONFIG_LSM="a,b # c"  # order matters\n',
    )
    assert fragment.read(path) == [
        Line("KSM", "y", "", "", "my.config:3"),
        Line("AIO", "n", "nobody asks", "grsec", "my.config:4"),
        Line("LSM", '"a,b # c"', "order matters", "", "my.config:5"),
    ]


@pytest.mark.parametrize(
    "row",
    ["KSM=y", "CONFIG_KSM", "CONFIG_KSM =y", "CONFIG_KSM=y n", 'CONFIG_LSM="a', "# CONFIG_KSM\nx", "KSM=\0"],
)
def test_a_line_that_is_no_assignment_is_refused_with_its_place(tmp_path: Path, row: str) -> None:
    path = written(tmp_path, f"CONFIG_AIO=n\n{row}\n")
    with pytest.raises(SkerryError, match=r"my\.config:[23]: `.*`: expected `CONFIG_NAME=value`"):
        fragment.read(path)


def test_what_looks_like_kconfigs_own_comment_is_not_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, "# CONFIG_VETH is not set\n")
    with pytest.raises(
        SkerryError, match=r"my\.config:1: a comment says nothing here: write `CONFIG_VETH=n`"
    ):
        fragment.read(path)


def test_what_is_no_fragment_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(SkerryError, match=r"this fragment is no file"):
            fragment.read(path)
    with pytest.raises(SkerryError, match="larger than 1 MiB"):
        fragment.read(written(tmp_path, "#" * 1024**2 + "\n"))


@pytest.mark.parametrize("line", ['CONFIG_LOCALVERSION="-mine"', 'CONFIG_MODULE_SIG_KEY="mine.pem"'])
def test_what_the_build_says_itself_can_not_be_set(tmp_path: Path, line: str) -> None:
    with pytest.raises(SkerryError, match=r"my\.config:1: CONFIG_\w+ can't be set: "):
        fragment.assemble([], [written(tmp_path, f"{line}\n")])


def test_a_fragment_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SkerryError, match=r"gone\.config: this fragment can't be read: .*No such file"):
        fragment.read(tmp_path / "gone.config")


def test_a_symbol_set_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    first = written(tmp_path, "CONFIG_KSM=y\n", "first.config")
    second = written(tmp_path, "CONFIG_AIO=n\nCONFIG_KSM=n\n", "second.config")
    with pytest.raises(SkerryError) as refused:
        fragment.assemble([first, second])
    assert str(refused.value) == "CONFIG_KSM is set twice: to y in first.config:1, to n in second.config:2"


def test_a_fragment_of_the_users_own_has_the_last_word(tmp_path: Path) -> None:
    ours = written(tmp_path, "CONFIG_KSM=y\nCONFIG_AIO=n\n", "ours.config")
    theirs = written(tmp_path, "CONFIG_KSM=n\n", "theirs.config")
    lines = fragment.assemble([ours], [theirs])
    assert fragment.text(lines.values()) == "CONFIG_KSM=n\nCONFIG_AIO=n\n"
    assert lines["KSM"].place == "theirs.config:1"


@pytest.mark.parametrize(("version", "own"), [("6.12.118", "linux-6.12"), ("7.3.4", "linux-7")])
def test_a_version_of_linux_has_a_fragment_of_its_own(version: str, own: str) -> None:
    names = [path.stem for path in fragment.files(Flavour.LAB, version)]
    assert names[-2:] == ["lab", own]
    assert "metal" not in names


def test_a_version_without_a_fragment_is_refused() -> None:
    with pytest.raises(
        SkerryError, match=r"no fragment for Linux 5\.10\.1: there are fragments for 6\.12, 7"
    ):
        fragment.files(Flavour.METAL, "5.10.1")


@pytest.mark.parametrize("flavour", list(Flavour))
@pytest.mark.parametrize("version", ["6.12.118", "7.3.4"])
def test_our_fragments_fit_together(flavour: Flavour, version: str) -> None:
    lines = fragment.assemble(fragment.files(flavour, version))
    wanted = {"FS_VERITY": "y", "KSM": "y", "USER_NS": "y", "BPF_SYSCALL": "y", "EFI_VARS_PSTORE": "n"}
    assert {symbol: lines[symbol].value for symbol in wanted} == wanted
    assert ("MEGARAID_SAS" in lines) == (flavour is Flavour.METAL)


@pytest.mark.parametrize("name", ["hardening", "cut"])
def test_each_line_of_hardening_says_why_and_who_says_so(name: str) -> None:
    lines = fragment.read(fragment.HOME / f"{name}.config")
    silent = [line.place for line in lines if not (line.why and line.source) and "CMDLINE" not in line.symbol]
    assert (
        silent == [] if name != "linux-7" else [place for place in silent if "CGROUP" not in place] == silent
    )
    assert {line.source for line in lines} - {""} <= set(fragment.SOURCES)


def test_each_word_of_the_built_in_command_line_says_why() -> None:
    text = (fragment.HOME / "hardening.config").read_text()
    (line,) = (line for line in fragment.read(fragment.HOME / "hardening.config") if line.symbol == "CMDLINE")
    comments = " ".join(row for row in text.splitlines() if row.startswith("#"))
    missing = [
        word
        for word in line.value.strip('"').split()
        if not re.search(rf"[ ]{re.escape(word)}[:,]", comments)
    ]
    assert missing == []


# What the platform needs of a kernel, and what guards its trial boot: without one of these, no host takes it.
NEEDED = (
    "BTRFS_FS EXT4_FS VFAT_FS NLS_CODEPAGE_437 EROFS_FS EROFS_FS_BACKED_BY_FILE OVERLAY_FS FUSE_FS TMPFS DEVTMPFS "
    "DM_CRYPT CRYPTO_XTS CRYPTO_AES MD_RAID1 NF_TABLES NF_TABLES_INET NF_CONNTRACK NFT_CT NFT_NAT NFT_MASQ NFT_REJECT "
    "NFT_REJECT_INET NFT_BRIDGE_META NF_TABLES_BRIDGE BRIDGE VETH IPV6 PACKET UNIX USER_NS PID_NS NET_NS IPC_NS UTS_NS "
    "CGROUPS MEMCG CGROUP_PIDS CFS_BANDWIDTH BLK_CGROUP CPUSETS CGROUP_FREEZER CGROUP_BPF SECCOMP_FILTER "
    "SECURITY_APPARMOR KSM FHANDLE EPOLL SIGNALFD TIMERFD INOTIFY_USER SOFT_WATCHDOG WATCHDOG_SYSFS"
)


@pytest.mark.parametrize("flavour", list(Flavour))
@pytest.mark.parametrize("version", ["6.12.118", "7.3.4"])
def test_every_flavour_asks_for_what_the_platform_and_a_trial_boot_need(
    flavour: Flavour, version: str
) -> None:
    lines = fragment.assemble(fragment.files(flavour, version))
    assert [name for name in NEEDED.split() if name not in lines or lines[name].value == "n"] == []
