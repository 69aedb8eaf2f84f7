"""From a request and what is there to plans of tokens: the checks that need the store, then the planner."""

import dataclasses
from collections.abc import Mapping, Sequence

from skerry.model import token as model
from skerry.model.errors import Code, SkerryError
from skerry.model.tenants import ProjectKey, RealmKey
from skerry.model.token import KeptToken, TokenKey
from skerry.protocol import rights
from skerry.protocol import tokens as requests
from skerry.resources import names, shares
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.resources.tokens import plan
from skerry.store import projects
from skerry.store import tokens as store
from skerry.store.db import now

Decide = DecideAny[KeptToken]
Planner = PlannerAny[KeptToken]
Options = requests.TokenCreate | requests.TokenEnsure


def seen(context: Context, token: KeptToken) -> bool:
    """Whether the token that asks may know of another one: that is about no more realms and projects."""
    asker = context.asker
    if asker is None or asker.operators:
        return True
    within = asker.whole_realm or (token.project_ids and set(token.project_ids) <= set(asker.project_ids))
    return token.realm_id == asker.realm_id and bool(within)


def not_found(context: Context, key: TokenKey) -> SkerryError:
    """The error for a token that is not there."""
    known = [
        one.key.name for one in store.every(context.db) if one.key.realm == key.realm and seen(context, one)
    ]
    whose = f"Tokens of realm {key.realm}" if key.realm else "The operator's tokens"
    hint = f"{names.meant(key.name, known)}{whose}: {names.listed(known, 10) or 'none yet'}"
    return SkerryError(Code.NOT_FOUND, f"there is no token {key}", hint)


def existing(context: Context, found: KeptToken | None, key: TokenKey) -> KeptToken:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is None:
        raise not_found(context, key)
    return found


def _check_grants(context: Context, token: KeptToken, what: str) -> None:
    """Refuse that a token makes, changes or revokes one that grants more than it has.

    Raises:
        SkerryError: naming what would be more.
    """
    more = "" if context.asker is None else token.beyond(context.asker)
    if more:
        raise SkerryError(
            Code.FORBIDDEN,
            f"{what}: the token that asks has less than that. {more}",
            "Ask for less, or ask with a token that has it",
        )


def _new(context: Context, key: TokenKey) -> KeptToken:
    realm = projects.find_realm(context.db, RealmKey(name=key.realm)) if key.realm else None
    if key.realm and realm is None:
        raise SkerryError(
            Code.NOT_FOUND,
            f"realm: there is no realm {key.realm}",
            f"Create it first: skerry realm create {key.realm}",
        )
    by = f"{context.asker.key} ({context.asker.id})" if context.asker else model.ROOT
    made = now()
    return KeptToken(
        projects.next_id(context.db, context.secret, "token"),
        key,
        "",
        realm_id=realm.id if realm else "",
        created=made,
        created_by=by,
        rotated=made,
    )


def _projects(context: Context, token: KeptToken, given: Sequence[str]) -> KeptToken:
    if given and not token.key.realm:
        raise SkerryError(
            Code.INVALID, "projects: the token has no realm", "Name the realm of these projects as well"
        )
    found = {}
    for name in dict.fromkeys(given):
        key = ProjectKey(realm=token.key.realm or "", name=name)
        project = projects.find(context.db, key)
        if project is None or not context.sees(key.realm, name):
            raise SkerryError(
                Code.NOT_FOUND, f"projects: there is no project {key}", "Name one that there is, or create it"
            )
        found[name] = project.id
    return dataclasses.replace(
        token, projects=tuple(sorted(found)), project_ids=tuple(found[name] for name in sorted(found))
    )


