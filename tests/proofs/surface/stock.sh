#!/bin/sh
# Installs Debian's own package lxc, and runs the probe in an unprivileged container as it sets one up, from the root file
# system that its standard input is (a tarball, zstd). On the host, as root; prints what the probe found.
# What the host loads for a container has been loaded for another run of it before; /run/surface/modules.before has it.
set -eu
cd /run/surface
home=/var/lib/lxc/surface
export DEBIAN_FRONTEND=noninteractive
{ apt-get -qq update && apt-get -qq --no-install-recommends install apparmor lxc lxcfs uidmap xz-utils zstd; } >&2 </dev/null
usermod --add-subuids 100000-165535 --add-subgids 100000-165535 root
mkdir -p "$home/rootfs"
chmod 0755 /var/lib/lxc "$home"
chown 100000:100000 "$home/rootfs"
inside() { lxc-usernsexec -m b:0:100000:65536 -- "$@"; }
zstd -dc | inside tar -C "$home/rootfs" --exclude='./dev/*' -xpf -
inside tar -C "$home/rootfs" -xf - <extra.tar

# Its own default, but the interface is tied to no bridge: there may be none.
{
    echo 'lxc.include = /usr/share/lxc/config/common.conf'
    echo 'lxc.include = /usr/share/lxc/config/userns.conf'
    grep -v '^lxc.net.0.link' /etc/lxc/default.conf
    echo 'lxc.idmap = u 0 100000 65536'
    echo 'lxc.idmap = g 0 100000 65536'
    echo "lxc.rootfs.path = dir:$home/rootfs"
    echo 'lxc.uts.name = surface'
} >"$home/config"
start() { lxc-start -n surface -F -- "$@" </dev/null >&2; }
start /bin/true
cp /proc/modules modules.before
# What a container's own first program says is lost, and lxc-start takes its failure for an end like any other.
start /bin/sh -c 'exec /usr/bin/python3 /surface/inside.py 2>/surface/problem'
cat "$home/rootfs/surface/problem" >&2
cat "$home/rootfs/surface/found.json"
