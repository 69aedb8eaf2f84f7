"""The seam: the only code that touches the machine. Tests replace it or forbid it."""
