"""What is asked about projects, and how it is answered."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import Field

from skerry.model.base import Frozen
from skerry.model.tenants import ProjectKey, Quota
from skerry.protocol.core import Change, OptionsOf, Request, Resource


class _OneProject(Frozen):
    project: ProjectKey


class _Options(_OneProject, Change):
    quota: Annotated[dict[str, Any], OptionsOf(Quota)] = {}


class ProjectCreate(_Options):
    """Make a project, that must not exist yet, in a realm that does."""

    verb: Literal["project_create"]


class ProjectUpdate(_Options):
    """Change quotas of a project. What is not named stays as it is; 'none' takes a quota away."""

    verb: Literal["project_update"]


class ProjectDelete(_OneProject, Change):
    """Delete a project; one that has anything is refused."""

    verb: Literal["project_delete"]


class ProjectEnsure(_Options):
    """Bring a project to a state, whatever it is in now: what the Ansible module asks for."""

    verb: Literal["project_ensure"]
    state: Annotated[
        Literal["present", "absent"],
        Field(description="Whether it shall be there. Deleting one that has anything is refused."),
    ]


class ProjectInfo(_OneProject, Request):
    """Tell all about one project."""

    verb: Literal["project_info"]


class ProjectList(Request):
    """Tell about every project, or those of one realm."""

    verb: Literal["project_list"]
    realm: Annotated[str | None, Field(description="Only those of this realm.")] = None


class OneProject(TypedDict):
    """The answer to ``project_info``: the project, what it has, its quotas, and what is promised of them."""

    project: dict[str, Any]


class Projects(TypedDict):
    """The answer to ``project_list``."""

    projects: list[dict[str, Any]]


RESOURCE = Resource(
    "project",
    1,
    (ProjectCreate, ProjectUpdate, ProjectDelete, ProjectEnsure, ProjectInfo, ProjectList),
    ("realm", "name", "quota", "used"),
)
