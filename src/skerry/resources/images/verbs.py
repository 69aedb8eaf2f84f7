"""From a request and what is there to plans of images."""

from collections.abc import Mapping, Sequence

from skerry.model.container import Image
from skerry.protocol.images import ImageBuild, ImageDelete, ImageImport, ImagePrune
from skerry.resources.images import debian, factory, made, plan, publish, pull, store
from skerry.resources.images.found import Decide, Planner, found, give_way, users
from skerry.resources.images.parts import DebianTarball, FetchedTarball
from skerry.resources.images.recipe import File, Recipe
from skerry.resources.kind import Context, Plan
from skerry.store import references
from skerry.store.db import now


def _recipe(request: ImageBuild) -> Recipe:
    """What to build, with the bytes of its files."""
    files = [
        File(
            target,
            int(file.mode, 8),
            file.content.encode() if file.content is not None else debian.read_file(file.path or ""),
        )
        for target, file in sorted(request.files.items())
    ]
    return Recipe(request.suite, tuple(sorted(set(request.packages))), tuple(files))


def _desired(request: ImageImport | ImageBuild, digest: str, like: Image | None, recipe: str = "") -> Image:
    """The image as it shall be; a command or environment that is not given is that of ``like``."""
    command, env = (like.command, like.env) if like else ((), {})
    return Image(
        digest=digest,
        name=request.name,
        size=0,
        command=command if request.command is None else tuple(request.command),
        env=env if request.env is None else request.env,
        created=now(),
        recipe=recipe,
    )


def _import(context: Context, request: ImageImport, named: Image | None) -> Sequence[Decide]:
    def decide(_found_now: Image | None) -> Plan[Image]:
        there = found(context, named, request.sha256)
        like = there.same or named
        recipe = there.same.recipe if there.same else ""
        desired = _desired(request, request.sha256, like, recipe)
        reason = f"it is not on this host; from {request.path}"
        return plan.bring(request.verb, desired, there, reason, FetchedTarball(request.path, request.sha256))

    return [decide, give_way(context, named, request.sha256)]


def _build(context: Context, request: ImageBuild, named: Image | None) -> Sequence[Decide]:
    recipe = _recipe(request)
    if named and not request.rebuild and named.recipe == recipe.digest():
        kept = _desired(request, "", named, recipe.digest())
        return [lambda _found_now: plan.keep(request.verb, kept, named)]
    tarball = DebianTarball(request.suite, recipe.digest(), recipe)
    unknown = _desired(request, "", named, recipe.digest())
    reason = f"Debian {request.suite} by mmdebstrap, with the packages of today"

    def like(desired: Image, like: Image) -> Image:
        return _desired(request, desired.digest, like, recipe.digest())

    return made.chain(context, made.Making(request.verb, unknown, named, tarball, reason, like=like))


def _delete(context: Context, request: ImageDelete, _named: Image | None) -> Sequence[Decide]:
    def decide(found_now: Image | None) -> Plan[Image]:
        known = [image.name for image in store.all_images(context.db)]
        return plan.delete(request.name, found(context, found_now), known)

    return [decide]


def _prune(context: Context, _request: ImagePrune, _named: Image | None) -> Sequence[Decide]:
    gone: list[str] = []  # the images that are deleted already; in a dry run they still have their rows

    def decide(image: Image) -> Decide:
        def planned(_found_now: Image | None) -> Plan[Image] | None:
            if references.image(context.db, image.digest) is None or users(context, image):
                return None
            own = store.only_of(context.db, image, gone)
            gone.append(image.digest)
            return plan.prune(image, own, sum(factory.size(context.host, layer) for layer in own))

        return planned

    return [decide(image) for image in store.all_images(context.db)]


PLANNERS: Mapping[str, Planner] = {
    "image_import": _import,
    "image_build": _build,
    "image_delete": _delete,
    "image_prune": _prune,
    "image_publish": publish.planner,
    "image_pull": pull.planner,
}
"""What each verb decides."""
