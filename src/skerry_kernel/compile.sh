#!/bin/sh
# Compiles a configured kernel, signs its modules and packs it: compile.sh JOBS FLAGS RELEASE VERSION EPOCH COMPILER
# It runs inside the tool chain. Killed and started again, it goes on where it was: with a new signing key, so that the
# kernel is linked anew and all modules are signed anew.
set -eu
jobs=$1 flags=$2 release=$3 version=$4 epoch=$5 compiler=$6
cd /build
key=/private/signing.pem
package=/build/package out=/build/out

if [ ! -e "$key" ]; then
	openssl req -new -x509 -nodes -utf8 -batch -sha512 -newkey rsa:4096 -days 36500 -subj "/O=Skerry/CN=Key of one build" \
		-addext basicConstraints=critical,CA:FALSE -addext keyUsage=digitalSignature -keyout "$key.new" -out "$key.crt"
	cat "$key.crt" >>"$key.new"
	mv "$key.new" "$key"
fi

KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$epoch")
export KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER=skerry KBUILD_BUILD_HOST=build KBUILD_BUILD_VERSION=1
export SOURCE_DATE_EPOCH="$epoch"
umask 022

kernel_make() {
	make -C /build/src O=/build/obj -j"$jobs" CC="$compiler" KCFLAGS="$flags" LOCALVERSION="-${release##*-}" "$@"
}

# Whether an image holds a certificate, byte by byte.
trusts() {
	openssl x509 -in "$2" -outform der -out /private/crt.der
	python3 -c 'import sys; image, certificate = (open(name, "rb").read() for name in sys.argv[1:]); sys.exit(certificate not in image)' \
		"$1" /private/crt.der
}

kernel_make bzImage modules
if ! trusts obj/vmlinux "$key"; then
	echo "this kernel does not hold the key that its modules are signed with" >&2
	exit 1
fi
rm -rf "$package" "$out"
mkdir -p "$package/boot" "$package/DEBIAN" "$out"
kernel_make INSTALL_MOD_PATH="$package/usr" INSTALL_MOD_STRIP=1 modules_install
rm -f "$package/usr/lib/modules/$release/build" "$package/usr/lib/modules/$release/source"
install -m 0600 obj/arch/x86/boot/bzImage "$package/boot/vmlinuz-$release"
install -m 0600 obj/.config "$package/boot/config-$release"

cat >"$package/DEBIAN/control" <<END
Package: linux-image-$release
Version: $version
Architecture: amd64
Maintainer: Skerry <skerry@localhost>
Section: kernel
Priority: optional
Depends: kmod, linux-base
Installed-Size: $(du --apparent-size -k -s "$package/usr" "$package/boot" | awk '{ sum += $1 } END { print sum }')
Description: Linux $release, hardened by Skerry
 Built from Debian's source package of version $version. Only modules of this very build are loaded.
END

# What Debian's own kernels do: programs of others make the initramfs and tell the boot loader.
for script in preinst postinst prerm postrm; do
	cat >"$package/DEBIAN/$script" <<END
#!/bin/sh
set -e
export DEB_MAINT_PARAMS="\$*"
END
	[ "$script" != prerm ] || cat >>"$package/DEBIAN/$script" <<END
[ "\$1" != remove ] || linux-check-removal $release
END
	cat >>"$package/DEBIAN/$script" <<END
if [ -d /etc/kernel/$script.d ]; then
	run-parts --report --exit-on-error --arg=$release --arg=/boot/vmlinuz-$release /etc/kernel/$script.d
fi
END
	chmod 0755 "$package/DEBIAN/$script"
done
(cd "$package" && find boot usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$package/DEBIAN/md5sums"
dpkg-deb --root-owner-group --build "$package" "$out"

install -m 0600 obj/System.map "$out/System.map"
cp obj/.config "$out/config"
cp obj/arch/x86/boot/bzImage "$out/vmlinuz"
{
	echo "compiler=$(gcc --version | head -n 1)"
	echo "linker=$(ld --version | head -n 1)"
	echo "module_key=$(openssl x509 -in "$key" -noout -fingerprint -sha256 | cut -d= -f2)"
	echo "modules=$(find "$package" -name '*.ko*' | wc -l)"
} >"$out/facts"
