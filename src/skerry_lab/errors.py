"""The one error the lab raises on purpose."""


class LabError(Exception):
    """What was wrong, where, and what would be right; shown to the user as it is."""
