"""What goes wrong on the way to a kernel; shown to the user as it is."""

from skerry_lab.errors import LabError


class KernelError(LabError):
    """What was wrong, where, and what would be right."""
