"""What the kinds of realms and of projects have in common: what is stored when, and their limits after a reboot."""

import abc
import logging
from collections.abc import Sequence
from typing import Any, TypeVar

from skerry.model.errors import SkerryError
from skerry.model.tenants import Project, Realm, titled
from skerry.resources import owners
from skerry.resources.kind import Answer, Context, Kind, Plan
from skerry.store.db import Database

O = TypeVar("O", Realm, Project)  # noqa: E741
_log = logging.getLogger(__name__)


class OwnerKind(Kind[O]):
    """A kind whose resources own others. A new one is written when it is done, so nothing can be put into it before."""

    @abc.abstractmethod
    def every(self, db: Database) -> Sequence[O]:
        """All of the kind."""

    @abc.abstractmethod
    def count(self, db: Database, owner: O) -> None:
        """Note that one of that name was made."""

    @abc.abstractmethod
    def write(self, db: Database, owner: O) -> None:
        """Write one, new or with other options."""

    @abc.abstractmethod
    def forget(self, db: Database, owner: O) -> None:
        """Delete its row."""

    def about(self, resource: O) -> tuple[str, str]:
        """Its id, and its name."""
        return resource.id, str(resource.key)

    def asked(self, request: Any) -> str:
        """The name in a request."""
        return str(getattr(request, self.name))

    def begin(self, context: Context, plan: Plan[O]) -> None:
        """Forget one that is to be deleted: nothing can be put into it any more."""
        if plan.after is None:
            self.forget(context.db, plan.resource)
        elif plan.before is None:
            self.count(context.db, plan.resource)
        else:
            self.write(context.db, plan.after)

    def done(self, context: Context, plan: Plan[O]) -> None:
        """Write a new one."""
        if plan.after is not None:
            self.write(context.db, plan.after)

    def undone(self, context: Context, plan: Plan[O]) -> None:
        """Write the one of before."""
        if plan.before is not None:
            self.write(context.db, plan.before)

    def failed(self, context: Context, plan: Plan[O]) -> None:
        """Write one again that could not be deleted."""
        if plan.after is None:
            self.undone(context, plan)

    def figures(self, context: Context) -> Answer:
        """How many there are."""
        return {f"{self.name}s": len(self.every(context.db))}

    def reconcile(self, context: Context) -> None:
        """Set the limits of slices, which a reboot forgets."""
        for one in self.every(context.db):
            limits = owners.limits(one)
            try:
                if limits.limited:
                    limits.make(context.host)
            except SkerryError as error:
                _log.error("%s is held to its quotas by the engine alone: %s", titled(one), error)
