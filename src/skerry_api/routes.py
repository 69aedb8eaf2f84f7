"""Which verb of the protocol answers which method and path. What a request takes is not said here: its model says it."""

import dataclasses
from collections.abc import Iterator, Mapping

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from skerry.protocol.core import Change, Verb, group_of
from skerry.protocol.table import TABLE

BASE = "/api/v1"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
IN_QUERY = (
    "wait",
    "timeout",
)  # of a change: what may stand in the query as well, as it is not about the resource
_REALM = "/realms/{realm}"
_PROJECT = f"{_REALM}/projects/{{project}}"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a field of a request is found.

    Attributes:
        group: the field of the request that it belongs into, such as ``container`` or ``spec``; empty for the request.
        name: the field.
        declared: what the protocol says of it.
        partial: the group is some of its options, so none of them must be there.
    """

    group: str
    name: str
    declared: FieldInfo
    partial: bool = False


@dataclasses.dataclass(frozen=True)
class Route:
    """One method of one path.

    Attributes:
        verb: the verb that answers it.
        method: the method of HTTP.
        path: the path below :data:`BASE`, with its variables.
        names: of variables that are called otherwise in the request, the field's name, and its value with ``{}`` in it.
        pick: of a list's answer, the field that the path's last variable is compared with: it is about that one entry.
        of: ends the name of the operation, where a verb has several routes.
    """

    verb: str
    method: str
    path: str
    names: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    pick: str = ""
    of: str = ""

    @property
    def asks(self) -> Verb:
        """The verb, as the protocol has it."""
        return TABLE[self.verb]

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return issubclass(self.asks.request, Change)

    @property
    def one(self) -> bool:
        """Whether its answer is one resource, and not a list."""
        return not self.changes and (bool(self.pick) or self.verb.endswith(("info", "self")))

    @property
    def lists(self) -> bool:
        """Whether its answer is a list, which comes in pages."""
        return not (self.changes or self.pick) and self.verb.endswith("list")

    @property
    def many(self) -> str:
        """The field of a list's answer that has its entries."""
        return "operations" if self.verb == "operations" else self.asks.resource.plural

    @property
    def streams(self) -> bool:
        """Whether its answer is lines that come one by one."""
        return self.verb == "logs_stream"

    @property
    def is_socket(self) -> bool:
        """Whether it is a WebSocket, whose first message has the options."""
        return self.verb == "exec_stream"

    @property
    def creates(self) -> bool:
        """Whether it makes a resource that must not be there, and is answered by 201."""
        return self.method == "POST" and self.verb.endswith(("create", "copy"))

    @property
    def conditional(self) -> bool:
        """Whether it wants to know which state of the resource it is about (RFC 6585, 428)."""
        return self.method in {"PATCH", "DELETE"}

    @property
    def operation(self) -> str:
        """The name of the operation: the verb, as on a command line and in modules."""
        return f"{self.verb}{self.of and f'_of_{self.of}'}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    def said(self, variable: str, value: str) -> tuple[str, str]:
        """The field that a variable of the path stands for, and its value."""
        name, form = self.names.get(variable, (variable, "{}"))
        return name, form.format(value)

    def places(self) -> dict[str, Place]:
        """Where each field of the request belongs; of its groups the fields, as on a command line."""
        found: dict[str, Place] = {}
        for field, declared in self.asks.request.model_fields.items():
            inner = group_of(declared)
            if inner is not None:
                partial = declared.annotation is not inner
                found |= {name: Place(field, name, one, partial) for name, one in inner.model_fields.items()}
            elif field != "verb":
                found[field] = Place("", field, declared)
        return found

    def in_path(self) -> set[str]:
        """The fields that the path says."""
        return {self.said(one, "")[0] for one in self.variables}

    def in_query(self) -> list[str]:
        """The fields that may stand in the query."""
        if self.pick or self.is_socket:
            return []
        own = [name for name in self.places() if name not in self.in_path()]
        return [name for name in own if name in IN_QUERY] if self.changes else own

    def in_body(self) -> list[str]:
        """The fields that may stand in the body; of a WebSocket in its first message."""
        if not (self.changes or self.is_socket) or self.method == "DELETE":
            return []
        return [name for name in self.places() if name not in self.in_path()]

    def groups(self) -> dict[str, type[BaseModel]]:
        """The groups that its request must have, even where nothing of them is said."""
        fields = self.asks.request.model_fields.items()
        return {name: inner for name, one in fields if (inner := group_of(one)) and one.is_required()}


