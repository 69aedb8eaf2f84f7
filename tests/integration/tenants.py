"""Realms and projects that tests need: made where they are missing, deleted with all that is in them."""

import json

from testinfra.host import Host


def make(host: Host, *projects: str) -> None:
    """Make projects, each ``REALM/PROJECT``, with their realms."""
    realms = {one["name"] for one in _listed(host, "realm")}
    there = {f"{one['realm']}/{one['name']}" for one in _listed(host, "project")}
    for realm in sorted({one.split("/")[0] for one in projects} - realms):
        host.check_output(f"skerry realm create {realm}")
    for project in sorted(set(projects) - there):
        host.check_output(f"skerry project create {project}")


def delete(host: Host, *projects: str) -> None:
    """Delete projects with their containers, volumes and secrets, then the realms that are empty."""
    there = {f"{one['realm']}/{one['name']}" for one in _listed(host, "project")}
    for project in sorted(set(projects) & there):
        for kind, verb in (
            ("alias", "alias "),
            ("container", ""),
            ("volume", "volume "),
            ("secret", "secret "),
        ):
            for name in _names(host, kind, verb, project):
                host.check_output(f"skerry {verb}delete {name} --project {project}")
        host.check_output(f"skerry project delete {project}")
    for one in _listed(host, "realm"):
        if one["name"] in {name.split("/")[0] for name in projects} - {"default"} and not one["projects"]:
            host.check_output(f"skerry realm delete {one['name']}")


def _listed(host: Host, kind: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(host.check_output(f"skerry {kind} list --json"))[f"{kind}s"]
    return found


def _names(host: Host, kind: str, verb: str, project: str) -> list[str]:
    plural = "aliases" if kind == "alias" else f"{kind}s"
    found = json.loads(host.check_output(f"skerry {verb}list --project {project} --json"))[plural]
    return [one["name"] for one in found]
