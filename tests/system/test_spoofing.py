"""The same frames on a kernel of its own, where the bridge's filters are modules."""

import pytest

from tests.integration.spoofing import check_spoofing


@pytest.mark.usefixtures("hello")
def test_a_container_cannot_lie_about_who_it_is(on_host):
    check_spoofing(on_host("spoof.py"))
