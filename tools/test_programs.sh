#!/bin/sh
# Programs that tests on this computer start themselves: the firewall's packets fly in its own network namespaces,
# a real ssh server of an initramfs is unlocked, the header of a disk is encrypted, and a kernel is built.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
missing=
command -v nft >/dev/null || missing="$missing nftables"
command -v ip >/dev/null || missing="$missing iproute2"
command -v unshare >/dev/null || missing="$missing util-linux"
command -v dropbear >/dev/null || missing="$missing dropbear-bin"
command -v age >/dev/null || missing="$missing age"
command -v mmdebstrap >/dev/null || missing="$missing mmdebstrap"
command -v openssl >/dev/null || missing="$missing openssl"
command -v xz >/dev/null || missing="$missing xz-utils"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "The tests need more programs. As root: apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
# Suites may run side by side: apt-get waits for dpkg's lock, but not for that of its package lists.
flock /run/lock/skerry-apt apt-get update --quiet=2
# shellcheck disable=SC2086 # a list of words
apt-get install --yes --quiet=2 -o DPkg::Lock::Timeout=600 --no-install-recommends $missing
