"""On a machine with a kernel of its own everything runs as five minutes after a boot: no module can be loaded any more.

tests/journeys runs these tests, on the machine that `make lab` made, on the hardened kernel and on Debian's.
"""

import pytest
from testinfra.host import Host


@pytest.fixture(scope="session", autouse=True)
def no_more_modules(host: Host) -> None:
    host.check_output("systemctl start skerry-modules-lock.service")
    assert host.check_output("cat /proc/sys/kernel/modules_disabled") == "1"
