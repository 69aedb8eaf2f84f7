#!/bin/sh
# Breaks the boot of the server whose disks this rescue system has, three times over; /run/passphrase opens it.
set -eu
mkdir -p /mnt/broken
cryptsetup open --key-file /run/passphrase /dev/disk/by-partlabel/skerry-root0 root_crypt
mount -o subvol=@ /dev/mapper/root_crypt /mnt/broken
mount /dev/disk/by-partlabel/skerry-boot0 /mnt/broken/boot
mount /dev/disk/by-partlabel/skerry-esp0 /mnt/broken/boot/efi
cd /mnt/broken

# The boot entry is lost.
rm -r boot/efi/EFI

# The initramfs is without dropbear: it is not called so any more.
python3 - boot/initrd.img-* <<'END'
import subprocess, sys
from pathlib import Path

def zstd(option, data):
    return subprocess.run(["zstd", "-q", option], input=data, stdout=subprocess.PIPE, check=True).stdout

image = Path(sys.argv[1])
data, end = image.read_bytes(), b"TRAILER!!!"
# Archives that are not compressed come first.
packed = data[data.rindex(end) + len(end):].lstrip(b"\0") if end in data else data
without = zstd("-d", packed).replace(b"sbin/dropbear\0", b"sbin/dropbare\0")
image.write_bytes(data[:len(data) - len(packed)] + zstd("-1", without))
END

# The table of encrypted volumes is another server's.
sed -i 's/^root_crypt UUID=[^ ]*/root_crypt UUID=00000000-0000-4000-8000-000000000000/' etc/crypttab

cd /
umount /mnt/broken/boot/efi /mnt/broken/boot /mnt/broken
cryptsetup close root_crypt
rm /run/passphrase
