#!/bin/sh
# Makes of a host one that site.yml has set up just now: nothing that it remembered, and nothing of the pool, is left.
# What is written once on a host is written anew: secret, authority, the key of systemd's credentials.
set -e
systemctl stop skerry-engine.socket skerry-engine.service
for unit in $(systemctl list-units --all --plain --no-legend 'skerry-????????????????????????.service' | awk '{print $1}'); do
    systemctl kill --signal KILL "$unit" || true
    systemctl stop "$unit"
done
for mount in /run/skerry/images/*; do
    [ ! -d "$mount" ] || { umount "$mount" && rmdir "$mount"; }
done
cd /var/lib/skerry/pool
for place in c/* v/* kept/* s/*/*; do
    [ ! -d "$place" ] || btrfs --quiet subvolume delete --recursive "$place"
done
rm -rf specs images/* /run/skerry/c/* /run/skerry/restore /var/lib/skerry/restore* /var/lib/skerry/secret* /var/lib/skerry/state.db*
rm -f /var/lib/systemd/credential.secret /etc/skerry/pki/*
systemd-creds --quiet setup 2>/dev/null
python3 -I -m skerry.pki internal --domain "$(sed -n 's/^domain = "\(.*\)"/\1/p' /etc/skerry/engine.toml)" > /dev/null
systemctl start skerry-engine.socket skerry-engine.service
