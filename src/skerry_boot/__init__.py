"""Disks and booting, on the machine itself. Standard library only: modules carry it, and rescue systems run it."""
