"""Which method and path of the API each verb is. Written by `make options` from src/skerry_api/routes.py."""

from typing import NamedTuple


class Verb(NamedTuple):
    """What a client has to know of a verb.

    Attributes:
        answer: what comes back: ``change`` the engine's record, ``one`` a resource, ``list`` a page, ``other`` the rest.
        field: the field of the engine's answer that has the resource or the list.
        groups: the fields of its request that are groups of others.
        places: method and path, the one that says most first. ``{FIELD}`` is a field of the request, ``{FIELD:TEXT}``
            one whose value is that text, a slash and what stands in the path.
    """

    answer: str
    field: str
    groups: tuple[str, ...]
    places: tuple[tuple[str, str], ...]


VERBS = {
    "list": Verb("list", "containers", (), (("GET", "/containers"),)),
    "info": Verb(
        "one", "container", ("container",), (("GET", "/realms/{realm}/projects/{project}/containers/{name}"),)
    ),
    "create": Verb(
        "change",
        "container",
        ("container", "spec"),
        (("POST", "/realms/{realm}/projects/{project}/containers"),),
    ),
    "update": Verb(
        "change",
        "container",
        ("container", "spec"),
        (("PATCH", "/realms/{realm}/projects/{project}/containers/{name}"),),
    ),
    "delete": Verb(
        "change",
        "container",
        ("container",),
        (("DELETE", "/realms/{realm}/projects/{project}/containers/{name}"),),
    ),
    "start": Verb(
        "change",
        "container",
        ("container",),
        (("POST", "/realms/{realm}/projects/{project}/containers/{name}/start"),),
    ),
    "stop": Verb(
        "change",
        "container",
        ("container",),
        (("POST", "/realms/{realm}/projects/{project}/containers/{name}/stop"),),
    ),
    "restart": Verb(
        "change",
        "container",
        ("container",),
        (("POST", "/realms/{realm}/projects/{project}/containers/{name}/restart"),),
    ),
    "freeze": Verb(
        "change",
        "container",
        ("container",),
        (("POST", "/realms/{realm}/projects/{project}/containers/{name}/freeze"),),
    ),
    "thaw": Verb(
        "change",
        "container",
        ("container",),
        (("POST", "/realms/{realm}/projects/{project}/containers/{name}/thaw"),),
    ),
    "rollback": Verb(
        "change",
        "container",
        ("container",),
        (("POST", "/realms/{realm}/projects/{project}/containers/{name}/rollback"),),
    ),
    "copy": Verb(
        "change",
        "container",
        ("container", "spec"),
        (("POST", "/realms/{realm}/projects/{project}/containers/{source}/copy"),),
    ),
    "rename": Verb(
        "change",
        "container",
        ("container",),
        (("POST", "/realms/{realm}/projects/{project}/containers/{name}/rename"),),
    ),
    "ensure": Verb(
        "change",
        "container",
        ("container", "spec"),
        (("POST", "/realms/{realm}/projects/{project}/containers/{name}/ensure"),),
    ),
    "volume_list": Verb("list", "volumes", (), (("GET", "/volumes"),)),
    "volume_info": Verb(
        "one", "volume", ("volume",), (("GET", "/realms/{realm}/projects/{project}/volumes/{name}"),)
    ),
    "volume_create": Verb(
        "change", "volume", ("volume",), (("POST", "/realms/{realm}/projects/{project}/volumes"),)
    ),
    "volume_update": Verb(
        "change", "volume", ("volume",), (("PATCH", "/realms/{realm}/projects/{project}/volumes/{name}"),)
    ),
    "volume_delete": Verb(
        "change", "volume", ("volume",), (("DELETE", "/realms/{realm}/projects/{project}/volumes/{name}"),)
    ),
    "volume_copy": Verb(
        "change",
        "volume",
        ("volume",),
        (("POST", "/realms/{realm}/projects/{project}/volumes/{source}/copy"),),
    ),
    "volume_rename": Verb(
        "change",
        "volume",
        ("volume",),
        (("POST", "/realms/{realm}/projects/{project}/volumes/{name}/rename"),),
    ),
    "volume_ensure": Verb(
        "change",
        "volume",
        ("volume",),
        (("POST", "/realms/{realm}/projects/{project}/volumes/{name}/ensure"),),
    ),
    "secret_list": Verb("list", "secrets", (), (("GET", "/secrets"),)),
    "secret_info": Verb(
        "one", "secret", ("secret",), (("GET", "/realms/{realm}/projects/{project}/secrets/{name}"),)
    ),
    "secret_set": Verb(
        "change", "secret", ("secret",), (("PUT", "/realms/{realm}/projects/{project}/secrets/{name}"),)
    ),
    "secret_delete": Verb(
        "change", "secret", ("secret",), (("DELETE", "/realms/{realm}/projects/{project}/secrets/{name}"),)
    ),
    "secret_absent": Verb(
        "change",
        "secret",
        ("secret",),
        (("POST", "/realms/{realm}/projects/{project}/secrets/{name}/absent"),),
    ),
    "snapshot_list": Verb("list", "snapshots", (), (("GET", "/snapshots"),)),
    "snapshot_create": Verb(
        "change",
        "snapshot",
        ("snapshot",),
        (
            ("POST", "/realms/{realm}/projects/{project}/volumes/{source:volume}/snapshots"),
            ("POST", "/realms/{realm}/projects/{project}/containers/{source}/snapshots"),
        ),
    ),
    "snapshot_info": Verb(
        "one",
        "snapshot",
        ("snapshot",),
        (
            ("GET", "/realms/{realm}/projects/{project}/volumes/{source:volume}/snapshots/{name}"),
            ("GET", "/realms/{realm}/projects/{project}/containers/{source}/snapshots/{name}"),
        ),
    ),
    "snapshot_delete": Verb(
        "change",
        "snapshot",
        ("snapshot",),
        (
            ("DELETE", "/realms/{realm}/projects/{project}/volumes/{source:volume}/snapshots/{name}"),
            ("DELETE", "/realms/{realm}/projects/{project}/containers/{source}/snapshots/{name}"),
        ),
    ),
    "snapshot_restore": Verb(
        "change",
        "snapshot",
        ("snapshot",),
        (
            ("POST", "/realms/{realm}/projects/{project}/volumes/{source:volume}/snapshots/{name}/restore"),
            ("POST", "/realms/{realm}/projects/{project}/containers/{source}/snapshots/{name}/restore"),
        ),
    ),
    "snapshot_ensure": Verb(
        "change",
        "snapshot",
        ("snapshot",),
        (
            ("POST", "/realms/{realm}/projects/{project}/volumes/{source:volume}/snapshots/{name}/ensure"),
            ("POST", "/realms/{realm}/projects/{project}/containers/{source}/snapshots/{name}/ensure"),
        ),
    ),
    "alias_list": Verb("list", "aliases", (), (("GET", "/aliases"),)),
    "alias_set": Verb(
        "change", "alias", (), (("PUT", "/realms/{realm}/projects/{project}/aliases/{alias}"),)
    ),
    "alias_delete": Verb(
        "change", "alias", (), (("DELETE", "/realms/{realm}/projects/{project}/aliases/{alias}"),)
    ),
    "alias_drain": Verb(
        "change", "alias", (), (("POST", "/realms/{realm}/projects/{project}/aliases/{alias}/drain"),)
    ),
    "image_list": Verb("list", "images", (), (("GET", "/images"),)),
    "image_delete": Verb("change", "image", (), (("DELETE", "/images/{name}"),)),
    "image_pull": Verb("change", "image", (), (("POST", "/images/pull"),)),
    "image_build": Verb("change", "image", (), (("POST", "/images/build"),)),
    "image_publish": Verb("change", "image", (), (("POST", "/images/publish"),)),
    "image_prune": Verb("change", "image", (), (("POST", "/images/prune"),)),
    "stats": Verb("other", "container", (), (("GET", "/stats"),)),
    "operations": Verb("other", "host", (), (("GET", "/operations"),)),
    "logs_stream": Verb(
        "other",
        "container",
        ("container",),
        (("GET", "/realms/{realm}/projects/{project}/containers/{name}/logs"),),
    ),
    "exec_stream": Verb(
        "other",
        "container",
        ("container",),
        (("GET", "/realms/{realm}/projects/{project}/containers/{name}/exec"),),
    ),
    "status": Verb("other", "host", (), (("GET", "/status"),)),
    "policy_list": Verb("list", "policies", (), (("GET", "/policies"),)),
    "policy_explain": Verb("other", "policy", (), (("GET", "/explain"),)),
    "policy_info": Verb(
        "one",
        "policy",
        (),
        (
            ("GET", "/realms/{realm}/projects/{project}/containers/{container}/policy"),
            ("GET", "/realms/{realm}/projects/{project}/policy"),
        ),
    ),
    "policy_set": Verb(
        "change",
        "policy",
        (),
        (
            ("PUT", "/realms/{realm}/projects/{project}/containers/{container}/policy"),
            ("PUT", "/realms/{realm}/projects/{project}/policy"),
        ),
    ),
    "policy_delete": Verb(
        "change",
        "policy",
        (),
        (
            ("DELETE", "/realms/{realm}/projects/{project}/containers/{container}/policy"),
            ("DELETE", "/realms/{realm}/projects/{project}/policy"),
        ),
    ),
    "policy_absent": Verb(
        "change",
        "policy",
        (),
        (
            ("POST", "/realms/{realm}/projects/{project}/containers/{container}/policy/absent"),
            ("POST", "/realms/{realm}/projects/{project}/policy/absent"),
        ),
    ),
    "realm_list": Verb("list", "realms", (), (("GET", "/realms"),)),
    "realm_create": Verb("change", "realm", ("realm", "quota"), (("POST", "/realms"),)),
    "realm_info": Verb("one", "realm", ("realm",), (("GET", "/realms/{name}"),)),
    "realm_update": Verb("change", "realm", ("realm", "quota"), (("PATCH", "/realms/{name}"),)),
    "realm_delete": Verb("change", "realm", ("realm",), (("DELETE", "/realms/{name}"),)),
    "realm_ensure": Verb("change", "realm", ("realm", "quota"), (("POST", "/realms/{name}/ensure"),)),
    "project_list": Verb("list", "projects", (), (("GET", "/projects"),)),
    "project_create": Verb(
        "change", "project", ("project", "quota"), (("POST", "/realms/{realm}/projects"),)
    ),
    "project_info": Verb("one", "project", ("project",), (("GET", "/realms/{realm}/projects/{name}"),)),
    "project_update": Verb(
        "change", "project", ("project", "quota"), (("PATCH", "/realms/{realm}/projects/{name}"),)
    ),
    "project_delete": Verb(
        "change", "project", ("project",), (("DELETE", "/realms/{realm}/projects/{name}"),)
    ),
    "project_ensure": Verb(
        "change", "project", ("project", "quota"), (("POST", "/realms/{realm}/projects/{name}/ensure"),)
    ),
    "token_self": Verb("one", "token", (), (("GET", "/self"),)),
    "token_list": Verb("list", "tokens", (), (("GET", "/tokens"),)),
    "token_create": Verb(
        "change", "token", ("token",), (("POST", "/realms/{realm}/tokens"), ("POST", "/tokens"))
    ),
    "token_info": Verb(
        "one", "token", ("token",), (("GET", "/realms/{realm}/tokens/{name}"), ("GET", "/tokens/{name}"))
    ),
    "token_revoke": Verb(
        "change",
        "token",
        ("token",),
        (("DELETE", "/realms/{realm}/tokens/{name}"), ("DELETE", "/tokens/{name}")),
    ),
    "token_rotate": Verb(
        "change",
        "token",
        ("token",),
        (("POST", "/realms/{realm}/tokens/{name}/rotate"), ("POST", "/tokens/{name}/rotate")),
    ),
    "token_ensure": Verb(
        "change",
        "token",
        ("token",),
        (("POST", "/realms/{realm}/tokens/{name}/ensure"), ("POST", "/tokens/{name}/ensure")),
    ),
}
LEFT_OUT = {
    "exec": "its answer is of use to root of the host alone: logs_stream and exec_stream are for others",
    "shell": "its answer is of use to root of the host alone: logs_stream and exec_stream are for others",
    "logs": "its answer is of use to root of the host alone: logs_stream and exec_stream are for others",
    "connect": "its answer is of use to root of the host alone, and files have no stream of the engine yet",
    "get": "its answer is of use to root of the host alone, and files have no stream of the engine yet",
    "put": "its answer is of use to root of the host alone, and files have no stream of the engine yet",
    "export": "its answer is of use to root of the host alone, and files have no stream of the engine yet",
    "import": "its answer is of use to root of the host alone, and files have no stream of the engine yet",
    "volume_backup": "its answer is of use to root of the host alone, and files have no stream of the engine yet",
    "volume_restore": "its answer is of use to root of the host alone, and files have no stream of the engine yet",
    "image_import": "it names a path of the host, which nobody sees from outside",
    "state_backup": "it names a path of the host, which nobody sees from outside",
    "state_restore": "it names a path of the host, which nobody sees from outside",
    "state_info": "it names a path of the host, which nobody sees from outside",
    "top": "it is stats again and again, for a terminal",
    "state_recover": "whoever runs it is on the host, where the engine starts anew with what the pool has",
}
"""Why a verb has none, of those that have none."""
