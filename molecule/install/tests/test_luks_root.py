"""Disks of the unlocked server: everything but /boot is encrypted, with which keys, mounted how."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

PARTITIONS = {1: "bios", 2: "esp", 3: "boot", 4: "swap", 5: "tmp", 7: "root"}
"""Number → name; 6 is there where crash dumps are wanted."""
SUBVOLUMES = {"/": "/@", "/home": "/@home", "/var/log": "/@var_log", "/var/lib/skerry/pool": "/@skerry_pool"}
IN_CLEAR = {"/boot", "/boot/efi"}
AES_512 = r"cipher=aes-xts-plain64,size=512,sector-size=(512|4096)"
# What the machine says, in one login: each costs seconds where everything is emulated.
ASK = """
lsblk --json --bytes --output NAME,TYPE,PARTN,PARTLABEL,PARTUUID,UUID,FSTYPE,MOUNTPOINTS
findmnt --json --list --real --output TARGET,SOURCE,FSTYPE,OPTIONS
cryptsetup luksDump --dump-json-metadata /dev/disk/by-partlabel/skerry-root0
"""


@pytest.fixture(scope="module")
def told(host: Host) -> list[dict[str, Any]]:
    """Disks, mounts, LUKS header: three JSON documents."""
    text, decoder, found = host.check_output(ASK), json.JSONDecoder(), []
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


@pytest.fixture(scope="module")
def disk(told: list[dict[str, Any]]) -> dict[str, Any]:
    """The one disk, with all that lies on it."""
    [found] = [one for one in told[0]["blockdevices"] if one["type"] == "disk"]
    return dict(found)


@pytest.fixture(scope="module")
def parts(disk: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The partitions by their names, without `skerry-` and the number of the disk."""
    return {one["partlabel"][len("skerry-") : -1]: one for one in disk["children"]}


