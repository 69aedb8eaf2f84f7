"""The kernel's merging of equal memory (KSM)."""

from pathlib import Path

_RUN = Path("/sys/kernel/mm/ksm/run")


def runs() -> bool:
    """Whether the kernel merges what is marked for it."""
    try:
        return _RUN.read_text(encoding="ascii").strip() == "1"
    except OSError:
        return False
