"""A mirror's life: /boot equal on both disks, how whole it is, and a new disk in a dead one's place."""
