"""Waiting for what tells nobody when it happens."""

import time

_SHORTEST, _LONGEST = 0.001, 0.1  # seconds
_SHARE = 50


def pause(since: float) -> None:
    """Sleep before the next look: a fiftieth of what was waited ``since`` (of :func:`time.monotonic`), 1 to 100 ms.

    So what is quick is seen at once, and what takes long, as under emulation, is not slowed down by being looked at.
    """
    time.sleep(min(max((time.monotonic() - since) / _SHARE, _SHORTEST), _LONGEST))