def _kind(one: str, many: str, info: str, verbs: Mapping[str, str]) -> Iterator[Route]:
    """The routes of a kind whose resources have a name in a project. ``verbs``: METHOD, or word of the path, and verb."""
    yield Route(f"{one}list", "GET", f"/{many}")
    yield Route(f"{one}list", "GET", f"{_PROJECT}/{many}", of="project")
    yield Route(info, "GET", f"{_PROJECT}/{many}/{{name}}")
    for word, verb in verbs.items():
        copied = {"name": ("source", "{}")} if word == "copy" else {}
        match word:
            case "POST":
                yield Route(verb, word, f"{_PROJECT}/{many}")
            case "PUT" | "PATCH" | "DELETE":
                yield Route(verb, word, f"{_PROJECT}/{many}/{{name}}")
            case _:
                yield Route(verb, "POST", f"{_PROJECT}/{many}/{{name}}/{word}", copied)


def _snapshots() -> Iterator[Route]:
    yield Route("snapshot_list", "GET", "/snapshots")
    yield Route("snapshot_list", "GET", f"{_PROJECT}/snapshots", of="project")
    for owner, form in (("container", "{}"), ("volume", "volume/{}")):
        path, names = f"{_PROJECT}/{owner}s/{{{owner}}}/snapshots", {owner: ("source", form)}
        yield Route("snapshot_list", "GET", path, names, of=owner)
        yield Route("snapshot_create", "POST", path, names, of=owner)
        yield Route("snapshot_info", "GET", f"{path}/{{name}}", names, of=owner)
        yield Route("snapshot_delete", "DELETE", f"{path}/{{name}}", names, of=owner)
        yield Route("snapshot_restore", "POST", f"{path}/{{name}}/restore", names, of=owner)
        yield Route("snapshot_ensure", "POST", f"{path}/{{name}}/ensure", names, of=owner)


def _tenants() -> Iterator[Route]:
    realm, project = {"realm": ("name", "{}")}, {"project": ("name", "{}")}
    yield Route("realm_list", "GET", "/realms")
    yield Route("realm_create", "POST", "/realms")
    for method, end in (("GET", "info"), ("PATCH", "update"), ("DELETE", "delete")):
        yield Route(f"realm_{end}", method, _REALM, realm)
    yield Route("realm_ensure", "POST", f"{_REALM}/ensure", realm)
    yield Route("project_list", "GET", "/projects")
    yield Route("project_list", "GET", f"{_REALM}/projects", of="realm")
    yield Route("project_create", "POST", f"{_REALM}/projects")
    for method, end in (("GET", "info"), ("PATCH", "update"), ("DELETE", "delete")):
        yield Route(f"project_{end}", method, _PROJECT, project)
    yield Route("project_ensure", "POST", f"{_PROJECT}/ensure", project)


def _tokens() -> Iterator[Route]:
    yield Route("token_self", "GET", "/self")
    for above, of in (("", ""), (_REALM, "realm")):
        path = f"{above}/tokens"
        yield Route("token_list", "GET", path, of=of)
        yield Route("token_create", "POST", path, of=of)
        yield Route("token_info", "GET", f"{path}/{{name}}", of=of)
        yield Route("token_revoke", "DELETE", f"{path}/{{name}}", of=of)
        yield Route("token_rotate", "POST", f"{path}/{{name}}/rotate", of=of)
        yield Route("token_ensure", "POST", f"{path}/{{name}}/ensure", of=of)


