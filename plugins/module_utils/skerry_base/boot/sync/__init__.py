"""Both disks of a mirror have the same /boot."""
