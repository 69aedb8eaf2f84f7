"""Secrets, as the engine knows them: what decides, what is stored when, how one is shown."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from skerry.model.secret import KeptSecret
from skerry.parts import sealed
from skerry.protocol import secrets as requests
from skerry.resources.kind import Answer, Context, Kind, Plan, Planner, Reader
from skerry.resources.secrets import store, verbs, view

_log = logging.getLogger(__name__)


class Secrets(Kind[KeptSecret]):
    """The kind of secrets."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = KeptSecret
    tables: ClassVar[tuple[str, ...]] = store.TABLES

    def planners(self) -> Mapping[str, Planner[KeptSecret]]:
        """What decides, for each verb that changes something."""
        return verbs.PLANNERS

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"secret_info": view.info, "secret_list": view.list_all}

    def find(self, context: Context, request: Any) -> KeptSecret | None:
        """The secret of the name that a request gives."""
        return store.find(context.db, request.secret)

    def about(self, resource: KeptSecret) -> tuple[str, str]:
        """Its id, its realm, project and name."""
        return resource.id, str(resource.key)

    def asked(self, request: Any) -> str:
        """Realm, project and name in a request."""
        return str(request.secret)

    def view(self, _context: Context, resource: KeptSecret) -> Answer:
        """The secret as an answer shows it."""
        return view.view(resource)

    def begin(self, context: Context, plan: Plan[KeptSecret]) -> None:
        """Forget a secret that is to be deleted: from here on no container can have it. Write a new one."""
        if plan.after is None:
            store.delete(context.db, plan.resource.id)
        elif plan.before is None:
            store.insert(context.db, plan.after)
        else:
            store.write(context.db, plan.after)

    def done(self, context: Context, plan: Plan[KeptSecret]) -> None:
        """All is written already."""

    def undone(self, context: Context, plan: Plan[KeptSecret]) -> None:
        """Write the secret of before, or forget one that was to be made."""
        if plan.before is None:
            store.delete(context.db, plan.resource.id)
        else:
            store.write(context.db, plan.before)

    def failed(self, context: Context, plan: Plan[KeptSecret]) -> None:
        """Write a secret again that could not be deleted."""
        if plan.after is None and plan.before is not None:
            store.write(context.db, plan.before)

    def warnings(
        self, _context: Context, _before: KeptSecret | None, after: KeptSecret | None
    ) -> Iterable[str]:
        """That a secret is empty: a file or a program that had nothing to say, rather than what somebody wants."""
        if after is not None and not after.size:
            yield f"the value of secret {after.key} is empty"

    def missing(self, context: Context, request: Any) -> str:
        """What the name may have been meant for."""
        return str(verbs.not_found(context.db, request.secret))

    def figures(self, context: Context) -> Answer:
        """How many there are."""
        return {"secrets": len(store.all_secrets(context.db))}

    def reconcile(self, context: Context) -> None:
        """Tell of values that no row names: a store that comes back from a backup may want them."""
        kept = {name for one in store.all_secrets(context.db) for name in (one.id, f"{one.id}-{one.version}")}
        for path in Path(sealed.top(context.host)).glob("*"):
            if path.name not in kept:
                _log.warning("%s holds the value of no secret; delete it by hand", path)
