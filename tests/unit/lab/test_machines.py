"""What systemd-nspawn and QEMU are asked for."""

from pathlib import Path

import pytest

from skerry_lab import qemu
from skerry_lab.demo import container_id
from skerry_lab.disk import BootImage
from skerry_lab.fast_stage import StageSpec, nspawn
from skerry_lab.initrd import Entry, cpio
from skerry_lab.qemu import Hardware
from skerry_lab.tools import Tools

SPEC = StageSpec("try", "/cache/root", {20001: 22, 20002: 443}, ["/dev/fuse", "/dev/loop0"])
IMAGE = BootImage("d", Path("disk"), Path("vmlinuz"), Path("initrd"), "rw quiet", Path("login"), Path("host"))


def machine(accelerator: str = "tcg") -> list[str]:
    return qemu.command(Tools(Path("/tools")), Hardware(accelerator, 2048), IMAGE, {20001: 22, 20002: 443})


def test_a_stage_reads_what_it_was_given() -> None:
    assert StageSpec.from_json(SPEC.to_json()) == SPEC


def test_the_fast_lab_gets_its_devices_but_not_this_computers_clock() -> None:
    argv = nspawn(SPEC)
    assert "--bind=/dev/loop0" in argv
    assert "--drop-capability=CAP_SYS_TIME" in argv
    assert "--register=no" in argv


def test_qemu_listens_on_loopback_only() -> None:
    network = machine()[machine().index("-netdev") + 1]
    assert "hostfwd=tcp:127.0.0.1:20001-10.0.2.100:22" in network
    assert "hostfwd=tcp:127.0.0.1:20002-10.0.2.100:443" in network
    assert network.count("hostfwd=tcp:127.0.0.1:") == network.count("hostfwd=") == 2


@pytest.mark.parametrize(("accelerator", "processor"), [("tcg", "max"), ("kvm", "host")])
def test_the_processor_fits_the_accelerator(accelerator: str, processor: str) -> None:
    argv = machine(accelerator)
    assert argv[argv.index("-cpu") + 1] == processor


def test_ports_and_image_are_no_part_of_the_hardware() -> None:
    """Else a saved machine would fit one lab only."""
    assert not any("20001" in word or "vmlinuz" in word for word in Hardware("tcg", 2048).arguments())


def test_an_archive_is_what_the_kernel_reads() -> None:
    content = cpio([Entry("init", 0o100755, b"#!/bin/sh\n")])
    assert content.startswith(b"070701" + b"00000001" + b"%08X" % 0o100755)
    assert content.count(b"070701") == 2
    assert b"init\0" in content
    assert b"TRAILER!!!\0" in content
    assert len(content) % 4 == 0


def test_the_containers_id_is_in_its_url() -> None:
    assert container_id("https://aaaa-bbbb.skerry.localhost:20002/") == "bbbb"
    assert container_id("https://aaaa-bbbb-api.skerry.localhost/") == "bbbb"
