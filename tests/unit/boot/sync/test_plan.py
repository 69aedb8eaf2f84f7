import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry_base.boot.sync.plan import MENU, Copy, Entry, Remove, is_shared, menu, steps

ENTRY = st.builds(Entry, st.sampled_from([0o600, 0o644]), st.sampled_from(["a", "b", "c"]))
NAMES = st.sampled_from(
    ["vmlinuz-1", "vmlinuz-2", "initrd.img-1", "initrd.img-2", MENU, "grub/fonts/unicode.pf2"]
)
LISTING = st.dictionaries(NAMES, ENTRY)


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        ("vmlinuz-6.12", True),
        ("initrd.img-6.12", True),
        ("grub/grub.cfg", True),
        ("grub/custom.cfg", True),
        ("efi/EFI/other/tool.efi", True),
        # GRUB's image names the /boot of its own disk, and it writes into its own grubenv.
        ("grub/grubenv", False),
        ("grub/i386-pc/core.img", False),
        ("grub/x86_64-efi/load.cfg", False),
        ("efi/EFI/BOOT/BOOTX64.EFI", False),
        # What is being written is no one's yet.
        ("initrd.img-6.12.new", False),
        ("grub/grub.cfg.new", False),
        ("vmlinuz-6.12.dpkg-new", False),
        (".skerry-new-vmlinuz-6.12", False),
        ("lost+found/x", False),
    ],
)
def test_what_both_disks_have(name, shared):
    assert is_shared(name) == shared


def test_a_new_kernel_comes_before_the_menu_and_the_old_one_goes_last():
    old = {"vmlinuz-1": Entry(0o644, "a"), "initrd.img-1": Entry(0o600, "a"), MENU: Entry(0o600, "a")}
    new = {"vmlinuz-2": Entry(0o644, "b"), "initrd.img-2": Entry(0o600, "b"), MENU: Entry(0o600, "b")}
    assert steps(new, old) == (
        Copy("initrd.img-2"), Copy("vmlinuz-2"), Copy(MENU), Remove("initrd.img-1"), Remove("vmlinuz-1"),
    )  # fmt: skip


def test_an_initramfs_that_others_may_read_is_copied_again():
    assert steps({"initrd.img-1": Entry(0o600, "a")}, {"initrd.img-1": Entry(0o644, "a")}) == (
        Copy("initrd.img-1"),
    )


def test_a_menu_names_the_boot_of_its_own_disk_only():
    text = b"search --fs-uuid --set=root AAAA-1\nlinux /vmlinuz root=UUID=BBBB-2\n"
    own = menu(text, "AAAA-1", "CCCC-3")
    assert own == b"search --fs-uuid --set=root CCCC-3\nlinux /vmlinuz root=UUID=BBBB-2\n"
    assert menu(own, "CCCC-3", "AAAA-1") == text


@given(LISTING, LISTING)
def test_wherever_it_is_cut_off_each_file_is_the_old_or_the_new_and_all_steps_end_equal(source, target):
    there, menu_came = dict(target), False
    for step in steps(source, target):
        if isinstance(step, Remove):
            assert menu_came or source.get(MENU) == target.get(MENU) or MENU not in source
            del there[step.name]
        else:
            assert not menu_came
            there[step.name] = source[step.name]
            menu_came = step.name == MENU
    assert there == source
    assert steps(source, there) == ()
