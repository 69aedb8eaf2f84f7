"""What a server is below the engine: core, storage, boot, hardening. Standard library only; Ansible's modules carry it.

`src/skerry_base` is a link to this folder. Modules carry it below a name of their own, so its imports are relative.
"""
