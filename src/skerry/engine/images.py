"""The engine's verbs about images: import, build, delete, list; and mounting them all at start.

There is no journal for them. A new image is a file under a temporary name, then a file under its digest, then a mount,
then a row; only the row makes it one. Whatever has no row when the engine starts is taken away.
"""

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from skerry.engine.requests import ImageBuild, ImageDeed, ImageDelete, ImageImport
from skerry.model.container import Image
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.plan import images as decide
from skerry.plan.images import Found, ImagePlan
from skerry.store import images as store
from skerry.store.db import Database, now
from skerry.system import debian, images
from skerry.system.recipe import File, Recipe

Progress = Callable[[dict[str, Any]], None]
_LOCK_TIMEOUT = 3600.0  # seconds; a build takes minutes, and images are made one after another
_one_at_a_time = threading.Lock()
_log = logging.getLogger(__name__)


def mount_all(host: HostConfig, db: Database) -> None:
    """Take away what a crash left behind, and mount every image. One that cannot be mounted does not stop the others."""
    if images.clear_workshop(host):
        _log.warning("the making of an image was cut off: nothing of it is left")
    every = [image.digest for image in store.all_images(db)]
    for digest in sorted(images.digests(host) - set(every)):
        _log.warning("image %s is in no row of the store: removed", digest)
        _try(images.remove, host, digest)
    for digest in every:
        _try(images.mount, host, digest)


def _try(deed: Callable[[HostConfig, str], None], host: HostConfig, digest: str) -> None:
    try:
        deed(host, digest)
    except (SkerryError, OSError) as error:
        _log.error("image %s: %s", digest, error)


def list_all(db: Database) -> dict[str, Any]:
    """Every image, with the containers made of it."""
    return {
        "images": [
            _view(image) | {"containers": store.users(db, image.digest)} for image in store.all_images(db)
        ]
    }


def plan(host: HostConfig, db: Database, request: ImageDeed) -> dict[str, Any]:  # noqa: ARG001 - as Engine.plan
    """What a request would do now. Writes nothing, and does not look at the tarball, which may not be there yet."""
    return _answer(_decide(db, request, _recipe(request)), [])


def carry_out(host: HostConfig, db: Database, request: ImageDeed, progress: Progress) -> dict[str, Any]:
    """Do what a request asks for.

    Raises:
        SkerryError: it was refused or failed; nothing of it is left.
    """
    with _only(progress):
        recipe = _recipe(request)
        chosen = _decide(db, request, recipe)
        if not chosen.steps:
            return _answer(chosen, [])
        progress({"event": "plan", "verb": chosen.verb, "steps": list(chosen.steps)})
        started = time.perf_counter()
        done = _do(host, db, request, chosen, recipe, progress)
        milliseconds = round((time.perf_counter() - started) * 1000, 2)
        for number, title in enumerate(chosen.steps, start=1):
            progress({"event": "step", "number": number, "of": len(chosen.steps), "title": title})
        return _answer(done, [[milliseconds]])


@contextlib.contextmanager
def _only(progress: Progress) -> Iterator[None]:
    deadline = time.monotonic() + _LOCK_TIMEOUT
    while not _one_at_a_time.acquire(timeout=1.0):
        progress({"event": "progress", "stage": "waiting for another image to be made"})
        if time.monotonic() > deadline:
            raise SkerryError(
                Code.BUSY, "another image is being made, and takes long", "Try again when it is done"
            )
    try:
        yield
    finally:
        _one_at_a_time.release()


def _recipe(request: ImageDeed) -> Recipe | None:
    """What to build, with the bytes of its files."""
    if not isinstance(request, ImageBuild):
        return None
    files = [
        File(
            target,
            int(file.mode, 8),
            file.content.encode() if file.content is not None else debian.read_file(file.path or ""),
        )
        for target, file in sorted(request.files.items())
    ]
    return Recipe(request.suite, tuple(sorted(set(request.packages))), tuple(files))


def _digest(recipe: Recipe | None) -> str:
    return recipe.digest() if recipe else ""


