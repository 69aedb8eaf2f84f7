#!/bin/sh
# Finishes the rescue system's Debian root, from inside it: a few lines of shell are its init, for systemd costs 45 s
# of emulation. What differs between two labs (host key, the user's key, host name) comes with the initial RAM disk.
set -eu

rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
: >/etc/fstab
echo 'nameserver 10.0.2.3' >/etc/resolv.conf
echo '127.0.0.1 localhost' >/etc/hosts
mkdir -p /rescue/medium /rescue/memory /root/.ssh

cat >/etc/ssh/sshd_config.d/00-lab.conf <<'END'
# Who polls a booting machine must not be locked out for it.
PerSourcePenalties no
UseDNS no
UsePAM no
PermitRootLogin prohibit-password
END

# Emulated, each module costs a tenth of a second or more; these serve nothing here.
for module in ata_generic ata_piix efi_pstore evdev kvm_amd kvm_intel serio_raw; do
    echo "blacklist $module"
done >/etc/modprobe.d/lab.conf

cat >/usr/sbin/rescue-init <<'END'
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root TERM=linux
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t devtmpfs -o nosuid,mode=755 dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev shm /dev/shm
mount -t tmpfs -o nosuid,nodev,mode=755 run /run
mkdir -p /run/sshd /run/lock
hostname --file /etc/hostname
[ ! -d /sys/firmware/efi ] || mount -t efivarfs efivarfs /sys/firmware/efi/efivars
/usr/lib/systemd/systemd-udevd --daemon
# What carries disks and the network; all of /sys takes 10 s without KVM. Further modules load when they are asked for.
udevadm trigger --action=add --subsystem-match=pci --subsystem-match=virtio --subsystem-match=nvme \
    --subsystem-match=scsi --subsystem-match=block --subsystem-match=net
udevadm settle
ip link set lo up
for nic in $(ls /sys/class/net | grep -v '^lo$'); do
    echo 0 >"/proc/sys/net/ipv6/conf/$nic/accept_ra"
    ip link set "$nic" up
    ip address add 10.0.2.100/24 dev "$nic"
    ip -6 address add fd00::100/64 dev "$nic" nodad
    ip route add default via 10.0.2.2 dev "$nic"
    ip -6 route add default via fe80::2 dev "$nic"
done
/usr/sbin/sshd
while :; do setsid --ctty bash --login </dev/ttyS0 >/dev/ttyS0 2>&1; sleep 1; done
END

cat >/usr/sbin/reboot <<'END'
#!/bin/sh
# Reboots, or powers off where the name or an option says so: a moment later, so that whoever asked gets an answer.
case " ${0##*/} $* " in
*" poweroff "* | *" halt "* | *" -h "* | *" -P "*) key=o ;;
*) key=b ;;
esac
setsid sh -c "sync; sleep 1; echo u >/proc/sysrq-trigger; echo $key >/proc/sysrq-trigger" >/dev/null 2>&1 </dev/null &
END
chmod 0755 /usr/sbin/rescue-init /usr/sbin/reboot
for name in poweroff halt shutdown; do ln -s reboot "/usr/sbin/$name"; done
