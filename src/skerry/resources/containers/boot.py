"""Starts containers after a boot: each after those that it comes after, and all others beside one another."""

import concurrent.futures
import logging
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence

from skerry.model.container import Container
from skerry.model.ends import Health
from skerry.model.errors import SkerryError
from skerry.protocol import containers as requests
from skerry.resources.containers import health, store
from skerry.resources.containers.view import running
from skerry.resources.kind import Apply, Context

_AT_ONCE = 8
_LONGEST = 60.0  # seconds that one is waited for until it is healthy
_FIRST_TRY, _LAST_TRY = 1.0, 60.0  # seconds between tries of one that did not start; they double
_PAUSE, _PAUSE_OF_COMMANDS = 0.2, 1.0  # seconds between two looks whether it is
_log = logging.getLogger(__name__)
Place = tuple[str, str, str]  # realm, project, name


def _place(container: Container) -> Place:
    return container.key.realm, container.key.project, container.key.name


def before(container: Container, every: Mapping[Place, Container]) -> list[Place]:
    """Those of ``every`` that a container comes after. One that is not to run, or is gone, is waited for by nobody."""
    places = [(container.key.realm, container.key.project, name) for name in container.spec.after]
    return [place for place in places if place in every]


def waves(every: Mapping[Place, Container]) -> dict[Place, int]:
    """How many stand before each one in the longest line; a circle, which no request makes, is cut."""
    depth: dict[Place, int] = {}

    def walk(place: Place, way: frozenset[Place]) -> int:
        if place not in depth:
            others = [one for one in before(every[place], every) if one not in way]
            depth[place] = 1 + max((walk(one, way | {place}) for one in others), default=-1)
        return depth[place]

    for place in every:
        walk(place, frozenset({place}))
    return depth


def start(context: Context, apply: Apply, desired: Sequence[Container]) -> list[Container]:
    """Start those that do not run; returns those that did not start, for :func:`try_again`.

    One that cannot be started keeps none down, and nobody is waited for without end.
    """
    missing: list[Container] = []
    every = {_place(container): container for container in desired}
    here = {place: threading.Event() for place in every}
    depth, starting = waves(every), threading.Semaphore(_AT_ONCE)
    awaited = {place for container in desired for place in before(container, every)}

    def come(place: Place) -> None:
        container = every[place]
        try:
            for other in before(container, every):
                if depth[other] < depth[place]:
                    here[other].wait(_LONGEST * 2)
            with starting:
                started = _start(apply, container)
            if not started:
                missing.append(container)
            elif place in awaited:  # the engine serves nobody meanwhile
                _wait_until_healthy(context, container)
        finally:
            here[place].set()

    if not every:
        return missing
    # A thread each: one that waits, until it is healthy or for those before it, keeps none of another tenant's waiting.
    with concurrent.futures.ThreadPoolExecutor(len(every), "boot") as pool:
        for done in [pool.submit(come, place) for place in sorted(every, key=depth.__getitem__)]:
            done.result()
    return missing


def _start(apply: Apply, container: Container) -> bool:
    """Start a container; whether it started."""
    try:
        if not running(container):
            apply(requests.Start(verb="start", container=container.key, wait="running"))
    except SkerryError as error:
        _log.error("container %s did not start: %s", container.key, error)
        return False
    return True


def try_again(context: Context, apply: Apply, container_id: str) -> None:
    """Start a container for as long as it is to run and does not: the host was busy, or its program ended at once."""
    pause = _FIRST_TRY
    while True:
        time.sleep(pause)
        try:
            container = store.find_id(context.db, container_id)
            gone = container is None or container.desired != "started" or running(container)
            if container is None or gone or _start(apply, container):
                return
        except SkerryError as error:  # systemd could not be asked
            _log.warning("container %s is tried later: %s", container_id, error)
        except sqlite3.Error:  # the engine ends, and its store is closed
            return
        except Exception:  # noqa: BLE001 - the others' threads go on, and so does the engine
            _log.exception("container %s could not be started in a way nobody foresaw", container_id)
            return
        pause = min(2 * pause, _LAST_TRY)


def _wait_until_healthy(context: Context, container: Container) -> None:
    """Where it has a check."""
    if (check := container.health_check) is None:
        return
    begun = time.monotonic()
    while problem := _problem(context, container, check):
        if time.monotonic() - begun > _LONGEST:
            _log.warning("container %s is not healthy after %g s: %s", container.key, _LONGEST, problem)
            return
        time.sleep(_PAUSE if check.command is None else _PAUSE_OF_COMMANDS)


def _problem(context: Context, container: Container, check: Health) -> str:
    try:
        return health.probe(context.host, container, check)
    except SkerryError as error:
        return str(error)
