"""What becomes of a request, and why: decided as the proxy decides it, from what the store has."""

import dataclasses
import urllib.parse

from skerry.host import routes
from skerry.locks import form
from skerry.locks.evaluate import Asked, Verdict, evaluate
from skerry.model import token
from skerry.model.errors import Code, SkerryError
from skerry.model.policy import KeptPolicy
from skerry.protocol.policies import Explained, PolicyExplain
from skerry.resources.kind import Context
from skerry.store import policies as store
from skerry.store import references


def explain(context: Context, request: PolicyExplain) -> Explained:
    """Decide on a request, and tell how.

    Raises:
        SkerryError: the URL is none of this host's, or what the request comes with is malformed.
    """
    asked = Asked(
        _address(request.ip), [_header(one) for one in request.headers], int(token.now().timestamp())
    )
    container_id, project_id = _led_to(context, request.url)
    name = references.container_name(context.db, container_id)
    realm, project, _ = name.split("/")
    if not context.sees(realm, project):
        raise _unknown(request.url)
    policies = {one.owner: one for one in store.every(context.db)}
    policy = policies.get(container_id) or policies.get(project_id)
    verdict = _decide(context, policy, asked)
    return {
        "container": name,
        "policy": str(policy.key) if policy else None,
        "status": verdict.status,
        "group": verdict.why,
        "subject": verdict.subject,
        "groups": [dataclasses.asdict(one) | {"holds": one.holds} for one in verdict.groups],
    }


def _decide(context: Context, policy: KeptPolicy | None, asked: Asked) -> Verdict:
    if policy is None:
        return Verdict("allow", "open")
    return evaluate(form.unseal(context.secret, policy.owner, policy.sealed), asked)


def _unknown(url: str) -> SkerryError:
    return SkerryError(
        Code.NOT_FOUND, f"url: {url[:200]!r} leads to no container", "Give a URL as 'skerry info' shows it"
    )


def _led_to(context: Context, url: str) -> tuple[str, str]:
    """The ids of the container and of the project that a URL leads to."""
    try:
        host = urllib.parse.urlsplit(url if "://" in url else f"https://{url}").hostname or ""
    except ValueError:
        host = ""
    known = routes.read(context.host.database)
    entry = known.get(host.rstrip("."), "")
    fields = known.get(entry.split("|")[1], "").split("|") if entry.startswith("@|") else entry.split("|")
    if len(fields) < 5:
        raise _unknown(url)
    return fields[4], fields[3]


def _address(text: str) -> str:
    try:
        return str(token.address(text))
    except ValueError:
        raise SkerryError(
            Code.INVALID, f"ip: {text!r} is no address", "Give one such as 192.0.2.7 or 2001:db8::7"
        ) from None


def _header(text: str) -> tuple[str, bytes]:
    name, colon, value = text.partition(":")
    if not colon or not name or not name.isascii() or "\n" in text or "\r" in text:
        raise SkerryError(
            Code.INVALID,
            "headers: one has not the form NAME: VALUE",
            "Give it as curl takes it: 'cookie: a=b'",
        )
    return name.strip().lower(), value.strip().encode()