def _others() -> Iterator[Route]:
    alias = f"{_PROJECT}/aliases/{{alias}}"
    yield Route("alias_list", "GET", "/aliases")
    yield Route("alias_list", "GET", f"{_PROJECT}/aliases", of="project")
    yield Route("alias_list", "GET", alias, pick="alias", of="one")
    yield Route("alias_set", "PUT", alias)
    yield Route("alias_delete", "DELETE", alias)
    yield Route("alias_drain", "POST", f"{alias}/drain")
    yield Route("image_list", "GET", "/images")
    yield Route("image_list", "GET", "/images/{name}", pick="name", of="one")
    yield Route("image_delete", "DELETE", "/images/{name}")
    for word in ("pull", "build", "publish", "prune"):
        yield Route(f"image_{word}", "POST", f"/images/{word}")
    yield Route("stats", "GET", "/stats")
    yield Route("operations", "GET", "/operations")
    yield Route("operations", "GET", "/operations/{id}", pick="id", of="one")
    yield Route("logs_stream", "GET", f"{_PROJECT}/containers/{{name}}/logs")
    yield Route("exec_stream", "GET", f"{_PROJECT}/containers/{{name}}/exec")
    yield Route("status", "GET", "/status")


def _policies() -> Iterator[Route]:
    yield Route("policy_list", "GET", "/policies")
    yield Route("policy_list", "GET", f"{_PROJECT}/policies", of="project")
    yield Route("policy_explain", "GET", "/explain")
    for path, of in ((f"{_PROJECT}/policy", "project"), (f"{_PROJECT}/containers/{{container}}/policy", "")):
        yield Route("policy_info", "GET", path, of=of)
        yield Route("policy_set", "PUT", path, of=of)
        yield Route("policy_delete", "DELETE", path, of=of)
        yield Route("policy_absent", "POST", f"{path}/absent", of=of)


_ONES = ("start", "stop", "restart", "freeze", "thaw", "rollback", "copy", "rename", "ensure")
ROUTES: tuple[Route, ...] = (
    *_kind(
        "",
        "containers",
        "info",
        {"POST": "create", "PATCH": "update", "DELETE": "delete"} | {one: one for one in _ONES},
    ),
    *_kind(
        "volume_",
        "volumes",
        "volume_info",
        {
            "POST": "volume_create",
            "PATCH": "volume_update",
            "DELETE": "volume_delete",
            "copy": "volume_copy",
            "rename": "volume_rename",
            "ensure": "volume_ensure",
        },
    ),
    *_kind(
        "secret_",
        "secrets",
        "secret_info",
        {"PUT": "secret_set", "DELETE": "secret_delete", "absent": "secret_absent"},
    ),
    *_snapshots(),
    *_others(),
    *_policies(),
    *_tenants(),
    *_tokens(),
)
"""Every route, kind by kind."""

_STREAM = "its answer is of use to root of the host alone, and files have no stream of the engine yet"
_STREAMED = "its answer is of use to root of the host alone: logs_stream and exec_stream are for others"
_HOST = "it names a path of the host, which nobody sees from outside"
LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(("exec", "shell", "logs"), _STREAMED),
    **dict.fromkeys(("connect", "get", "put", "export", "import"), _STREAM),
    **dict.fromkeys(("volume_backup", "volume_restore"), _STREAM),
    **dict.fromkeys(("image_import", "state_backup", "state_restore", "state_info"), _HOST),
    "top": "it is stats again and again, for a terminal",
    "state_recover": "whoever runs it is on the host, where the engine starts anew with what the pool has",
}
"""The verbs that have no route, each with the reason."""


def allowed(path: str) -> tuple[str, ...]:
    """The methods that a path below :data:`BASE` has, in the order of :data:`METHODS`; none where there is no such path."""
    parts = path.split("/")
    found = {route.method for route in ROUTES if _fits(route.path.split("/"), parts)}
    more = {"HEAD"} if "GET" in found else set()
    return tuple(one for one in METHODS if one in found | more | {"OPTIONS"}) if found else ()


def _fits(declared: list[str], parts: list[str]) -> bool:
    return len(declared) == len(parts) and all(
        (own.startswith("{") and part) or own == part for own, part in zip(declared, parts, strict=True)
    )
