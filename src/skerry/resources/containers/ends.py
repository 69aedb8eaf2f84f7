"""What a container does by itself, from what systemd and its launcher say. Pure."""

import dataclasses
import datetime

from skerry.host.systemd import Restarts
from skerry.model.ends import REBOOTED, End
from skerry.parts.ends import Ended


def seen(
    known: End | None, state: str, ended: Ended | None, restarts: Restarts, memory: int, now: float
) -> End | None:
    """How a container that is to run is: the same as ``known`` where nothing has happened.

    Args:
        known: how it was when it was last looked at.
        state: of its unit, as :func:`skerry.host.systemd.state` says it.
        ended: what its launcher wrote.
        restarts: what systemd counted.
        memory: its limit, in bytes.
        now: seconds since the epoch.
    """
    if state in {"activating", "deactivating"}:
        return known
    if state in {"active", "reloading"}:
        return _running(known, ended, restarts, memory)
    if state == "restarting":
        return _end("restarting", known, ended, restarts, memory, now)
    status = ended.status if ended else None
    failed = state == "failed" or (status or 0) != 0
    return _end("failed" if failed else "stopped", known, ended, Restarts(restarts.count), memory, now)


def _running(known: End | None, ended: Ended | None, restarts: Restarts, memory: int) -> End | None:
    if ended is not None and (known is None or known.at != moment(ended.at)):  # over before anybody looked
        return End("running", ended.status, ended.oom, memory, moment(ended.at), restarts.count)
    if known is None and restarts.count:  # nobody looked, and a start forgets the end before it
        return End("running", None, 0, memory, moment(restarts.since), restarts.count)
    if known is None:
        return None
    return dataclasses.replace(known, now="running", restarts=restarts.count, again=0.0)


def _end(
    doing: str, known: End | None, ended: Ended | None, restarts: Restarts, memory: int, now: float
) -> End:
    the_same = known is not None and (known.now == doing or (doing != "restarting" and known.by != "itself"))
    if known is not None and the_same and (ended is None or known.at == moment(ended.at)):
        return dataclasses.replace(
            known, restarts=restarts.count, again=restarts.again
        )  # it was seen already
    status, oom, at = (ended.status, ended.oom, ended.at) if ended else (None, 0, now)
    return End(doing, status, oom, memory, moment(at), restarts.count, restarts.again)  # type: ignore[arg-type]


def may_be_asked_for(known: End | None, new: End) -> bool:
    """Whether it is worth a question who ended a program: nobody did where systemd has started it again by itself."""
    is_new = known is None or known.at != new.at or known.now != new.now
    return is_new and (new.now in {"failed", "stopped"} or (new.now == "running" and new.restarts == 0))


def asked_for(end: End) -> End:
    """The end of a program that the host's administrator stopped by systemd: however it ended, it did not fail."""
    return dataclasses.replace(end, by="administrator", now="stopped" if end.now == "failed" else end.now)


def moment(seconds: float) -> str:
    """Seconds since the epoch as the store writes a time."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds")


def worth_a_note(known: End | None, new: End) -> bool:
    """Whether an end is told in the journal: each one, but of a loop of the same ones only the first."""
    if known is None or known.at == new.at:
        return known is None or (known.now, new.now) in {("restarting", "failed"), ("running", "failed")}
    return known.reason != new.reason or new.restarts == 0 or new.now in {"failed", "stopped"}


def verb(end: End) -> str:
    """What the journal says that it did."""
    if end.status == REBOOTED:
        return "rebooted"
    return "stopped" if end.by == "administrator" else "ended"


def note(end: End) -> str:
    """An end as the journal tells it."""
    following = {
        "running": "it runs again",
        "restarting": "it is started again",
        "failed": "it stays so",
        "stopped": "it stays so",
    }[end.now]
    if end.status == REBOOTED:
        return f"rebooted at {end.at[:19]}Z; {following}"
    who = "stopped by the host's administrator" if end.by == "administrator" else "ended by itself"
    return f"{who} at {end.at[:19]}Z: {end.reason}; {following}"
