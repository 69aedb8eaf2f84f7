"""Runs site.yml in check mode on a host that is not set up yet, and sees that nothing was changed there."""

import subprocess

from tests.integration import kept_ssh
from tests.integration.playbooks import Run, play

# Nothing of it comes from Ansible's own visit.
STATE = "find /etc /usr /var/lib/skerry -xdev -type f -newer /tmp/before ! -path '*/__pycache__/*' 2>/dev/null; true"
PACKAGES = "dpkg-query --show; systemctl list-unit-files --no-legend"


def on_host(name: str, command: str) -> str:
    """What a command prints on a lab's host."""
    return subprocess.run(kept_ssh.command(name, command), check=True, capture_output=True, text=True).stdout


def checked(name: str) -> Run:
    """site.yml in check mode, which left everything on the host as it was."""
    on_host(name, "touch /tmp/before")
    before = on_host(name, PACKAGES)
    done = play(name, "site.yml", "--check", "--diff").ok()
    assert on_host(name, STATE) == ""
    assert on_host(name, PACKAGES) == before
    return done
