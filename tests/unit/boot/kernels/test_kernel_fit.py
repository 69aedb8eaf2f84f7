"""Which kernel fits: what one lacks is named, and refused where the machine would not come back without it."""

import pytest

from skerry_base.boot.initramfs.image import Entry, Image
from skerry_base.boot.kernels.devices import Device, present
from skerry_base.boot.kernels.fit import lacking, named, unguarded, watchdogs
from skerry_base.boot.kernels.platform import NEEDS, Need
from skerry_base.boot.kernels.tables import Tables, names, symbols

CARD = Device("pci/net", "virtio:net", True, "virtio_net", "the default route's network card ens3")
DISK = Device("pci/disk", "virtio:blk", True, "virtio_blk", "the root's disk vda")
SPEAKER = Device("platform/pcspkr", "platform:pcspkr", True, "pcspkr")
IDLE = Device("pci/sound", "pci:sound", False)
NAMELESS = Device("platform/timer", "platform:timer", True, "")


def kernel(*modules, drivers=None, on=(), guards=(), built_in=()):
    every = frozenset({"softdog", *modules})
    return Tables("6.12", frozenset(on), every, every - set(built_in), frozenset(guards), drivers or {})


@pytest.mark.parametrize(
    ("has", "drivers", "refused", "noted"),
    [
        pytest.param(("virtio_net", "virtio_blk"), {}, [], ["pcspkr"], id="by the driver's name"),
        pytest.param(
            ("other_net", "virtio_blk", "pcspkr"), {"virtio:net": ("other_net",)}, [], [], id="by its tables"
        ),
        pytest.param(("virtio_blk",), {}, ["virtio_net"], ["pcspkr"], id="no driver for the card"),
        pytest.param(("virtio_net", "pcspkr"), {}, ["virtio_blk"], [], id="no driver for the disk"),
        pytest.param(
            ("virtio_blk", "pcspkr"),
            {"virtio:net": ("virtio_net",)},
            ["virtio_net"],
            [],
            id="named, not there",
        ),
    ],
)
def test_devices(has, drivers, refused, noted):
    now = kernel("virtio_net", "virtio_blk", "pcspkr", "sound")
    devices = named([CARD, DISK, SPEAKER, IDLE, NAMELESS], now)
    lacks = lacking(kernel(*has, drivers=drivers), devices, [])
    assert [lack.name for lack in lacks if lack.refused] == refused
    assert [lack.name for lack in lacks if not lack.refused] == noted


@pytest.mark.parametrize(
    ("module", "alias", "name"),
    [
        ("virtio_net", "virtio:net", "virtio_net"),
        # Part of the running kernel, which tells no name, but its tables do.
        ("", "virtio:net", "virtio_net"),
        # No module in any kernel.
        ("", "pci:bridge", None),
        ("pcieport", "pci:bridge", None),
    ],
)
def test_a_device_is_known_by_its_driver_in_the_running_kernel(module, alias, name):
    now = kernel("virtio_net", drivers={"virtio:net": ("virtio_net",)})
    found = list(named([Device("x", alias, True, module)], now))
    assert [one.module for one in found] == ([name] if name else [])


def test_it_is_said_what_would_not_work():
    (lack,) = lacking(kernel(), [CARD], [])
    assert lack.text.startswith("the default route's network card ens3 would not work")


def test_a_need_is_a_module_wherever_it_lies_or_an_option():
    need = Need("nftables on bridges", "spoofed packets", ("nft_meta_bridge",), ("NF_TABLES_BRIDGE",))
    assert lacking(kernel("nft_meta_bridge", on=["NF_TABLES_BRIDGE"]), [], [need]) == []
    lacks = lacking(kernel(), [], [need])
    assert [lack.name for lack in lacks] == ["nft_meta_bridge", "CONFIG_NF_TABLES_BRIDGE"]
    assert all(lack.refused for lack in lacks)


