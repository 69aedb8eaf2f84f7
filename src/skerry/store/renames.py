"""Another name for a container or a volume: what names it in the options of containers, and has to follow."""

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from skerry.model.neighbours import parse
from skerry.store import operations
from skerry.store.db import Database

Spec = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Renaming:
    """A container or volume of a project gets another name."""

    kind: Literal["container", "volume"]
    realm: str
    project: str
    old: str
    new: str

    def back(self) -> "Renaming":
        """The same, the other way."""
        return dataclasses.replace(self, old=self.new, new=self.old)

    def of(self, project: str, spec: Mapping[str, Any]) -> Spec:
        """The options of a container of ``project`` that name it, as they are afterwards; none where none does.

        Raises:
            ValueError: it cannot be reached by its new name.
        """
        options = self._of_volumes(project, spec) if self.kind == "volume" else self._of_others(project, spec)
        return {name: value for name, value in options.items() if value != spec.get(name, [])}

    def _of_volumes(self, project: str, spec: Mapping[str, Any]) -> Spec:
        uses = spec.get("volumes", [])
        if project != self.project:
            return {}
        return {"volumes": [use | {"volume": self._name(use["volume"])} for use in uses]}

    def _of_others(self, project: str, spec: Mapping[str, Any]) -> Spec:
        own, found = f"{self.project}/{self.old}", dict[str, list[str]]()
        if project == self.project:
            found["after"] = [self._name(one) for one in spec.get("after", [])]
        found["reaches"] = [self._reach(project, one) for one in spec.get("reaches", [])]
        let_in = spec.get("reachable_from", [])
        found["reachable_from"] = [f"{self.project}/{self.new}" if one == own else one for one in let_in]
        # One that names what was not there may have both names, and may have none twice.
        return {name: list(dict.fromkeys(value)) for name, value in found.items()}

    def _name(self, name: str) -> str:
        return self.new if name == self.old else name

    def _reach(self, project: str, text: str) -> str:
        reach = parse(text)
        if (reach.project or project, reach.name) != (self.project, self.old):
            return text
        return str(parse(str(dataclasses.replace(reach, name=self.new))))


@dataclasses.dataclass(frozen=True)
class Follower:
    """A container that names what is renamed.

    Attributes:
        name: how a person names it.
        before: the options that name it.
        after: the same, as they are to be.
    """

    id: str
    name: str
    before: Spec
    after: Spec


def followers(db: Database, renaming: Renaming) -> Iterator[Follower]:
    """The containers whose options name it.

    Raises:
        ValueError: it cannot be reached by its new name.
    """
    query = (
        "SELECT container.id, project.name, container.name, spec FROM container "
        "JOIN project ON project.id = container.project_id JOIN realm ON realm.id = project.realm_id "
        "WHERE realm.name = ? ORDER BY 2, 3"
    )
    for one, project, name, text in db.rows(query, renaming.realm):
        spec = json.loads(text)
        if after := renaming.of(project, spec):
            before = {option: spec.get(option, []) for option in after}
            yield Follower(one, f"{renaming.realm}/{project}/{name}", before, after)


def follow(db: Database, renaming: Renaming, ids: Collection[str] | None = None) -> None:
    """Write the new name into the options of all containers that have the old one, or of these. Inside a transaction."""
    for one in list(followers(db, renaming)):
        if ids is None or one.id in ids:
            db.execute(
                "UPDATE container SET spec = json_patch(spec, ?), version = version + 1 WHERE id = ?",
                json.dumps(one.after),
                one.id,
            )


def in_work(db: Database, renaming: Renaming, besides: str = "") -> list[str]:
    """Containers that an operation works on, which may write options with the old name; but for one id."""
    found = {}
    for one in operations.unfinished(db, "container"):
        for state in filter(None, (one.plan["before"], one.plan["after"])):
            key = state["key"]
            if one.resource_id == besides or key["realm"] != renaming.realm:
                continue
            if renaming.of(key["project"], state["spec"]):
                found[one.resource_id] = one.resource
    return sorted(found.values())
