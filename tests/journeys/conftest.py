"""What the tests lean on says what it saw when it fails, as they do."""

import pytest

pytest.register_assert_rewrite("tests.journeys.reboots")
