"""What the running machine says, from the forms in which it says it."""

import pytest

from skerry_base.hardening import read
from skerry_base.hardening.model import Kind, Reading, Setting
from skerry_base.hardening.table import SETTINGS

BY_NAME = {one.name: one for one in SETTINGS}
MOUNTINFO = """\
26 25 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:2 - proc proc rw,gid=4,hidepid=invisible
42 25 0:33 / /tmp rw,nosuid,nodev shared:18 - tmpfs tmpfs rw,nr_inodes=1048576,inode64
43 42 0:40 / /tmp rw,nosuid,nodev,noexec shared:19 - tmpfs tmpfs rw
"""


def test_the_topmost_mount_counts() -> None:
    there = read.mounted(MOUNTINFO)
    assert there["/tmp"] == ("rw,nosuid,nodev,noexec", "rw")
    assert read._mount(BY_NAME["mount /tmp"], there) == Reading("nosuid,nodev,noexec")
    assert read._mount(BY_NAME["mount /boot"], there).value is None


def test_hidepid_is_an_option_of_the_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "_group", {4: "adm", 0: "root"}.__getitem__)
    assert read._mount(BY_NAME["mount /proc"], read.mounted(MOUNTINFO)).value == "hidepid=invisible,gid=adm"
    other = read.mounted(MOUNTINFO.replace("gid=4", "gid=0"))
    assert read._mount(BY_NAME["mount /proc"], other).value == "hidepid=invisible"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("quiet pti=on", "pti=on"),
        ("pti=on pti=off", "pti=off"),
        ("quiet", "not given"),
        ("nopti xpti=on", "not given"),
    ],
)
def test_the_kernel_takes_the_last_of_several_words(
    given: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    grub = tmp_path / "update-grub"
    grub.touch()
    monkeypatch.setattr(read, "GRUB", grub)
    assert read._word(BY_NAME["word pti"], given.split(), []).value == value


MENU = """\
menuentry 'Debian' {
	search --no-floppy --fs-uuid --set=root 1234
	linux	/vmlinuz-6.12 root=UUID=56 ro console=ttyS0 pti=off pti=on
	initrd	/initrd.img-6.12
}
"""


@pytest.mark.parametrize(("menu", "comes"), [(MENU, True), (MENU.replace(" pti=on", ""), False), ("", False)])
def test_what_the_next_boot_brings_is_read_from_grub_s_menu(
    menu: str, comes: bool, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setattr(read, "GRUB", tmp_path)
    reading = read._word(BY_NAME["word pti"], ["quiet"], read.handed(menu))
    assert reading.value == "not given"
    assert bool(reading.later) == comes


def test_without_grub_a_missing_word_can_t_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(read, "GRUB", tmp_path / "none")
    assert read._word(BY_NAME["word pti"], ["pti=on"], []).value == "pti=on"
    assert "GRUB does not start this machine" in read._word(BY_NAME["word pti"], [], []).why


def test_a_softdep_undoes_an_install_line() -> None:
    config = "blacklist arkfb\ninstall dccp /bin/false\ninstall ksmbd /bin/false\nsoftdep ksmbd pre: crc32\n"
    assert read.refused_modules(config) == {"dccp"}


def test_a_rule_that_is_missing_is_seen() -> None:
    setting = Setting(Kind.AUDIT, "x", "-w /a -p wa\n-w /b -p wa", "reason", SETTINGS[0].source)
    whole = ["-w /a -p wa -k skerry-x", "-w /b -p wa -k skerry-x"]
    assert read._loaded(setting, whole) == setting.value
    assert read._loaded(setting, whole[:1]) == "-w /a -p wa"
    assert read._loaded(setting, ["-w /a -p wa -k other"]) == "not audited"


@pytest.mark.parametrize(
    ("profiles", "processes", "value"),
    [
        ({"a": "enforce", "b": "complain"}, {}, "enforced"),
        ({"a": "complain"}, {}, "no profile is enforced"),
        (
            {"a": "enforce", "b": "complain"},
            {"/b": [{"profile": "b", "pid": "1", "status": "complain"}]},
            "complaining: b",
        ),
    ],
)
def test_only_a_running_program_s_complaining_profile_counts(profiles, processes, value: str) -> None:
    assert read._profiles(profiles, processes) == value


def test_a_container_is_asked_for_nothing_of_the_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    inside = tmp_path / "container"
    inside.touch()
    monkeypatch.setattr(read, "IN_CONTAINER", inside)
    names = ["sysctl kernel.sysrq", "sysctl net.core.bpf_jit_harden", "lock modules", "audit boot", "word pti",
             "module dccp", "apparmor enforce"]  # fmt: skip
    found = read.read([BY_NAME[name] for name in names])
    assert found.keys() == set(names)
    assert {one.why for one in found.values()} == {"this machine is a container: its kernel is its host's"}
