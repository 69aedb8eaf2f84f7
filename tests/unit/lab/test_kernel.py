"""A metal machine on a kernel of ours."""

from pathlib import Path

import pytest

from skerry_base.core.errors import SkerryError
from skerry_lab.disk import own_kernel
from skerry_lab.initrd import INIT, OWN_KERNEL_INIT
from skerry_lab.lab import Wanted
from skerry_lab.recipe import Flavour, Kind


def test_debians_kernel_leaves_the_images_name_alone() -> None:
    assert own_kernel(None) == []


def test_another_kernel_is_another_image(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"image_sha256": "00"}')
    assert own_kernel(tmp_path) == ['{"image_sha256": "00"}']


def test_a_folder_without_a_kernel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SkerryError, match=r"no kernel as `make kernel FLAVOUR=lab` makes it: .*No such file"):
        own_kernel(tmp_path)


def test_the_fast_lab_takes_no_kernel() -> None:
    with pytest.raises(
        SkerryError, match="--kernel is for --kind metal: the fast lab has this computer's kernel"
    ):
        Wanted("try", Kind.FAST, Flavour.HOST, kernel=Path("/cache/kernel-lab-1"))


@pytest.mark.parametrize("image", [Flavour.HOST, Flavour.RESCUE])
def test_a_machine_takes_one(image: Flavour) -> None:
    assert Wanted("lab", Kind.METAL, image, kernel=Path("/k")).kernel == Path("/k")


def test_our_kernel_needs_no_module_to_find_its_disk() -> None:
    assert b"insmod" in INIT
    assert b"insmod" not in OWN_KERNEL_INIT
    assert OWN_KERNEL_INIT.splitlines()[-1] == b"exec busybox switch_root /root /sbin/init"
