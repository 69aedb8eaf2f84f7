"""Tokens, as the engine knows them: what decides, what is stored when, how one is shown."""

from collections.abc import Mapping
from typing import Any, ClassVar

from skerry.model import token as model
from skerry.model.errors import Code, SkerryError
from skerry.model.token import KeptToken
from skerry.protocol import tokens as requests
from skerry.resources.kind import Answer, Context, Kind, Plan, Planner, Reader
from skerry.resources.tokens import verbs
from skerry.store import projects
from skerry.store import tokens as store


class Tokens(Kind[KeptToken]):
    """The kind of tokens. One operation at a time: what one grants is decided while no other changes."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = KeptToken
    tables: ClassVar[tuple[str, ...]] = store.TABLES
    serial: ClassVar[bool] = True

    def planners(self) -> Mapping[str, Planner[KeptToken]]:
        """What decides, for each verb that changes something."""
        return verbs.PLANNERS

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"token_info": self._info, "token_list": self._list, "token_self": self._self}

    def find(self, context: Context, request: Any) -> KeptToken | None:
        """The token of the name that a request gives, unless it is none of the asking token's business."""
        found = store.find(context.db, request.token)
        return found if found and verbs.seen(context, found) else None

    def about(self, resource: KeptToken) -> tuple[str, str]:
        """Its id, its realm and name."""
        return resource.id, str(resource.key)

    def asked(self, request: Any) -> str:
        """Realm and name in a request."""
        return str(request.token)

    def view(self, context: Context, resource: KeptToken) -> Answer:
        """The token as an answer shows it: neither its value nor the digest."""
        return {
            "id": resource.id,
            **resource.key.model_dump(),
            "projects": [one for one in resource.projects if context.sees(resource.key.realm or "", one)],
            "template": resource.template or None,
            "verbs": list(resource.verbs),
            "cidrs": list(resource.cidrs),
            "expires": resource.expires or None,
            "state": "expired" if resource.over(model.now()) else "valid",
            "created": resource.created,
            "created_by": _maker(context, resource),
            "rotated": resource.rotated,
            "last_used": store.last_used(context.db, resource.id) or None,
        }

    def _info(self, context: Context, request: requests.TokenInfo) -> requests.OneToken:
        found = verbs.existing(context, self.find(context, request), request.token)
        return {"token": dict(self.view(context, found))}

    def _list(self, context: Context, request: requests.TokenList) -> requests.Tokens:
        return {
            "tokens": [
                dict(self.view(context, one))
                for one in store.every(context.db)
                if request.realm in {None, one.key.realm} and verbs.seen(context, one)
            ]
        }

    def _self(self, context: Context, _request: requests.TokenSelf) -> requests.OneToken:
        if context.asker is None:
            raise SkerryError(
                Code.INVALID, "this socket knows no tokens: root asks", "Use 'skerry token list' to see them"
            )
        return {"token": dict(self.view(context, context.asker))}

    def begin(self, context: Context, plan: Plan[KeptToken]) -> None:
        """Write what takes rights away before anything else: from here on the old value is none."""
        if plan.after is None:
            store.delete(context.db, plan.resource.id)
        elif plan.before is None:
            projects.count(context.db, "token")
        else:
            store.write(context.db, plan.after)

    def done(self, context: Context, plan: Plan[KeptToken]) -> None:
        """Write a new one."""
        if plan.after is not None:
            store.write(context.db, plan.after)

    def undone(self, context: Context, plan: Plan[KeptToken]) -> None:
        """Write the one of before."""
        if plan.before is not None:
            store.write(context.db, plan.before)

    def missing(self, context: Context, request: Any) -> str:
        """What the name may have been meant for."""
        return str(verbs.not_found(context, request.token))

    def figures(self, context: Context) -> Answer:
        """How many there are."""
        return {"tokens": len(store.every(context.db))}


def _maker(context: Context, token: KeptToken) -> str:
    """Who made a token; which one of the operator's is no tenant's business."""
    asker, by = context.asker, token.created_by
    if asker is None or asker.operators or by == model.ROOT or by.startswith(f"{asker.key.realm}/"):
        return by
    return "operator"
