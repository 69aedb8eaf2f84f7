"""Deletes containers whose time is over."""

import datetime

from skerry.model.container import Container
from skerry.model.duration import parse_duration
from skerry.protocol import containers as requests
from skerry.resources import periodic
from skerry.resources.containers import store


def ends(container: Container) -> datetime.datetime | None:
    """When it is to be gone; None for one that stays."""
    if not container.spec.ttl:
        return None
    lives = datetime.timedelta(seconds=parse_duration(container.spec.ttl))
    return datetime.datetime.fromisoformat(container.created).astimezone(datetime.UTC) + lives


class Expiry(periodic.Periodic):
    """The observer that deletes each container when its time is over, as if somebody had asked for that."""

    name = "expired containers"

    def _look(self) -> float:
        now = periodic.now()
        until = {one.id: (end, one) for one in store.with_ttl(self._context.db) if (end := ends(one))}
        over = {end for end in until if until[end][0] <= now}
        self._tries.keep(over)
        for one in sorted(over, key=lambda found: until[found][0]):
            if self._ended.is_set():
                break
            if self._tries.is_time(one):
                self._delete(until[one][1])
        later = [end for end, _ in until.values() if end > now]
        return (min(later) - now).total_seconds() if later else float("inf")

    def _delete(self, container: Container) -> None:
        def still(found: Container | None) -> bool:
            end = ends(found) if found is not None and found.id == container.id else None
            return end is not None and end <= periodic.now()

        request = requests.Delete(verb="delete", container=container.key)
        what = f"container {container.key} has lived for its ttl, {container.spec.ttl}, and stays for now"
        self._try(container.id, what, request, still)
