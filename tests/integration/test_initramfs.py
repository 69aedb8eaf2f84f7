"""skerry-boot against real images of Debian 13: the ten defects are refused by name, good images pass."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from skerry_base.boot.initramfs.checks import NAMES
from tests.integration import boot_images, kept_ssh

ROOT = Path(__file__).parents[2]
TREE = "/var/tmp/boot-tree"


def send(lab, command, stdin):
    """Run a command on the lab's host; what it printed."""
    done = subprocess.run(kept_ssh.command(lab, command), input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def defects(lab, on_host, tmp_path_factory):
    """Makes an image and has it checked: ``defects(case)`` gives [name, text] of each."""
    built = on_host("initramfs.py", "tree", TREE)
    assert built.rc == 0, built.stderr
    build = [sys.executable, ROOT / "packaging/build_deb.py", tmp_path_factory.mktemp("deb"), "skerry-boot"]
    package = Path(subprocess.run(build, check=True, capture_output=True, text=True).stdout.strip())
    send(lab, f"cat >{TREE}/skerry-boot.deb && chroot {TREE} dpkg -i /skerry-boot.deb", package.read_bytes())

    def made(case):
        job = json.dumps(case.job()).encode()
        return json.loads(send(lab, f"python3 /run/on_host/initramfs.py check {TREE}", job))

    yield made
    send(lab, f"rm -r {TREE}", b"")


SEEDED = [(defect, case) for defect, cases in boot_images.DEFECTS.items() for case in cases]


@pytest.mark.parametrize(("defect", "case"), SEEDED)
def test_a_defect_is_refused_by_its_name(defects, defect, case):
    found = defects(boot_images.DEFECTS[defect][case])
    assert {name for name, _ in found} == {defect}, found


@pytest.mark.parametrize("case", boot_images.GOOD)
def test_a_good_image_passes(defects, case):
    assert defects(boot_images.GOOD[case]) == []


def test_there_is_a_case_for_each_of_the_ten():
    assert tuple(boot_images.DEFECTS) == NAMES
