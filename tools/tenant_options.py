"""The options of the modules about realms and projects."""

from pydantic import BaseModel

from skerry.model.tenants import Quota
from skerry.protocol.projects import ProjectEnsure, ProjectList
from skerry.protocol.realms import RealmEnsure
from tools.module_options import PRESENT, Option, group, of_request, option, options


def realm() -> dict[str, Option]:
    """The options of skerry_realm."""
    found = of_request(RealmEnsure)
    merges = found["merge_memory"]
    return {"name": found["name"], "state": a_state(RealmEnsure), "merge_memory": merges, "quota": quota()}


def project() -> dict[str, Option]:
    """The options of skerry_project."""
    found = of_request(ProjectEnsure)
    found["realm"].spec["default"] = "default"
    return {"name": found["name"], "state": a_state(ProjectEnsure), "realm": found["realm"], "quota": quota()}


def a_state(request: type[BaseModel]) -> Option:
    """Whether a realm or project shall be there."""
    found = option(request.model_fields["state"])
    return Option({**PRESENT, "default": "present"}, found.description)


def quota() -> Option:
    """The quotas of a realm or project. Each may be the word none."""
    found = options(Quota)
    texts = {name: Option({"type": "str"}, one.description) for name, one in found.items()}
    return group(
        "How much it may have at most, running or not. A quota that is not named stays, V(none) takes it away.",
        texts,
    )


def realm_info() -> dict[str, Option]:
    """The options of skerry_realm_info."""
    return {"name": Option({"type": "str"}, ["Only the realm of this name."])}


def project_info() -> dict[str, Option]:
    """The options of skerry_project_info."""
    found = of_request(ProjectList)
    return {**found, "name": Option({"type": "str"}, ["Only projects of this name, or REALM/PROJECT."])}


MODULES = {
    "skerry_project": project,
    "skerry_project_info": project_info,
    "skerry_realm": realm,
    "skerry_realm_info": realm_info,
}
