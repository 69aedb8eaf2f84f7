"""Projects, as the engine knows them: what decides, what is stored when, how one is shown."""

import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from skerry.model.errors import SkerryError
from skerry.model.tenants import Project
from skerry.protocol import projects as requests
from skerry.resources import owners
from skerry.resources.kind import Answer, Context, Kind, Plan, Planner, Reader
from skerry.resources.projects import verbs
from skerry.store import projects

_log = logging.getLogger(__name__)


class Projects(Kind[Project]):
    """The kind of projects."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = Project

    def planners(self) -> Mapping[str, Planner[Project]]:
        """What decides, for each verb that changes something."""
        return verbs.PLANNERS

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"project_info": self._info, "project_list": self._list}

    def find(self, context: Context, request: Any) -> Project | None:
        """The project of the name that a request gives."""
        return projects.find(context.db, request.project)

    def about(self, resource: Project) -> tuple[str, str]:
        """Its id, and its name."""
        return resource.id, str(resource.key)

    def asked(self, request: Any) -> str:
        """The name in a request."""
        return str(request.project)

    def view(self, context: Context, resource: Project) -> Answer:
        """The project as an answer shows it."""
        return {
            "id": resource.id,
            **resource.key.model_dump(),
            "quota": resource.quota.told(),
            "used": owners.told(owners.used(context.db, resource.id)),
            "created": resource.created,
        }

    def _info(self, context: Context, request: requests.ProjectInfo) -> requests.OneProject:
        found = verbs.existing(context, self.find(context, request), request.project)
        return {"project": dict(self.view(context, found)) | projects.contents(context.db, found.id)}

    def _list(self, context: Context, request: requests.ProjectList) -> requests.Projects:
        return {
            "projects": [
                dict(self.view(context, one))
                for one in projects.projects(context.db)
                if request.realm in {None, one.key.realm}
            ]
        }

    def begin(self, context: Context, plan: Plan[Project]) -> None:
        """Forget one that is to be deleted: nothing can be put into it any more. A new one is written when it is done."""
        if plan.after is None:
            projects.delete(context.db, plan.resource.id)
        elif plan.before is None:
            projects.raise_generation(context.db, plan.resource.key.realm, plan.resource.key.name)
        else:
            projects.insert(context.db, plan.after)

    def done(self, context: Context, plan: Plan[Project]) -> None:
        """Write a new one."""
        if plan.after is not None:
            projects.insert(context.db, plan.after)

    def undone(self, context: Context, plan: Plan[Project]) -> None:
        """Write the one of before."""
        if plan.before is not None:
            projects.insert(context.db, plan.before)

    def failed(self, context: Context, plan: Plan[Project]) -> None:
        """Write one again that could not be deleted."""
        if plan.after is None and plan.before is not None:
            projects.insert(context.db, plan.before)

    def missing(self, context: Context, request: Any) -> str:
        """What the name may have been meant for."""
        return str(verbs.not_found(context.db, request.project))

    def figures(self, context: Context) -> Answer:
        """How many there are."""
        return {"projects": len(projects.projects(context.db))}

    def reconcile(self, context: Context) -> None:
        """Set the limits of slices, which a reboot forgets."""
        for one in projects.projects(context.db):
            limits = owners.limits(one)
            try:
                if limits.limited:
                    limits.make(context.host)
            except SkerryError as error:
                _log.error("project %s is held to its quotas by the engine alone: %s", one.key, error)
