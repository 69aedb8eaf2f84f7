"""What a token must have for each verb, and what the verb is about. A verb that does not stand here is no token's.

One decision a verb: where it reaches, and the least template that has it. Each template has what the one before it has.
"""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from enum import StrEnum

from skerry.model.base import InProject
from skerry.model.tenants import ProjectKey, RealmKey
from skerry.model.token import KeptToken, TokenKey
from skerry.protocol.core import Request

TEMPLATES = ("reader", "deploy", "admin", "operator")
SHOW_ENV = "show_env"  # a right that is no verb: to see the values of environments, which may be secrets
SELF = "token_self"  # the verb that needs no right


class Reach(StrEnum):
    """What a verb is about, and so which tokens can have it at all."""

    HOST = "host"  # paths, processes or options of the host: the operator's tokens
    REALM = (
        "realm"  # a realm, or what it decides about a project: tokens of a whole realm, and the operator's
    )
    PROJECT = "project"  # what is in the project that the request names
    LISTING = "listing"  # the answer has only what the token is about
    TOKEN = "token"  # noqa: S105 - tokens that grant no more than the one that asks


@dataclasses.dataclass(frozen=True)
class Right:
    """What is decided of a verb."""

    reach: Reach
    template: str


def _all(reach: Reach, template: str, verbs: str) -> dict[str, Right]:
    return dict.fromkeys(verbs.split(), Right(reach, template))


RIGHTS: Mapping[str, Right] = {
    **_all(Reach.PROJECT, "reader", "info volume_info secret_info snapshot_info project_info policy_info"),
    **_all(
        Reach.LISTING, "reader", "list stats top volume_list secret_list snapshot_list alias_list image_list"
    ),
    **_all(Reach.LISTING, "reader", "project_list policy_list operations status token_self"),
    **_all(Reach.REALM, "reader", "realm_list realm_info"),
    **_all(Reach.PROJECT, "deploy", "create start stop restart update rollback delete ensure"),
    **_all(Reach.PROJECT, "deploy", "volume_create volume_update volume_ensure secret_set"),
    **_all(
        Reach.PROJECT,
        "deploy",
        "snapshot_create snapshot_ensure alias_set alias_drain alias_delete logs_stream",
    ),
    **_all(Reach.HOST, "deploy", "image_import image_pull image_build logs"),
    **_all(
        Reach.PROJECT, "admin", "freeze thaw copy rename volume_copy volume_rename volume_delete exec_stream"
    ),
    **_all(Reach.PROJECT, "admin", "secret_delete secret_absent snapshot_restore snapshot_delete show_env"),
    **_all(Reach.PROJECT, "admin", "policy_set policy_delete policy_absent"),
    **_all(Reach.LISTING, "admin", "policy_explain"),
    **_all(Reach.REALM, "admin", "project_create project_update project_delete project_ensure"),
    **_all(Reach.TOKEN, "admin", "token_create token_ensure token_rotate token_revoke token_info"),
    **_all(Reach.LISTING, "admin", "token_list"),
    **_all(Reach.HOST, "admin", "exec shell connect get put export import volume_backup volume_restore"),
    **_all(Reach.HOST, "admin", "image_publish image_delete image_prune"),
    **_all(Reach.HOST, "operator", "realm_create realm_update realm_delete realm_ensure"),
    **_all(Reach.HOST, "operator", "state_backup state_restore state_recover state_info"),
}
"""Of each verb what it is about, and which template is the first that has it."""
_MORE: Mapping[str, Mapping[str, str]] = {
    "ensure": {"copy_of": "copy", "renamed_from": "rename"},
    "volume_ensure": {"copy_of": "volume_copy", "renamed_from": "volume_rename"},
    "info": {"show_env": SHOW_ENV},
    "image_list": {"show_env": SHOW_ENV},
}
_DELETES = {
    "ensure": "delete",
    "token_ensure": "token_revoke",
    **{f"{kind}_ensure": f"{kind}_delete" for kind in ("volume", "snapshot", "realm", "project")},
}


def of_template(template: str, *, realm: bool, projects: bool) -> tuple[str, ...]:
    """The verbs that a template grants to a token of the host, of a realm, or of some of its projects."""
    most = TEMPLATES.index(template)
    return tuple(
        sorted(
            verb
            for verb, right in RIGHTS.items()
            if TEMPLATES.index(right.template) <= most and fits(verb, realm=realm, projects=projects)
        )
    )


def fits(verb: str, *, realm: bool, projects: bool) -> bool:
    """Whether a token of the host, of a realm, or of some of its projects can have a verb at all."""
    reach = RIGHTS[verb].reach
    return not ((realm and reach is Reach.HOST) or (projects and reach is Reach.REALM))


def check_verbs(values: list[str]) -> list[str]:
    """Verbs that there are, sorted, each once.

    Raises:
        ValueError: one of them is none.
    """
    for one in values:
        if one not in RIGHTS:
            near = difflib.get_close_matches(one, RIGHTS, 1)
            right = near[0] if near else f"some of {', '.join(sorted(RIGHTS))}"
            raise ValueError(f"there is no verb {one[:40]!r}; give {right}")
    return sorted(set(values))


def needed(request: Request) -> Iterator[str]:
    """The rights that a request needs: its verb, and what else it does."""
    if request.verb != SELF:
        yield request.verb
    if getattr(request, "state", "") == "absent":
        yield _DELETES.get(request.verb, request.verb)
    for field, right in _MORE.get(request.verb, {}).items():
        if getattr(request, field, None):
            yield right


def outside(token: KeptToken, request: Request) -> str:
    """What a request names that is none of a token's business, as a person names it; empty where it is.

    Nothing is looked up: what exists and what never did is the same here.
    """
    for field in ("container", "volume", "secret", "snapshot"):
        key = getattr(request, field, None)
        if isinstance(key, InProject):
            return _outside(token, key)
    match getattr(request, "project", None), getattr(request, "realm", None):
        case ProjectKey() as key, _:
            return "" if token.sees(key.realm, key.name) else f"project {key}"
        case _, RealmKey() as key:
            mine = token.operators or key.name == token.key.realm
            return "" if mine else f"realm {key}"
    key = getattr(request, "token", None)
    if isinstance(key, TokenKey):
        return "" if token.operators or key.realm == token.key.realm else f"token {key}"
    named: object = request  # an alias is named by fields of the request itself
    if isinstance(named, InProject) and RIGHTS[request.verb].reach is Reach.PROJECT:
        return _outside(token, named)
    return ""


def _outside(token: KeptToken, key: InProject) -> str:
    realm, project = (str(getattr(key, part)) for part in ("realm", "project"))
    return "" if token.sees(realm, project) else f"project {realm}/{project}"
