"""Kernels that are bad: the running one under other names, and what is wrong with each. Shell scripts for the machine."""

import json

import pytest

from skerry_base.core.run import CommandError
from tests.install.trials import Server

MAKE = """
version=$(uname -r)
cp -al /lib/modules/$version /lib/modules/$version-bad
for name in vmlinuz initrd.img config; do ln /boot/$name-$version /boot/$name-$version-bad; done
update-grub
"""
"""It lacks nothing; what befalls it is made for each trial."""

_CRIPPLE = """
version=$(uname -r)
cp -al /lib/modules/$version /lib/modules/$version-nonic
for name in vmlinuz initrd.img config; do ln /boot/$name-$version /boot/$name-$version-nonic; done
find /lib/modules/$version-nonic -name 'virtio_net.ko*' -delete
depmod $version-nonic
"""
_REMOVE_CRIPPLED = "rm -r /lib/modules/*-nonic /boot/*-nonic"

PANIC = """
cat >/etc/systemd/system/panic.service <<'END'
[Unit]
DefaultDependencies=no
ConditionKernelCommandLine=skerry.trial
[Service]
ExecStart=sh -c 'echo c >/proc/sysrq-trigger'
[Install]
WantedBy=sysinit.target
END
systemctl --quiet enable panic.service
"""
"""As early as systemd starts anything, on a trial boot only."""

PANIC_AT_ONCE = (
    "sed -i '/^[[:space:]]*linux/s|$| rdinit=/none root=/dev/none|' /boot*/grub/skerry-trial.cfg; sync"
)
"""The trial's kernel finds neither an initramfs to run nor a root."""

NOT_THERE = "sed -i 's|/initrd.img-|/none-|' /boot*/grub/skerry-trial.cfg; sync"
"""GRUB can't start the trial's kernel."""

HANG = """
cd $(mktemp -d)
mkdir -p conf/conf.d
cat >conf/conf.d/hang <<'END'
{
    sleep 45
    echo 4 >/proc/sys/kernel/printk
    echo '<3>hang: nothing runs from now on' >/dev/kmsg
    while :; do kill -STOP -1; sleep 1; done
} &
END
find . | cpio --quiet -o -H newc -R 0:0 >/boot/hang.cpio
for boot in /boot*; do
    [ $boot = /boot ] || cp /boot/hang.cpio $boot
    sed -i '/^[[:space:]]*initrd/s|$| /hang.cpio|' $boot/grub/skerry-trial.cfg
done
sync
"""
"""The trial's initramfs stops every process, the one that feeds the watchdog as well, 45 s after it began.

What asks for the passphrase keeps the kernel's log off the console until then.
"""

REMOVE = """
systemctl --quiet disable panic.service || true
rm -rf /etc/systemd/system/panic.service /boot*/hang.cpio /lib/modules/*-bad /lib/modules/*-nonic /boot/*-bad /boot/*-nonic
update-grub
"""


def see_it_refused(server: Server, old: str) -> None:
    """The running kernel without the driver of the network card is refused by that driver's name."""
    version = f"{old}-nonic"
    server.shell(_CRIPPLE)
    try:
        answer = json.loads(server.run(f"skerry-boot fit {version} --json || true"))
        with pytest.raises(CommandError, match="does not fit this machine"):
            server.run("skerry-boot", "trial", version)
    finally:
        server.shell(_REMOVE_CRIPPLED)
    assert not answer["fits"]
    (lack,) = [one for one in answer["lacks"] if one["name"] == "virtio_net"]
    assert lack["refused"]
    assert lack["text"].startswith("the default route's network card ")
    assert "next_entry=skerry-trial" not in server.run("cat /boot*/grub/grubenv")
