"""From blank disks to mounted, encrypted file systems: what is wanted, what is there, what is refused, what is done."""
