"""How secrets are shown: their names, versions and users. No function here has a value."""

from typing import Any

from skerry.model.secret import KeptSecret
from skerry.protocol import secrets as requests
from skerry.resources.kind import Context
from skerry.resources.secrets import store, verbs


def view(secret: KeptSecret) -> dict[str, Any]:
    """A secret as an answer shows it."""
    return {
        "id": secret.id,
        **secret.key.model_dump(),
        "version": secret.version,
        "created": secret.created,
        "changed": secret.changed,
    }


def info(context: Context, request: requests.SecretInfo) -> requests.OneSecret:
    """One secret, without its value.

    Raises:
        SkerryError: there is none of that name.
    """
    secret = verbs.existing(context, store.find(context.db, request.secret), request.secret)
    return {"secret": view(secret) | {"containers": verbs.users(context, secret)}}


def list_all(context: Context, request: requests.SecretList) -> requests.Secrets:
    """Every secret, or those of one realm or project."""
    return {
        "secrets": [
            view(one) | {"containers": verbs.users(context, one)}
            for one in store.all_secrets(context.db)
            if context.lists(request, one.key.realm, one.key.project)
        ]
    }
