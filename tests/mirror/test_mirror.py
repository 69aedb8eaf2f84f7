"""A mirror with BIOS: a disk pulled, unlocked from afar and serving; a new one, whole again; the old one pulled, serving.

One after the other.
"""

import json
from collections.abc import Iterator

import pytest

from tests.install import hardened
from tests.install.conftest import play_on
from tests.install.installing import install
from tests.install.rescue_lab import Machine, machine
from tests.install.serving import PAGE, played, serve, visited
from tests.mirror.mirror_lab import (
    REPLACE,
    SIZES,
    lab,
    pull_while_it_runs,
    see_half_a_mirror,
    see_whole_again,
    start_anew,
    status,
)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Installed; it waits for its passphrase."""
    hardware = ["--firmware", "bios", "--bus", "virtio", "--disks", "2"]
    with machine("mirror", tmp_path_factory.mktemp("mirror"), hardware) as found:
        done = install(found, "--extra-vars", json.dumps(SIZES))
        assert done.code == 0, done.output[-4000:]
        yield found


@pytest.fixture(scope="module")
def url(mirror: Machine) -> str:
    """Of a container on it, which was made while its first disk was out."""
    return serve(mirror)


def test_without_its_first_disk_it_is_unlocked_from_afar(mirror):
    lab(mirror, "power", "cut")
    lab(mirror, "disk", "pull", "0")
    lab(mirror, "power", "on")
    played(mirror, "playbooks/unlock.yml")
    see_half_a_mirror(mirror)


def test_on_half_a_mirror_it_serves(mirror, url):
    assert visited(mirror, url) == PAGE


def test_a_new_disk_makes_it_whole(mirror):
    refused = play_on(mirror, REPLACE)
    assert refused.returncode != 0
    assert "there is no such disk" in refused.stdout
    lab(mirror, "disk", "new", "0")
    see_whole_again(mirror)


def test_a_new_menu_and_a_new_initramfs_come_to_both(mirror):
    mirror.run(
        "echo '# more' >>/boot/grub/grub.cfg; until tail -n 1 /boot.1/grub/grub.cfg | grep -q more; do sleep 1; done"
    )
    # As update-initramfs ends; the kernel reads over the zeros.
    mirror.run(
        "image=$(echo /boot/initrd.img-*); version=${image#/boot/initrd.img-}; echo more >/boot/efi/more\n"
        "head -c 512 /dev/zero >>$image; if cmp -s $image /boot.1/initrd.img-$version; then exit 1; fi\n"
        "run-parts --exit-on-error --arg=$version --arg=$image /etc/initramfs/post-update.d\n"
        "cmp $image /boot.1/initrd.img-$version; cmp /boot/efi/more /boot.1/efi/more"
    )


def test_it_serves_on_its_new_disk_alone_and_starts_from_it(mirror, url):
    start_anew(mirror)
    hardened.see_words(mirror)
    said = played(mirror, *hardened.PLAY)
    assert "changed=0" in said
    assert hardened.AT_ITS_START not in " ".join(said.split())
    assert status(mirror)["mirror"] == "whole"
    assert visited(mirror, url) == PAGE
    pull_while_it_runs(mirror, 1)
    assert status(mirror)["mirror"] == "half"
    assert visited(mirror, url) == PAGE
    # Only now: with both in, the BIOS starts the one that it knew.
    start_anew(mirror)
    assert status(mirror)["mirror"] == "half"
    assert visited(mirror, url) == PAGE
