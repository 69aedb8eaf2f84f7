"""`python -m tests.install.cut LAB`: begins to install a bare machine and cuts its power; its rescue system runs again."""

import sys
from pathlib import Path

from skerry_lab.lab import Labs
from tests.install.installing import lose_power_while_unpacking, note_start
from tests.install.rescue_lab import Machine


def main() -> None:
    """Leave the machine ready for its second installation."""
    machine = Machine(Labs.of_this_user().store.get(sys.argv[1]), Path())
    lose_power_while_unpacking(machine)
    note_start(machine)


if __name__ == "__main__":
    main()
