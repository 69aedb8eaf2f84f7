"""Who stopped a container's unit: systemd says in its own journal which of its ends were asked of it."""

import contextlib
import datetime
import json
import logging
from typing import Literal

from skerry.host.run import run
from skerry.model.errors import SkerryError

Stop = Literal["", "administrator", "shutdown"]
# sd-messages(3): SD_MESSAGE_UNIT_STARTING, …_STARTED, …_STOPPING
_STARTING, _STARTED, _STOPPING = (
    "7d4958e842da4a758f6c1cdc7b36dcc5",
    "39f53479d3a045ac8e11786248231fbf",
    "de5b426a63be47a7b6ac3eaac82e2f6f",
)
_FIELDS = ("MESSAGE_ID", "JOB_TYPE", "_SOURCE_REALTIME_TIMESTAMP")
_ASK = (
    "journalctl", "--quiet", "--no-pager", "--lines=20", "--output=json", f"--output-fields={','.join(_FIELDS)}",
    "_PID=1", *(f"MESSAGE_ID={one}" for one in (_STARTING, _STARTED, _STOPPING)),
)  # fmt: skip
_MORE = 10.0  # seconds that an end may take beyond its grace
_LATE = 0.5  # seconds until systemd has said what it does: the program may have ended by then
_log = logging.getLogger(__name__)


def before(unit: str, at: str, grace: float) -> Stop:
    """Who asked systemd to stop ``unit`` before it ended; empty where nobody did, or nobody can tell.

    Args:
        unit: its name.
        at: when it ended, as the store writes it.
        grace: seconds that its program has to end by itself.
    """
    ended = datetime.datetime.fromisoformat(at).timestamp()
    with contextlib.suppress(SkerryError):  # a journal that is flooded is read as far as it is written
        run(["journalctl", "--sync"], timeout=2.0)
    try:
        said = run([*_ASK, f"--since=@{ended - grace - _MORE:.3f}", f"UNIT={unit}"], timeout=5.0)
        if asked_to_stop(said, ended):
            return "shutdown" if _shuts_down() else "administrator"
    except SkerryError as error:
        _log.warning("nobody can tell who stopped %s: %s", unit, error)
    return ""


def asked_to_stop(said: str, ended: float) -> bool:
    """Whether the last that systemd did to a unit before it ended was to stop it, since somebody asked for that.

    Args:
        said: what it told its journal, a line of JSON each.
        ended: when that was, in seconds since the epoch.
    """
    asked = False
    for line in said.splitlines():
        one = json.loads(line)
        at = int(one.get("_SOURCE_REALTIME_TIMESTAMP") or one["__REALTIME_TIMESTAMP"]) / 1e6
        if one.get("MESSAGE_ID") == _STOPPING:
            asked = asked or (at < ended + _LATE and one.get("JOB_TYPE") in {"stop", "restart"})
        elif at <= ended:
            asked = False
    return asked


def _shuts_down() -> bool:
    return "shutdown.target" in run(["systemctl", "list-jobs", "--no-legend", "--plain"], timeout=5.0)
