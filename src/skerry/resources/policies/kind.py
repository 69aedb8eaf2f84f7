"""Policies, as the engine knows them: what decides, what is stored when, how one is shown."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from skerry.model.policy import KeptPolicy, PolicyKey
from skerry.protocol import policies as requests
from skerry.resources.kind import Answer, Context, Kind, Plan, Planner, Reader
from skerry.resources.policies import explain, verbs
from skerry.store import policies as store
from skerry.store import projects, references


class Policies(Kind[KeptPolicy]):
    """The kind of policies."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = KeptPolicy
    tables: ClassVar[tuple[str, ...]] = store.TABLES

    def planners(self) -> Mapping[str, Planner[KeptPolicy]]:
        """What decides, for each verb that changes something."""
        return verbs.PLANNERS

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"policy_info": self._info, "policy_list": self._list, "policy_explain": explain.explain}

    def find(self, context: Context, request: Any) -> KeptPolicy | None:
        """The policy of what a request names."""
        return store.find(context.db, request) if isinstance(request, PolicyKey) else None

    def about(self, resource: KeptPolicy) -> tuple[str, str]:
        """Its id, and what it is of."""
        return resource.id, str(resource.key)

    def asked(self, request: Any) -> str:
        """What a request names."""
        return str(PolicyKey(realm=request.realm, project=request.project, container=request.container))

    def view(self, context: Context, resource: KeptPolicy) -> Answer:  # noqa: ARG002
        """The policy as an answer shows it."""
        return {
            "id": resource.id,
            "name": resource.key.container or "every container",
            **resource.key.model_dump(),
            "state": "on" if resource.enabled else "off",
            "enabled": resource.enabled,
            "default": resource.default,
            "groups": resource.shown,
            "group_names": [one["name"] for one in resource.shown],
            "version": resource.version,
            "created": resource.created,
            "changed": resource.changed,
        }

    def _info(self, context: Context, request: requests.PolicyInfo) -> requests.OnePolicy:
        verbs.owner(context, request)
        found = verbs.existing(store.find(context.db, request), request)
        return {"policy": dict(self.view(context, found))}

    def _list(self, context: Context, request: requests.PolicyList) -> requests.Policies:
        return {
            "policies": [
                dict(self.view(context, one))
                for one in store.every(context.db)
                if context.lists(request, one.key.realm, one.key.project)
            ]
        }

    def begin(self, context: Context, plan: Plan[KeptPolicy]) -> None:
        """Write the policy, or that it is gone, before the proxy has it so."""
        if plan.before is None:
            projects.count(context.db, "policy")
        self._write(context, plan.after, plan.resource)

    def withdraw(self, context: Context, plan: Plan[KeptPolicy]) -> None:
        """Write the one of before: the proxy is brought to what the store has."""
        self.undone(context, plan)

    def done(self, context: Context, plan: Plan[KeptPolicy]) -> None:
        """All is written already."""

    def undone(self, context: Context, plan: Plan[KeptPolicy]) -> None:
        """Write the policy of before, or forget one that was to be made."""
        self._write(context, plan.before, plan.resource)

    @staticmethod
    def _write(context: Context, policy: KeptPolicy | None, resource: KeptPolicy) -> None:
        if policy is None:
            store.delete(context.db, resource.id)
        else:
            store.write(context.db, policy)

    def warnings(
        self,
        context: Context,
        before: KeptPolicy | None,  # noqa: ARG002
        after: KeptPolicy | None,
    ) -> Iterable[str]:
        """That ports of the host lead past it."""
        if after is None or after.key.container is None:
            return
        row = references.container(context.db, after.key.realm, after.key.project, after.key.container)
        if row and row.spec.publish:
            ports = ", ".join(row.spec.publish)
            yield f"{ports} of the host leads to {after.key.container} past its policy, which is of URLs"

    def figures(self, context: Context) -> Answer:
        """How many there are."""
        return {"policies": len(store.every(context.db))}
