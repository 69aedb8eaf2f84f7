"""What makes room on /boot and installs what is missing, of what was found."""

import pytest

from skerry_base.boot.rescue.findings import Finding, Repair
from skerry_base.boot.rescue.mend import Delete, Install, carry_out, plan_mend

FULL = Finding("boot full", "/boot", "no room", (Repair.SPACE, Repair.INITRAMFS))
MISSING = Finding("package missing", "mdadm", "not installed", (Repair.PACKAGES, Repair.INITRAMFS))
NO_IMAGE = Finding("kernel missing", "/boot", "no vmlinuz-6.2", (Repair.PACKAGES,))


@pytest.fixture
def server(tmp_path):
    """One kernel whole, one whose image is lost, and what is left of a third."""
    for version in ("6.1", "6.2"):
        (tmp_path / "lib/modules" / version).mkdir(parents=True)
        (tmp_path / "lib/modules" / version / "modules.dep").touch()
    (tmp_path / "boot").mkdir()
    for name in ("vmlinuz-6.1", "initrd.img-6.1", "initrd.img-6.1.new", "initrd.img-5.0"):
        (tmp_path / "boot" / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("found", "steps"),
    [
        ([], ()),
        ([Finding("boot loader", "/boot", "no menu", (Repair.GRUB,))], ()),
        ([FULL], (Delete("initrd.img-5.0"), Delete("initrd.img-6.1.new"))),
        ([MISSING], (Install(("mdadm", "linux-image-6.2")),)),
        (
            [NO_IMAGE, FULL],
            (Delete("initrd.img-5.0"), Delete("initrd.img-6.1.new"), Install(("linux-image-6.2",))),
        ),
    ],
)
def test_only_what_was_found_to_be_needed_is_mended(server, found, steps):
    plan = plan_mend(found, server)
    assert plan.steps == steps
    assert plan.changed == bool(steps)


def test_room_is_made_as_planned_and_then_there_is_nothing_left_to_do(server):
    plan = plan_mend([FULL], server)
    assert plan.titles == ["delete /boot/initrd.img-5.0", "delete /boot/initrd.img-6.1.new"]
    carry_out(plan.steps, server)
    assert [step.done for step in plan.steps] == [
        "deleted /boot/initrd.img-5.0",
        "deleted /boot/initrd.img-6.1.new",
    ]
    assert sorted(path.name for path in (server / "boot").iterdir()) == ["initrd.img-6.1", "vmlinuz-6.1"]
    assert not plan_mend([FULL], server).changed