def test_a_kernel_without_a_watchdog_is_refused():
    none = frozenset()
    bare = Tables("6.12", none, none, none, none, {})
    assert [lack.name for lack in lacking(bare, [], [])] == ["softdog"]


SOFTDOG, GUARD = "usr/lib/modules/6.12/kernel/drivers/watchdog/softdog.ko.xz", "usr/lib/skerry/trial"


@pytest.mark.parametrize(
    ("inside", "built_in", "now", "lacks"),
    [
        ((SOFTDOG, GUARD), (), b"now", []),
        ((GUARD,), (), b"now", ["softdog"]),
        ((GUARD,), ("softdog",), b"now", []),
        ((SOFTDOG,), (), b"now", ["trial"]),
        ((SOFTDOG, GUARD), (), b"newer", ["trial"]),
    ],
)
def test_an_initramfs_that_can_not_guard_a_trial_is_refused(inside, built_in, now, lacks):
    image = Image("x", 0o600, 0, 1, {path: Entry(path, 0o100755, 0, 3, b"now") for path in inside})
    assert [lack.name for lack in unguarded(kernel(built_in=built_in), image, now)] == lacks


def test_the_machines_own_watchdog_comes_first():
    timer = Device("pci/lpc", "pci:lpc", False)
    found = kernel(
        "iTCO_wdt", "lpc_ich", drivers={"pci:lpc": ("lpc_ich", "iTCO_wdt")}, guards=["iTCO_wdt", "softdog"]
    )
    assert watchdogs(found, [timer, CARD]) == ("iTCO_wdt", "softdog")
    assert watchdogs(kernel(), [timer]) == ("softdog",)


def test_what_is_read_of_a_configuration():
    assert symbols("CONFIG_KSM=y\nCONFIG_BTRFS_FS=m\n# CONFIG_FOO is not set\nCONFIG_HZ=250\n") == {
        "KSM",
        "BTRFS_FS",
    }


def test_what_is_read_of_the_lists_of_modules():
    lines = [
        "kernel/fs/btrfs/btrfs.ko.xz: kernel/lib/raid6/raid6_pq.ko.xz",
        "kernel/drivers/nvme/host/nvme-core.ko",
        "",
    ]
    assert names(lines) == {"btrfs", "nvme_core"}


def test_the_needs_are_named_once():
    every = [name for need in NEEDS for name in (*need.modules, *need.symbols)]
    assert len(every) == len(set(every))


def test_devices_are_read_with_what_they_serve(tmp_path, monkeypatch):
    place = tmp_path / "sys/devices/pci0/card/virtio0"
    (place / "net/ens3").mkdir(parents=True)
    (place / "modalias").write_text("virtio:net\n")
    (place.parent / "modalias").write_text("pci:card\n")
    (tmp_path / "sys/bus/pci").mkdir(parents=True)
    (place.parent / "subsystem").symlink_to(tmp_path / "sys/bus/pci")
    (place.parents[1] / "modalias").write_text("pci:bridge\n")
    (tmp_path / "sys/module/virtio_net").mkdir(parents=True)
    (tmp_path / "sys/drv").mkdir()
    (tmp_path / "sys/drv/module").symlink_to(tmp_path / "sys/module/virtio_net")
    (place / "driver").symlink_to(tmp_path / "sys/drv")
    (place / "net/ens3/device").symlink_to(place)
    (tmp_path / "sys/class/net").mkdir(parents=True)
    (tmp_path / "sys/class/net/ens3").symlink_to(place / "net/ens3")
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/route").write_text("head\nens3 00000000 0102000A 0003 0 0 0 00000000 0 0 0\n")
    monkeypatch.setattr("skerry_base.boot.kernels.devices.root_layers", lambda _root: ())
    found = present(tmp_path / "sys", tmp_path / "proc")
    serves = "the default route's network card ens3"
    assert found == (
        Device("pci0", "pci:bridge", False),
        Device("pci0/card", "pci:card", False, "", serves),
        Device("pci0/card/virtio0", "virtio:net", True, "virtio_net", serves),
    )
