"""Projects, as the engine knows them: what decides, what is stored when, how one is shown."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from skerry.model.tenants import Project
from skerry.protocol import projects as requests
from skerry.resources import owners
from skerry.resources.kind import Answer, Context, Planner, Reader
from skerry.resources.owner_kind import OwnerKind
from skerry.resources.projects import verbs
from skerry.store import projects
from skerry.store.db import Database


class Projects(OwnerKind[Project]):
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
                if request.realm in {None, one.key.realm} and context.sees(one.key.realm, one.key.name)
            ]
        }

    def every(self, db: Database) -> Sequence[Project]:
        """All of them, by name."""
        return projects.projects(db)

    def count(self, db: Database, owner: Project) -> None:
        """Note that one of that name was made."""
        projects.raise_generation(db, owner.key.realm, owner.key.name)

    def write(self, db: Database, owner: Project) -> None:
        """Write one, new or with other options."""
        projects.insert(db, owner)

    def forget(self, db: Database, owner: Project) -> None:
        """Delete its row."""
        projects.delete(db, owner.id)

    def missing(self, context: Context, request: Any) -> str:
        """What the name may have been meant for."""
        return str(verbs.not_found(context.db, request.project))
