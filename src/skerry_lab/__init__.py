"""The lab: Debian 13 machines on this computer that stand for servers.

Two kinds behind one interface: `fast` (systemd-nspawn, native speed) and `metal` (QEMU, boots like a server).
Standard library only, so that it runs before any virtual environment exists.
"""
