"""The options of the modules about tokens."""

from skerry.protocol.tokens import TokenEnsure, TokenList
from tools.module_options import Option, of_request

_STATES = [
    "V(present): it is there, with what the options say; one that is there keeps what they do not name, and its value.",
    "V(rotated): it gets another value, and the old one is revoked at once. Each run does so.",
    "V(absent): it is revoked at once, with what is open by it.",
]


def token() -> dict[str, Option]:
    """The options of skerry_token."""
    found = of_request(TokenEnsure)
    found["state"] = Option(
        {"type": "str", "choices": ["present", "rotated", "absent"], "default": "present"}, _STATES
    )
    first = {name: found.pop(name) for name in ("name", "state", "realm")}
    return first | found


def token_info() -> dict[str, Option]:
    """The options of skerry_token_info."""
    names = Option({"type": "str"}, ["Only tokens of this name, or REALM/NAME."])
    return {"name": names, **of_request(TokenList)}


MODULES = {"skerry_token": token, "skerry_token_info": token_info}
