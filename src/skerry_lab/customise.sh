#!/bin/sh
# Finishes a lab's Debian root (mmdebstrap calls it with the root's path). What differs between two labs of one
# image (host keys, machine id, the user's key) comes later.
set -eu
root=$1

echo 'LANG=C.UTF-8' >"$root/etc/default/locale"
echo skerry-lab >"$root/etc/hostname"
cat >"$root/etc/hosts" <<'END'
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
END

# A key of its own for each lab, never one baked into an image.
rm -f "$root"/etc/ssh/ssh_host_*
: >"$root/etc/machine-id"

cat >"$root/etc/ssh/sshd_config.d/00-lab.conf" <<'END'
# Who polls a booting machine must not be locked out for it.
PerSourcePenalties no
UseDNS no
PermitRootLogin prohibit-password
END

# Both kinds have the same network: 10.0.2.0/24, this machine .100, gateway .2, name server .3.
mkdir -p "$root/etc/systemd/resolved.conf.d"
cat >"$root/etc/systemd/resolved.conf.d/00-lab.conf" <<'END'
[Resolve]
DNS=10.0.2.3
END
[ -e "$root/lib/systemd/systemd-resolved" ] || echo 'nameserver 10.0.2.3' >"$root/etc/resolv.conf"

# Nothing may start an upgrade, or hold apt's lock, in the middle of a test.
rm -f "$root"/etc/systemd/system/timers.target.wants/apt-daily*.timer
rm -f "$root"/etc/systemd/system/timers.target.wants/dpkg-db-backup.timer

# Else the first boot rebuilds what mmdebstrap has just built.
touch "$root/etc/.updated" "$root/var/.updated"

# The metal lab's disk: its network, and the image's keys. Each lab gets keys of its own at its first login.
if [ -n "${SKERRY_LAB_KEYS-}" ]; then
	mkdir -p -m 0700 "$root/root/.ssh"
	cp "$SKERRY_LAB_KEYS/login.pub" "$root/root/.ssh/authorized_keys"
	cp "$SKERRY_LAB_KEYS/host" "$root/etc/ssh/ssh_host_ed25519_key"
	cp "$SKERRY_LAB_KEYS/host.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
	chmod 0600 "$root/etc/ssh/ssh_host_ed25519_key"
	cat >"$root/etc/systemd/network/20-lab.network" <<'END'
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
	ln -s /usr/lib/systemd/system/systemd-networkd.service \
		"$root/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
	# `lab console` is for when the network is broken: no password.
	mkdir -p "$root/etc/systemd/system/serial-getty@ttyS0.service.d"
	cat >"$root/etc/systemd/system/serial-getty@ttyS0.service.d/lab.conf" <<'END'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --noreset --noclear - ${TERM}
END
	echo '/dev/vda / ext4 noatime,discard 0 1' >"$root/etc/fstab"
fi
