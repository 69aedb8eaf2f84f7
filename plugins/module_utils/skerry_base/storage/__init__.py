"""Disks, encryption and mirror: what is wanted, what is there, what is refused, what is done."""
