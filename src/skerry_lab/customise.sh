#!/bin/sh
# Finishes a lab's Debian root, from inside it. What differs between two labs of one image (host keys, machine id, the
# user's key) comes later.
set -eu

echo 'LANG=C.UTF-8' >/etc/default/locale
echo skerry-lab >/etc/hostname
cat >/etc/hosts <<'END'
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
END

# A key of its own for each lab, never one baked into an image.
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id

cat >/etc/ssh/sshd_config.d/00-lab.conf <<'END'
# Who polls a booting machine must not be locked out for it.
PerSourcePenalties no
UseDNS no
PermitRootLogin prohibit-password
END

# Both kinds have the same network: 10.0.2.0/24, this machine .100, gateway .2, name server .3.
mkdir -p /etc/systemd/resolved.conf.d
cat >/etc/systemd/resolved.conf.d/00-lab.conf <<'END'
[Resolve]
DNS=10.0.2.3
END
[ -e /lib/systemd/systemd-resolved ] || echo 'nameserver 10.0.2.3' >/etc/resolv.conf

# Nothing may start an upgrade, or hold apt's lock, in the middle of a test.
rm -f /etc/systemd/system/timers.target.wants/apt-daily*.timer
rm -f /etc/systemd/system/timers.target.wants/dpkg-db-backup.timer

# Else the first boot rebuilds what has just been built.
touch /etc/.updated /var/.updated

[ -e /lab/host ] || exit 0

# The metal lab's disk: its network, and the image's keys. Each lab gets keys of its own at its first login.
install -d -m 0700 /root/.ssh
install -m 0600 /lab/login.pub /root/.ssh/authorized_keys
install -m 0600 /lab/host /etc/ssh/ssh_host_ed25519_key
install -m 0644 /lab/host.pub /etc/ssh/ssh_host_ed25519_key.pub
cat >/etc/systemd/network/20-lab.network <<'END'
[Match]
Type=ether
Kind=!veth bridge

[Network]
Address=10.0.2.100/24
Gateway=10.0.2.2
DNS=10.0.2.3
Address=fd00::100/64
Gateway=fe80::2
IPv6AcceptRA=no
LinkLocalAddressing=ipv6
END
ln -s /usr/lib/systemd/system/systemd-networkd.service /etc/systemd/system/multi-user.target.wants/
# `lab console` is for when the network is broken: no password.
mkdir -p /etc/systemd/system/serial-getty@ttyS0.service.d
cat >/etc/systemd/system/serial-getty@ttyS0.service.d/lab.conf <<'END'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --noreset --noclear - ${TERM}
END
echo '/dev/vda / ext4 noatime,discard 0 1' >/etc/fstab
