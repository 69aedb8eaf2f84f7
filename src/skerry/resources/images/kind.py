"""Images, as the engine knows them: what decides, what is stored when, how one is shown."""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from skerry.model.container import Image
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.protocol import images as requests
from skerry.resources.images import factory, plan, store, verbs, view
from skerry.resources.kind import Answer, Context, Kind, Plan, Planner, Reader
from skerry.store import references

_log = logging.getLogger(__name__)


class Images(Kind[Image]):
    """The kind of images. One is made at a time: there is one build directory."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = Image
    tables: ClassVar[tuple[str, ...]] = store.TABLES
    serial: ClassVar[bool] = True
    patience: ClassVar[float] = 3600.0  # a build takes minutes

    def planners(self) -> Mapping[str, Planner[Image]]:
        """What decides, for each verb that changes something."""
        return verbs.PLANNERS

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"image_list": view.list_all}

    def find(self, context: Context, request: Any) -> Image | None:
        """The image of the name that a request gives; to delete one, its digest will do as well."""
        name = getattr(request, "name", "")  # to prune is about none
        return references.image(context.db, name) if name else None

    def about(self, resource: Image) -> tuple[str, str]:
        """Its digest, which is empty before a build has told it, and its name."""
        return resource.digest, resource.name

    def asked(self, request: Any) -> str:
        """The name in a request."""
        return str(getattr(request, "name", ""))

    def view(self, _context: Context, resource: Image) -> Answer:
        """The image as an answer shows it."""
        return view.view(resource)

    def begin(self, context: Context, plan: Plan[Image]) -> None:
        """Forget an image that is to be deleted: from here on no container can be made of it."""
        if plan.after is None:
            store.delete(context.db, plan.resource.digest)

    def done(self, context: Context, plan: Plan[Image]) -> None:
        """Give the image its row and its name; the one that had the name gives way."""
        after = plan.after
        if after is None or not after.digest:
            return
        old = references.image(context.db, after.name)
        if old and old.digest != after.digest:
            store.rename(context.db, old.digest, _retired_name(old))
        size = after.size or sum(factory.size(context.host, layer) for layer in after.lowers)
        store.write(context.db, dataclasses.replace(after, size=size))

    def failed(self, context: Context, plan: Plan[Image]) -> None:
        """Write an image again that could not be deleted."""
        if plan.after is None and plan.before is not None:
            store.write(context.db, plan.before)

    def warnings(self, _context: Context, before: Image | None, after: Image | None) -> Iterable[str]:
        """What an image says and has no effect here."""
        if after is None or (before is not None and before.ignored == after.ignored):
            return []
        return [f"ignored of image {after.name}: {what}" for what in after.ignored]

    def missing(self, _context: Context, request: Any) -> str:
        """That there was nothing to prune."""
        return "every image has containers" if request.verb == "image_prune" else ""

    def reconcile(self, context: Context) -> None:
        """Take away what is in no row, and mount every image. One that cannot be mounted does not stop the others."""
        host = context.host
        try:
            if factory.clear(host):
                _log.warning("a build directory belongs to no operation: removed")
            factory.forget_looks(host)
        except (SkerryError, OSError) as error:
            _log.error("the build directory of images stays: %s", error)
        every = store.layers(context.db)
        for digest in sorted(() if references.keeps_orphans(context.db) else factory.digests(host) - every):
            _log.warning("image %s is in no row of the store: removed", digest)
            _try(factory.unmount, host, digest)
            _try(factory.delete_file, host, digest)
        for digest in sorted(every):
            _try(factory.mount, host, digest)


def _retired_name(image: Image) -> str:
    return plan.retired(image).name


def _try(action: Callable[[HostConfig, str], None], host: HostConfig, digest: str) -> None:
    try:
        action(host, digest)
    except (SkerryError, OSError) as error:
        _log.error("image %s: %s", digest, error)
