"""From a request and what is there to plans of secrets: the checks that need the host or the store, then the planner."""

import hmac
from collections.abc import Mapping, Sequence
from pathlib import Path

from skerry.host import credentials
from skerry.model.errors import Code, SkerryError
from skerry.model.secret import MOST, KeptSecret, SecretKey, decoded
from skerry.parts import sealed
from skerry.resources import names, shares
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.resources.secrets import plan, store
from skerry.store import references
from skerry.store.db import Database, now

Decide = DecideAny[KeptSecret]
Planner = PlannerAny[KeptSecret]


def not_found(db: Database, key: SecretKey) -> SkerryError:
    """The error for a secret that is not there. It tells of the named project only, and never what others have."""
    known = references.secret_names(db, key.realm, key.project)
    where = f"{key.realm}/{key.project}"
    hint = f"{names.meant(key.name, known)}Secrets of {where}: {names.listed(known) or 'none yet'}"
    return SkerryError(Code.NOT_FOUND, f"there is no secret {key}", hint)


def existing(context: Context, found: KeptSecret | None, key: SecretKey) -> KeptSecret:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is None:
        raise not_found(context.db, key)
    return found


def users(context: Context, secret: KeptSecret) -> list[str]:
    """The containers that have it, as a person names them: by their options, or still, until they are restarted."""
    found = dict(references.users_of_secret(context.db, secret.project_id, secret.key.name))
    running = sealed.used_by(context.host, secret.id) - found.keys()
    return sorted([*found.values(), *(references.container_name(context.db, one) for one in running)])


def _has(context: Context, secret: KeptSecret, value: bytes) -> bool:
    """Whether a secret has this value already. One that cannot be read any more has not."""
    path = Path(sealed.path(context.host, secret.id))
    try:
        return hmac.compare_digest(credentials.unseal(secret.id, path.read_bytes()), value)
    except (SkerryError, FileNotFoundError):
        return False


def _check_room(context: Context, secret: KeptSecret, size: int) -> None:
    """Refuse a value with which a container could not be handed all of its secrets."""
    for container_id, name in references.users_of_secret(context.db, secret.project_id, secret.key.name):
        others = references.bytes_of_secrets(context.db, container_id, besides=secret.key.name)
        if others + size > MOST:
            raise SkerryError(
                Code.INVALID,
                f"value: {size} bytes are too many for container {name}, whose other secrets have {others}",
                f"Give at most {MOST - others} bytes, or take secrets from that container first",
            )


def _check_share(context: Context, secret: KeptSecret, size: int) -> None:
    shares.check_bytes(context.db, secret.realm_id, secret.key.realm, size=size, besides=secret.id)


def _set(context: Context, key: SecretKey, value: bytes, had: KeptSecret | None) -> Sequence[Decide]:
    def decide(found: KeptSecret | None) -> Plan[KeptSecret] | None:
        if found is None:
            made = store.propose(context.db, context.secret, key, len(value))
            shares.check(context.db, "secret", made.realm_id, key.realm)
            _check_share(context, made, len(value))
            return plan.create(made, value)
        if _has(context, found, value):
            return None
        _check_room(context, found, len(value))
        _check_share(context, found, len(value))
        return plan.change(found, value, now(), users(context, found))

    def forget(found: KeptSecret | None) -> Plan[KeptSecret] | None:
        if had is None or found is None or found.version == had.version:
            return None
        return plan.forget_old(found, had.version)

    return [decide, forget]


def _delete(context: Context, key: SecretKey, *, must_exist: bool) -> Decide:
    def decide(found: KeptSecret | None) -> Plan[KeptSecret] | None:
        if found is None and not must_exist:
            return None
        secret = existing(context, found, key)
        return plan.delete(secret, users(context, secret))

    return decide


PLANNERS: Mapping[str, Planner] = {
    "secret_set": lambda context, request, found: _set(
        context, request.secret, decoded(request.value), found
    ),
    "secret_delete": lambda context, request, _found: [_delete(context, request.secret, must_exist=True)],
    "secret_absent": lambda context, request, _found: [_delete(context, request.secret, must_exist=False)],
}
"""What each verb decides."""
