"""Every setting. The role, the check and the page docs/reference/hardening.md read this one table."""

from __future__ import annotations

from .kernel import COMMAND_LINE, LOCK, MODULES, SYSCTLS
from .programs import AUDIT, FILES, MANAGER, MOUNTS, SESSIONS, SSHD

__all__ = ["COMMAND_LINE", "SETTINGS"]

SETTINGS = (
    *COMMAND_LINE, *SYSCTLS, *MODULES, *LOCK, *MOUNTS, *SSHD, *AUDIT, *MANAGER, *SESSIONS, *FILES,
)  # fmt: skip
"""In the order in which they are shown."""
