#!/bin/sh
# Runs a command in the tool chain's root: sandbox.sh ROOT SOURCE BUILD CCACHE PRIVATE COMMAND…
# It is started in namespaces of its own (mounts, processes, no network), so all that is mounted here ends with it.
# SOURCE is /build/src there, read-only; BUILD is /build, CCACHE the compiler's cache. PRIVATE/* is copied into memory,
# where the signing key lives as well: that never touches the disk, and is gone with the command.
set -eu
root=$1 source=$2 build=$3 ccache=$4 private=$5
shift 5

cd "$root"
mkdir -p build ccache private proc dev "$build/src"
mount --bind "$build" build
mount --bind "$source" build/src
mount -o remount,bind,ro build/src
mount --bind "$ccache" ccache
mount -t tmpfs -o mode=700,size=4m private private
for file in "$private"/*; do
	[ ! -e "$file" ] || cp "$file" private/
done
mount -t tmpfs -o mode=1777 tmp tmp
mount -t proc proc proc
mount -t tmpfs -o mode=755,size=4m dev dev
for node in null zero full random urandom; do
	: >"dev/$node"
	mount --bind "/dev/$node" "dev/$node"
done
ln -s /proc/self/fd dev/fd

exec chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/private LC_ALL=C.UTF-8 TZ=UTC \
	CCACHE_DIR=/ccache CCACHE_COMPILERCHECK=content CCACHE_MAXSIZE=2G CCACHE_DEPEND=1 "$@"
