"""From a request and what is there to plans of policies: the checks that need the store, then the planner."""

import dataclasses
from collections.abc import Mapping, Sequence

from skerry.locks import form
from skerry.model.errors import Code, SkerryError
from skerry.model.policy import KeptPolicy, PolicyKey
from skerry.model.tenants import ProjectKey
from skerry.protocol import policies as requests
from skerry.resources import names
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.resources.policies import plan
from skerry.store import policies as store
from skerry.store import projects, references
from skerry.store.db import now

Decide = DecideAny[KeptPolicy]
Planner = PlannerAny[KeptPolicy]


def existing(found: KeptPolicy | None, key: PolicyKey) -> KeptPolicy:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is not None:
        return found
    what = "container" if key.container else "project"
    raise SkerryError(
        Code.NOT_FOUND,
        f"{what} {key} has no policy of its own",
        "Set one: 'skerry policy set' has an example",
    )


def owner(context: Context, key: PolicyKey) -> tuple[str, str]:
    """The ids of what a policy is to be of, and of its project.

    Raises:
        SkerryError: it is not there.
    """
    _, project_id = projects.ids(context.db, context.secret, key.realm, key.project)
    if key.container is None:
        if projects.find(context.db, ProjectKey(realm=key.realm, name=key.project)) is None:
            raise SkerryError(
                Code.NOT_FOUND, f"project {key} has nothing in it yet", "Create a container first"
            )
        return project_id, project_id
    row = references.container(context.db, key.realm, key.project, key.container)
    if row is None:
        known, where = (
            references.container_names(context.db, key.realm, key.project),
            f"{key.realm}/{key.project}",
        )
        raise SkerryError(
            Code.NOT_FOUND,
            f"there is no container {where}/{key.container}",
            f"{names.meant(key.container, known)}Containers of {where}: {names.listed(known) or 'none'}",
        )
    return row.id, project_id


def _new(context: Context, key: PolicyKey) -> KeptPolicy:
    owner_id, project_id = owner(context, key)
    made = now()
    new = projects.next_id(context.db, context.secret, "policy")
    plain = PolicyKey(realm=key.realm, project=key.project, container=key.container)
    return KeptPolicy(new, owner_id, project_id, plain, "deny", True, [], "", 0, made, made)


def _set(context: Context, request: requests.PolicySet, _found: KeptPolicy | None) -> Sequence[Decide]:
    def decide(found: KeptPolicy | None) -> Plan[KeptPolicy] | None:
        before = _form(context, found)
        after, shown, tokens = form.make(request.default, request.groups, before, enabled=request.enabled)
        if found is not None and before == after:
            return None
        policy = found or _new(context, request)
        policy = dataclasses.replace(
            policy,
            default=request.default,
            enabled=request.enabled,
            shown=shown,
            sealed=form.seal(context.secret, policy.owner, after),
            version=policy.version + 1,
            changed=now(),
        )
        return plan.change(found, policy, tokens) if found else plan.create(policy, tokens)

    return [decide]


def _form(context: Context, found: KeptPolicy | None) -> form.Form | None:
    """The normal form that a policy has; one that can't be read any more has none, and is set anew."""
    try:
        return form.unseal(context.secret, found.owner, found.sealed) if found else None
    except SkerryError:
        return None


def _delete(context: Context, request: requests.PolicyDelete | requests.PolicyAbsent) -> Sequence[Decide]:
    def decide(found: KeptPolicy | None) -> Plan[KeptPolicy] | None:
        if found is None and isinstance(request, requests.PolicyAbsent):
            return None
        policy = existing(found, request)
        above = PolicyKey(realm=policy.key.realm, project=policy.key.project)
        of_project = policy.key.container is not None and store.find(context.db, above) is not None
        return plan.delete(policy, plan.opens(of_project=of_project))

    return [decide]


PLANNERS: Mapping[str, Planner] = {
    "policy_set": _set,
    "policy_delete": lambda context, request, _found: _delete(context, request),
    "policy_absent": lambda context, request, _found: _delete(context, request),
}
"""What each verb decides."""