def _wanted(request: ImageImport | ImageBuild, digest: str, like: Image | None) -> Image:
    """The image as it shall be; a command or environment that is not given is that of ``like``."""
    command, env = (like.command, like.env) if like else ((), {})
    return Image(
        digest,
        request.name,
        0,
        command if request.command is None else tuple(request.command),
        env if request.env is None else request.env,
        now(),
    )


def _found(db: Database, name: str, digest: str = "") -> Found:
    named = store.find(db, name)
    same = store.find(db, digest) if digest else None
    return Found(named, same, store.users(db, named.digest) if named else ())


def _decide(db: Database, request: ImageDeed, recipe: Recipe | None) -> ImagePlan:
    match request:
        case ImageDelete():
            return decide.delete(request.name, _found(db, request.name))
        case ImageImport():
            return _bring(db, request, request.sha256)
        case ImageBuild():
            named = store.find(db, request.name)
            if named and not request.rebuild and store.recipe(db, request.name) == _digest(recipe):
                return decide.keep(request.verb, _wanted(request, "", named), named)
            return _bring(db, request, "")


def _bring(db: Database, request: ImageImport | ImageBuild, digest: str) -> ImagePlan:
    """Decide about an image whose digest is known; empty: it is still to be built."""
    if isinstance(request, ImageBuild):
        reason = f"Debian {request.suite} by mmdebstrap"
    else:
        reason = f"it is not on this host; from {request.path}"
    found = _found(db, request.name, digest)
    return decide.bring(request.verb, _wanted(request, digest, found.same or found.named), found, reason)


def _do(
    host: HostConfig,
    db: Database,
    request: ImageDeed,
    chosen: ImagePlan,
    recipe: Recipe | None,
    progress: Progress,
) -> ImagePlan:
    """Carry out what was chosen; returns it with what only the doing could tell: the digest, the size."""
    if isinstance(request, ImageDelete):
        with db.transaction():
            chosen = _decide(db, request, recipe)  # a container may have come since
            if chosen.before:
                store.delete(db, chosen.before.digest)
        if chosen.before:
            images.remove(host, chosen.before.digest)
        return chosen
    if chosen.make:
        return _make(host, db, request, recipe, progress)
    return _write(host, db, chosen, recipe)


def _make(
    host: HostConfig,
    db: Database,
    request: ImageImport | ImageBuild,
    recipe: Recipe | None,
    progress: Progress,
) -> ImagePlan:
    with images.Workshop.open(host, progress) as workshop:
        if isinstance(request, ImageImport):
            digest = workshop.fetch(request.path, request.sha256)
        else:
            digest = workshop.build(recipe or Recipe(request.suite))
        chosen = _bring(db, request, digest)
        if not chosen.make or chosen.after is None:  # a build that came out as before
            return _write(host, db, chosen, recipe)
        size = workshop.finish(digest)
        try:
            return _write(
                host,
                db,
                dataclasses.replace(chosen, after=dataclasses.replace(chosen.after, size=size)),
                recipe,
            )
        except BaseException:
            images.remove(host, digest)
            raise


def _write(host: HostConfig, db: Database, chosen: ImagePlan, recipe: Recipe | None) -> ImagePlan:
    """Give the image its row and its name; the one that had the name gives way."""
    if chosen.after is None:
        raise ValueError("nothing to write")
    unused = None
    with db.transaction():
        old = store.find(db, chosen.after.name)
        if old and old.digest != chosen.after.digest:
            if store.users(db, old.digest):
                store.rename(db, old.digest, decide.retired_name(old))
            else:
                store.delete(db, old.digest)
                unused = old.digest
        store.write(db, chosen.after, _digest(recipe))
    if unused:
        images.remove(host, unused)
    return chosen


def _view(image: Image) -> dict[str, Any]:
    """The image as JSON; its size and digest are null where only the making will tell."""
    return dataclasses.asdict(image) | {
        "digest": image.digest or None,
        "size": image.size or None,
        "command": list(image.command),
    }


def _answer(chosen: ImagePlan, timings: list[list[float]]) -> dict[str, Any]:
    steps = list(chosen.steps)
    return {
        "changed": bool(steps),
        "before": _view(chosen.before) if chosen.before else None,
        "after": _view(chosen.after) if chosen.after else None,
        "plans": [{"verb": chosen.verb, "steps": steps, "restart_required": []}] if steps else [],
        "timings_ms": timings,
    }
