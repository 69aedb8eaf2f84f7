"""The options of the modules about policies."""

from skerry.protocol.policies import PolicyExplain, PolicyList, PolicySet
from tools.module_options import PRESENT, Option, of_request, option

_STATES = [
    "V(present): it is there, with what the options say, and nothing else.",
    "V(absent): it is deleted. A container has its project's policy then, or is open to all.",
]


def policy() -> dict[str, Option]:
    """The options of skerry_policy."""
    found = of_request(PolicySet)
    first = {name: found.pop(name) for name in ("container", "realm", "project")}
    for name in ("realm", "project"):
        first[name].spec["default"] = PolicySet.model_fields[name].default
    return {"state": Option({**PRESENT, "default": "present"}, _STATES)} | first | found


def policy_info() -> dict[str, Option]:
    """The options of skerry_policy_info."""
    container = Option({"type": "str"}, ["Only the policy of this container."])
    explained = {name: option(PolicyExplain.model_fields[name]) for name in ("url", "ip", "headers")}
    explained["url"].description[0] = (
        "Tell as well what becomes of a request to this URL, and why, in C(explained)."
    )
    for name in ("ip", "headers"):
        explained[name].description[0] = f"With O(url): {explained[name].description[0]}"
    return {"container": container, **of_request(PolicyList), **explained}


MODULES = {"skerry_policy": policy, "skerry_policy_info": policy_info}
