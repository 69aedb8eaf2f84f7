"""What the verbs of an alias decide: pure functions from what is there and what is desired to a plan."""

from skerry.model.alias import Alias
from skerry.model.host import HostConfig
from skerry.parts.alias import AliasRoute, Drained
from skerry.parts.base import Part, Step
from skerry.resources.kind import Plan


def route(host: HostConfig, alias: Alias) -> AliasRoute:
    """Its entry at the proxy."""
    return AliasRoute(alias.host_name(host.domain), alias.target(host.domain), alias.realm)


def _leads_to(alias: Alias) -> str:
    return f"{alias.container}, service {alias.service}" if alias.service else alias.container


def await_target(verb: str, found: Alias | None, desired: Alias, ready: Part) -> Plan[Alias]:
    """Wait until the container answers: before that nothing is switched, nor written down."""
    steps = (Step("make", ready, "the name leads to what answers"),)
    return Plan(verb, found, found or desired, steps, "undo", lasting=False, aside=True)


def lead(verb: str, host: HostConfig, found: Alias | None, desired: Alias) -> Plan[Alias]:
    """Let the name lead to the desired container, in one step."""
    after = route(host, desired)
    if found is None:
        return Plan(verb, None, desired, (Step("make", after, f"it leads to {_leads_to(desired)}"),), "undo")
    if found == desired:
        return Plan(verb, found, found, (), "undo")
    step = Step("change", after, f"from {_leads_to(found)} to {_leads_to(desired)}", route(host, found))
    return Plan(verb, found, desired, (step,), "undo")


def delete(host: HostConfig, alias: Alias) -> Plan[Alias]:
    """Delete the name."""
    step = Step("remove", route(host, alias), "its URL is dead")
    return Plan("alias_delete", alias, None, (step,), "finish")


def drain(host: HostConfig, alias: Alias, within: float, streams: int) -> Plan[Alias]:
    """End what is open to where the name led before. Cut off in the middle, what is left stays open."""
    step = Step("make", Drained(alias.host_name(host.domain), within, streams), "it leads elsewhere now")
    return Plan("alias_drain", alias, alias, (step,), "undo")
