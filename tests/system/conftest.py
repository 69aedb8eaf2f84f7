"""On a machine with a kernel of its own everything runs as five minutes after a boot: no module can be loaded any more."""

import pytest
from testinfra.host import Host


@pytest.fixture(scope="session", autouse=True)
def no_more_modules(host: Host) -> None:
    """site.yml has just set the machine up, and no container ever ran on it."""
    host.check_output("systemctl start skerry-modules-lock.service")
    assert host.check_output("cat /proc/sys/kernel/modules_disabled") == "1"