@pytest.fixture(scope="module")
def mounts(told: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """What is mounted from a device, by its place."""
    return {one["target"]: one for one in told[1]["filesystems"] if one["source"].startswith("/dev/")}


@pytest.fixture(scope="module")
def tables(host: Host) -> dict[str, list[str]]:
    """The lines of crypttab and fstab: name or source → the other columns."""
    lines = host.check_output("cat /etc/crypttab /etc/fstab").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {row[0] if "_crypt" in row[0] and "/" not in row[0] else row[1]: row for row in rows}


def test_the_disk_is_divided_as_for_both_firmwares(disk: dict[str, Any]) -> None:
    assert {one["partn"]: one["partlabel"] for one in disk["children"]} == {
        number: f"skerry-{name}0" for number, name in PARTITIONS.items()
    }


def test_root_is_luks2_with_a_512_bit_key_behind_argon2id(
    host: Host, told: list[dict[str, Any]], parts: dict[str, dict[str, Any]]
) -> None:
    assert parts["root"]["fstype"] == "crypto_LUKS"
    header = told[2]
    [segment] = header["segments"].values()
    assert segment["encryption"] == "aes-xts-plain64"
    [slot] = header["keyslots"].values()
    assert (slot["key_size"], slot["kdf"]["type"], slot["area"]["encryption"]) == (
        64,
        "argon2id",
        "aes-xts-plain64",
    )
    assert slot["kdf"]["memory"] <= int(host.check_output("awk '/MemTotal/ {print $2}' /proc/meminfo")) / 4
    status = host.check_output("cryptsetup status root_crypt")
    for line in (r"type: +LUKS2", r"cipher: +aes-xts-plain64", r"keysize: +512 \[?bits"):
        assert re.search(line, status), status
    assert re.search(r"flags: .*no_read_workqueue no_write_workqueue", status), status
    assert "discards" not in status


def test_swap_and_tmp_have_keys_of_their_own_that_no_file_holds(
    host: Host, tables: dict[str, list[str]], parts: dict[str, dict[str, Any]]
) -> None:
    rows = host.check_output("dmsetup table --showkeys --target crypt").splitlines()
    found = {row.split(":")[0]: row.split()[4:6] for row in rows}
    assert set(found) == {"root_crypt", "swap_crypt", "tmp_crypt"}
    assert {cipher for cipher, _ in found.values()} == {"aes-xts-plain64"}
    keys = [found[name][1] for name in ("swap_crypt", "tmp_crypt")]
    assert [len(key) for key in keys] == [128, 128]
    assert keys[0] != keys[1]
    for name, use in (("swap", "swap"), ("tmp", "tmp=ext4")):
        _, source, key, options = tables[f"{name}_crypt"]
        assert (source, key) == (f"PARTUUID={parts[name]['partuuid']}", "/dev/urandom")
        assert re.fullmatch(f"plain,{use},{AES_512}", options)
        assert parts[name]["fstype"] is None  # nothing that could be read without the key


def test_crypttab_waits_for_a_passphrase_however_often_one_is_wrong(
    tables: dict[str, list[str]], parts: dict[str, dict[str, Any]]
) -> None:
    _, source, key, options = tables["root_crypt"]
    assert (source, key) == (f"UUID={parts['root']['uuid']}", "none")
    assert options == "luks,initramfs,tries=0,no-read-workqueue,no-write-workqueue"


def test_all_that_swaps_is_encrypted(host: Host) -> None:
    assert host.check_output("swapon --noheadings --raw --show=NAME,TYPE").split() == [
        host.check_output("readlink --canonicalize /dev/mapper/swap_crypt"),
        "partition",
    ]
    assert host.check_output("cat /sys/power/resume") == "0:0"


def test_all_that_is_mounted_is_encrypted_but_boot(mounts: dict[str, dict[str, str]]) -> None:
    sources = {place: one["source"].partition("[")[0] for place, one in mounts.items()}
    assert {place for place, source in sources.items() if not source.startswith("/dev/mapper/")} == IN_CLEAR
    assert {sources[place] for place in SUBVOLUMES} == {"/dev/mapper/root_crypt"}
    assert sources["/tmp"] == "/dev/mapper/tmp_crypt"


def test_each_is_mounted_as_fstab_says(
    mounts: dict[str, dict[str, str]], tables: dict[str, list[str]], parts: dict[str, dict[str, Any]]
) -> None:
    def options(place: str) -> set[str]:
        return set(mounts[place]["options"].split(","))

    for place, subvolume in SUBVOLUMES.items():
        assert mounts[place]["fstype"] == "btrfs"
        assert {"noatime", "compress=zstd:1", f"subvol={subvolume}"} <= options(place)
    assert {"nosuid", "nodev"} <= options("/var/lib/skerry/pool")
    assert mounts["/tmp"]["fstype"] == "ext4"
    assert {"nosuid", "nodev", "noatime"} <= options("/tmp")
    assert "nofail" not in tables["/tmp"][3]
    assert {"fmask=0077", "dmask=0077"} <= options("/boot/efi")
    assert [mounts[place]["fstype"] for place in sorted(IN_CLEAR)] == ["ext4", "vfat"]
    for place, name in (("/boot", "boot"), ("/boot/efi", "esp")):
        assert tables[place][0] == f"UUID={parts[name]['uuid']}"


def test_the_pool_is_not_compressed(host: Host) -> None:
    """Its images are so by themselves."""
    assert "m" in host.check_output("lsattr -d /var/lib/skerry/pool").split()[0]


def test_it_is_known_what_was_installed_and_no_file_knows_the_passphrase(
    host: Host, parts: dict[str, dict[str, Any]]
) -> None:
    file, known = host.file("/etc/skerry/install.json"), host.ansible.get_variables()
    record = json.loads(file.content_string)
    assert record["disks"] == known["luks_root_disks"]
    assert record["mac"] == known["lab_mac"]
    assert record["layout"]["luks"] == parts["root"]["uuid"]
    assert record["layout"]["root"] == host.check_output("findmnt --noheadings --output UUID --mountpoint /")
    secret = Path(known["lab_passphrase_file"]).read_text(encoding="ascii")
    assert host.run(f"grep --recursive --fixed-strings --quiet {secret} /etc /boot").rc == 1


def test_no_unit_failed(host: Host) -> None:
    assert host.check_output("systemctl is-system-running") == "running"