def _verbs(token: KeptToken, request: Options, *, reached: bool) -> KeptToken:
    """The token with the verbs that a request gives, or its own, as far as these fit what it is about.

    Args:
        token: with its realm and projects.
        request: what is asked.
        reached: whether what it is about is another one than before.
    """
    about = {"realm": not token.operators, "projects": not token.whole_realm}
    if request.template and request.verbs:
        raise SkerryError(Code.INVALID, "template and verbs: only one of the two is allowed", "Leave one out")
    if request.template == "operator" and token.realm_id:
        raise SkerryError(
            Code.INVALID,
            f"template: a token of realm {token.key.realm} can't be the operator's",
            "Give admin, deploy or reader, or leave out the realm",
        )
    template = request.template or (token.template if reached and not request.verbs else None)
    if template:
        return dataclasses.replace(token, template=template, verbs=rights.of_template(template, **about))
    if not request.verbs:
        if request.verbs is not None or not token.verbs:
            raise SkerryError(
                Code.INVALID, "template: is missing", "Give a template such as deploy, or verbs in its place"
            )
        return token
    for verb in request.verbs:
        if not rights.fits(verb, **about):
            raise SkerryError(
                Code.INVALID,
                f"verbs: {verb} is about more than {token.place}",
                "Leave it out, or make a token of the operator's",
            )
    return dataclasses.replace(token, template="", verbs=tuple(request.verbs))


def _with_options(context: Context, token: KeptToken, request: Options) -> KeptToken:
    """The token with what a request names; a template's verbs are those of now.

    Raises:
        SkerryError: what it names is not there, or does not go together.
    """
    after = token if request.projects is None else _projects(context, token, request.projects)
    after = _verbs(after, request, reached=after.project_ids != token.project_ids)
    if request.cidrs is not None:
        after = dataclasses.replace(after, cidrs=tuple(request.cidrs))
    if request.expires is not None and not (token.digest and _lasts(request.expires)):
        after = dataclasses.replace(after, expires=model.moment(request.expires) or "")
    return after


def _lasts(text: str) -> bool:
    """Whether it is a duration: that of a token which is there has begun already."""
    return text != model.NEVER and text[-1:] in "mhdw"


def _create(context: Context, request: Options) -> Decide:
    def decide(found: KeptToken | None) -> Plan[KeptToken]:
        if found is not None:
            raise SkerryError(
                Code.EXISTS,
                f"token {found.key} exists already",
                "Choose another name. To get another value, rotate it",
            )
        token = _with_options(context, _new(context, request.token), request)
        if token.realm_id:
            shares.check(context.db, "token", token.realm_id, str(token.key.realm))
        _check_grants(context, token, f"token {token.key}")
        return plan.create(token)

    return decide


def _change(context: Context, request: requests.TokenEnsure) -> Decide:
    def decide(found: KeptToken | None) -> Plan[KeptToken]:
        token = existing(context, found, request.token)
        after = _with_options(context, token, request)
        for one in (token, after):
            _check_grants(context, one, f"token {token.key}")
        return plan.change(token, after)

    return decide


def _rotate(context: Context, request: requests.TokenRotate, _found: KeptToken | None) -> Sequence[Decide]:
    def decide(found: KeptToken | None) -> Plan[KeptToken]:
        token = existing(context, found, request.token)
        expires = token.expires if request.expires is None else model.moment(request.expires) or ""
        if expires and dataclasses.replace(token, expires=expires).over(model.now()):
            raise SkerryError(
                Code.INVALID, f"token {token.key} has ended at {expires}", "Give expires as well, such as 90d"
            )
        for one in (token, dataclasses.replace(token, expires=expires)):
            _check_grants(context, one, f"token {token.key}")
        return plan.rotate(token, expires, now())

    return [decide]


def _revoke(context: Context, key: TokenKey, *, must_exist: bool) -> Decide:
    def decide(found: KeptToken | None) -> Plan[KeptToken] | None:
        if found is None and not must_exist:
            return None
        token = existing(context, found, key)
        _check_grants(context, token, f"token {token.key}")
        by = f"({token.id})"
        made = [str(one.key) for one in store.every(context.db) if one.created_by.endswith(by)]
        return plan.revoke(token, made)

    return decide


def _ensure(context: Context, request: requests.TokenEnsure, found: KeptToken | None) -> Sequence[Decide]:
    if request.state == "absent":
        return [_revoke(context, request.token, must_exist=False)]
    return [_create(context, request) if found is None else _change(context, request)]


PLANNERS: Mapping[str, Planner] = {
    "token_create": lambda context, request, _found: [_create(context, request)],
    "token_ensure": _ensure,
    "token_rotate": _rotate,
    "token_revoke": lambda context, request, _found: [_revoke(context, request.token, must_exist=True)],
}
"""What each verb decides."""
