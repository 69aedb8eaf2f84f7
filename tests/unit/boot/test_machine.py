"""What is read of /sys and /proc, on trees that look like those of machines."""

from skerry_base.boot.initramfs.kernel import module_name
from skerry_base.boot.initramfs.machine import default_card, device

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"


def node(root, path, alias="", subsystem="", driver=""):
    here = root / "devices" / path
    here.mkdir(parents=True, exist_ok=True)
    if alias:
        (here / "modalias").write_text(alias + "\n")
    for link, place in (
        ("subsystem", subsystem and f"bus/{subsystem}"),
        ("driver", driver and f"drv/{driver}"),
    ):
        if place:
            (root / place).mkdir(parents=True, exist_ok=True)
            (here / link).symlink_to(root / place)
    if driver:
        (root / "module" / driver).mkdir(parents=True, exist_ok=True)
        (root / "drv" / driver / "module").symlink_to(root / "module" / driver)
    return here


def card(root, name, place):
    here = node(root, f"{place}/net/{name}")
    (here / "device").symlink_to(root / "devices" / place)
    (root / "class/net").mkdir(parents=True, exist_ok=True)
    (root / "class/net" / name).symlink_to(here)


def routes(root, *lines):
    (root / "net").mkdir(exist_ok=True)
    (root / "net/route").write_text(HEAD + "".join(line.replace(" ", "\t") + "\n" for line in lines))


def test_a_virtio_card_hangs_on_pci(tmp_path):
    node(tmp_path, "pci0000:00/0000:00:01.0", "pci:bridge", "pci", "pcieport")
    node(tmp_path, "pci0000:00/0000:00:01.0/0000:01:00.0", "pci:card", "pci", "virtio_pci")
    place = "pci0000:00/0000:00:01.0/0000:01:00.0/virtio0"
    node(tmp_path, place, "virtio:net", "virtio", "virtio_net")
    card(tmp_path, "ens2", place)
    found = device(tmp_path / "class/net/ens2")
    # The bridge above is the kernel's own business.
    assert (found.aliases, found.drivers) == (("virtio:net", "pci:card"), ("virtio_net", "virtio_pci"))


def test_the_default_route_with_the_lowest_metric(tmp_path):
    for name in ("eth0", "eth1"):
        card(tmp_path, name, f"pci/{name}")
    routes(
        tmp_path,
        "eth0 0002000A 00000000 0001 0 0 0 00FFFFFF 0 0 0",
        "eth0 00000000 0102000A 0003 0 0 100 00000000 0 0 0",
        "eth1 00000000 0102000A 0003 0 0 10 00000000 0 0 0",
    )
    assert default_card(tmp_path, tmp_path).name == "eth1"


def test_no_default_route(tmp_path):
    card(tmp_path, "eth0", "pci/eth0")
    routes(tmp_path)
    assert default_card(tmp_path, tmp_path) is None


def test_the_card_below_a_bridge(tmp_path):
    card(tmp_path, "eth0", "pci/eth0")
    bridge = node(tmp_path, "virtual/net/br0")
    (bridge / "lower_eth0").symlink_to(tmp_path / "class/net/eth0")
    (tmp_path / "class/net/br0").symlink_to(bridge)
    routes(tmp_path, "br0 00000000 0102000A 0003 0 0 0 00000000 0 0 0")
    assert default_card(tmp_path, tmp_path).name == "eth0"


def test_names_of_modules():
    assert module_name("/lib/modules/6.12/kernel/nvme-core.ko.xz") == "nvme_core"
    assert module_name("kernel/drivers/md/dm-crypt.ko") == "dm_crypt"
