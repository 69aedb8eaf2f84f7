"""What an installed machine has of hardening: the kernel's words from its first boot on, the rest from site.yml on."""

from skerry_base.hardening.table import COMMAND_LINE
from tests.install.rescue_lab import Machine

PLAY = ("playbooks/host.yml", "--tags", "hardening")
AT_ITS_START = "the kernel's command line is read at its start"
"""Why the role says of a word that it does not hold yet."""


def see_words(machine: Machine) -> None:
    """GRUB handed the kernel every word of the table."""
    assert {one.value for one in COMMAND_LINE} <= set(machine.run("cat /proc/cmdline").split())
