"""The host's side of test_locks.py: the real proxy and Python decide on the same requests, and differ nowhere.

Runs on the host as root: ``python3 lock_sweep.py sweep SEED POLICIES EACH | attacks | mutations | cost``. Prints JSON.
"""

import base64
import collections
import dataclasses
import json
import random
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lock_tokens as tokens
import proxy_agent as agent

from skerry.host import policies
from skerry.locks import form
from skerry.locks.evaluate import Asked, evaluate
from skerry.model.policy import Group
from skerry.parts.proxy import Route

PROJECT = "a" * 24
LUA = Path("/etc/skerry/locks.lua")
SOURCES = ("127.0.0.1", "127.1.2.3", "127.1.200.4", "127.77.0.1", "127.200.9.9", "::1")
NETWORKS = (
    "127.0.0.0/8",
    "127.1.0.0/16",
    "127.1.2.0/24",
    "127.77.0.1/32",
    "::1/128",
    "::/0",
    "fd00::/8",
    "10.0.0.0/8",
)
USERS = {"ann": "password of ann", "bob": "pa:ss:word", "Zoë": "pässwörd"}
FROM = ("header:authorization", "header:x-key", "cookie:lock", "cookie:other")
MUTATIONS = (
    ("if group.deny then return refuse", "if false then return refuse"),
    ("if needs and not group.deny then", "if needs then"),
    ("if not policy.enabled then", "if false then"),
    ('if policy.default == "allow" then', "if false then"),
    (" or (found.expires and now >= found.expires)", ""),
    ("if group.ip and not within(group.ip, address) then return nil, false end", ""),
    ("scheme:lower() == group.scheme", "true"),
    (" or header.alg ~= key.alg", ""),
    (' or not signed(key, head .. "." .. body, signature)', ""),
    ("if jwt.issuer and claims.iss ~= jwt.issuer then return nil end", ""),
    ("if not any_of(claims[name], allowed) then return nil end", ""),
    ("return now < found.exp and now >= found.nbf and found.subject or nil", "return found.subject"),
    ("if tonumber(txn.sf:req_fhdr_cnt(name)) ~= 1 then return nil end", ""),
    ("    hide(txn, policy)\n", ""),
    ('("%%%02X"):format(byte:byte())', "byte"),
)
"""What would be wrong in the evaluator, each in a line of its own."""


def wire(text: str) -> bytes:
    """A header's value as it is sent."""
    return text.encode()


class Client:
    """Kept connections, one of each source address."""

    def __init__(self) -> None:
        self.open: dict[str, ssl.SSLSocket] = {}

    def ask(self, source: str, host: str, path: str, headers: list[tuple[str, bytes]]) -> tuple[bytes, bytes]:
        """Head and body of the answer."""
        key = f"{source} {host}"
        if key not in self.open:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            at = ("::1" if ":" in source else "127.0.0.1", 443)
            plain = socket.create_connection(at, timeout=30, source_address=(source, 0))
            self.open[key] = context.wrap_socket(plain, server_hostname=host)
        lines = [f"GET {path} HTTP/1.1".encode(), b"host: " + host.encode()]
        lines += [name.encode() + b": " + value for name, value in headers]
        self.open[key].sendall(b"\r\n".join([*lines, b"", b""]))
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(key)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(
            next(line for line in head.lower().splitlines() if line.startswith(b"content-length")).split(
                b":"
            )[1]
        )
        while len(body) < length:
            body += self._more(key)
        if b"connection: close" in head.lower():
            self.open.pop(key).close()
        return head, body

    def _more(self, key: str) -> bytes:
        found = self.open[key].recv(65_536)
        if not found:
            raise ConnectionResetError(key)
        return found


@dataclasses.dataclass
class Locked:
    """A URL with a policy of its own."""

    owner: str
    form: dict[str, Any]
    made: dict[str, str]

    @property
    def host(self) -> str:
        return f"{PROJECT}-{self.owner}.{agent.DOMAIN}"

    def live(self) -> None:
        """At the proxy, without the engine."""
        agent.MASTER.set_entry(policies.path(agent.HOST), self.owner, form.value(self.owner, self.form))


def locked(number: int, default: str, groups: list[dict[str, Any]], *, enabled: bool = True) -> Locked:
    """A URL of that number, and its policy."""
    owner = f"{number:024x}"
    made = form.make(default, [Group.model_validate(one) for one in groups], None, enabled=enabled)
    found = Locked(owner, json.loads(form.text(made[0])), made[2])
    agent.make(Route(found.host, agent.ADDRESSES[0], 1071, "default", PROJECT, owner))
    found.live()
    return found


POINTED: tuple[tuple[list[dict[str, Any]], bool], ...] = (  # what chance would seldom draw: groups, enabled
    ([{"name": "g0", "deny": True, "tokens": [{"name": "t0"}]}], True),
    ([{"name": "g0", "tokens": [{"name": "t0", "expires": "2099-01-01"}]}], True),
    ([{"name": "g0", "tokens": [{"name": "t0"}], "sources": ["header:x-key"]}], True),
    ([{"name": "g0", "jwt": {"secret": tokens.SECRET}}], True),
    ([{"name": "g0", "ip": ["0.0.0.0/0", "::/0"]}], False),
)
_POINTED_EACH = 80  # requests to each of these


def a_group(draw: random.Random, number: int) -> dict[str, Any]:
    """Any group that there can be."""
    found: dict[str, Any] = {"name": f"g{number}", "deny": draw.random() < 0.25}
    kind = draw.choice(("", "passwords", "tokens", "jwt", "jwt"))
    if not kind or draw.random() < 0.4:
        found["ip"] = draw.sample(NETWORKS, draw.randint(1, 3))
    if kind == "passwords":
        found["passwords"] = [
            {"user": one, "password": USERS[one]} for one in draw.sample(list(USERS), draw.randint(1, 3))
        ]
    elif kind == "tokens":
        expires = draw.choice((None, "2099-01-01"))
        found["tokens"] = [{"name": f"t{n}", "expires": expires} for n in range(draw.randint(1, 3))]
    elif kind == "jwt":
        found["jwt"] = draw.choice(
            (tokens.KEYED, {"secret": tokens.SECRET}, tokens.KEYED | {"audience": [], "claims": []})
        )
    if kind in {"tokens", "jwt"} and draw.random() < 0.5:
        found["sources"] = draw.sample(FROM, draw.randint(1, 3))
    return found


def credentials(
    draw: random.Random, one: Locked, known: list[str], *, pointed: bool
) -> list[tuple[str, bytes]]:
    """What a visitor may come with: what a group wants, what none wants, the wrong place, twice."""
    good = (
        tokens.rs(),
        tokens.hs(),
        tokens.hs(tokens.claims(sub="A b%\nü")),
        tokens.hs(tokens.claims(exp=1)),
    )
    bearer = draw.choice(draw.choice(([*one.made.values(), "lk_wrong", ""], known, good)))
    if pointed:
        bearer = next(iter(one.made.values()), tokens.hs())
    user = draw.choice(list(USERS))
    basic = base64.b64encode(f"{user}:{draw.choice((USERS[user], 'wrong'))}".encode()).decode()
    scheme = draw.choice(("Bearer", "bearer", "BEARER ", "Basic", "Token"))
    headers = {
        "none": [],
        "basic": [("authorization", wire(f"{draw.choice(('Basic', 'basic', 'Bearer'))} {basic}"))],
        "bearer": [("authorization", wire(f"{scheme} {bearer}"))],
        "key": [("x-key", wire(bearer))],
        "cookie": [("cookie", wire(f"a=b; lock={bearer}; other=x"))],
        "cookies": [("cookie", wire(f"lock={bearer}")), ("cookie", wire(f"other={bearer}"))],
        "twice": [("x-key", wire(bearer)), ("x-key", wire(bearer))],
        "twice in a cookie": [("cookie", wire(f"lock={bearer}; lock={bearer}"))],
        "both": [
            ("authorization", wire(f"Basic {basic}")),
            ("x-key", wire(bearer)),
            ("cookie", wire(f"lock={bearer}")),
        ],
    }
    forged = [("x-auth-subject", b"root"), ("x-auth-group", b"g0")] if draw.random() < 0.2 else []
    return headers[draw.choice(list(headers))] + forged


def told(head: bytes, body: bytes) -> tuple[int, str, str]:
    """Status, group and subject, as the visitor and the program got to know them."""
    status = int(head.split()[1])
    lines = (
        dict(line.split(b": ", 1) for line in body.split(b"\r\n") if b": " in line) if status == 200 else {}
    )
    return status, lines.get(b"x-auth-group", b"").decode(), lines.get(b"x-auth-subject", b"").decode()


def leaks(body: bytes, one: Locked) -> bool:
    """Whether the program got a credential from where the policy looks for one."""
    head = body.lower()
    return any(
        (f"\r\n{name}:".encode() in head) if kind == "header" else (f"{name}=".encode() in head)
        for kind, _, name in (source.partition(":") for source in one.form["from"])
    )


def sweep(seed: int, count: int, each: int) -> dict[str, Any]:
    """So many policies, so many requests to each."""
    draw, client, differ = random.Random(seed), Client(), list[Any]()
    seen = collections.Counter[str]()
    known = [text for _, text, _ in tokens.attacks() if len(text) < 8000] + [
        tokens.hs(),
        tokens.rs(),
        tokens.rs(),
    ]
    known += [tokens.hs(tokens.claims(sub="A b%\nü")), tokens.hs(tokens.claims(exp=1))]
    begun, asked, whys = time.time(), 0, {}
    for number in range(1, count + 1):
        pointed = number <= len(POINTED)
        if pointed:
            (groups, enabled), default = POINTED[number - 1], "deny"
        else:
            groups, enabled = [a_group(draw, n) for n in range(draw.randint(0, 4))], draw.random() < 0.95
            default = draw.choice(("deny", "deny", "allow"))
        one = locked(number, default, groups, enabled=enabled)
        for group in one.form["groups"]:
            for secret in group.get("secrets", {}).values():
                if "expires" in secret and (pointed or draw.random() < 0.5):
                    secret["expires"] = 1
        one.live()
        for _ in range(_POINTED_EACH if pointed else each):
            asked, source = asked + 1, draw.choice(SOURCES)
            headers = credentials(draw, one, known, pointed=pointed)
            head, body = client.ask(source, one.host, f"/q{asked}", headers)
            sent = [(name, value) for name, value in headers if not name.startswith("x-auth-")]
            right = evaluate(one.form, Asked(source, sent, int(time.time())))
            group = right.why if right.status == 200 and right.why != "default" else ""
            found = told(head, body)
            wrong = found != (right.status, group, right.subject) or (found[0] == 200 and leaks(body, one))
            seen[f"{right.status} {'group' if right.why.startswith('g') else right.why}"] += 1
            if right.status != 200:
                whys[f"/q{asked}:"] = (right.status, right.why)
            if wrong:
                differ.append(
                    [one.form["groups"], source, repr(headers), found, dataclasses.astuple(right)[:3]]
                )
        agent.remove(Route(one.host, agent.ADDRESSES[0], 1071, "default", PROJECT, one.owner))
        agent.MASTER.delete_entry(policies.path(agent.HOST), one.owner)
        client = Client()
    log = agent.said(begun)
    lines = {
        line.partition("/")[2].partition(" ")[0]: line
        for line in log.splitlines()
        if "refused by its policy" in line
    }
    unlogged = [path for path, (status, why) in whys.items()
                if f": {status} for " not in (line := lines.get(path[1:], "")) or f"group {why} " not in line]  # fmt: skip
    return {
        "asked": asked,
        "seen": seen,
        "differ": differ[:5],
        "differs": len(differ),
        "unlogged": len(unlogged),
        "dropped": dropped(),  # by a proxy that cannot wait for a journal which is busy
        "refused": len(whys),
    }


def dropped() -> int:
    """How many lines of its log the worker has lost."""
    lines = agent.MASTER.ask(f"@!{agent.MASTER.workers()[0]} show info").splitlines()
    return int(next(line for line in lines if line.startswith("DroppedLogs: ")).split()[1])


def attacks() -> dict[str, Any]:
    """Each token, at the proxy: those that were judged wrongly. Twice, so the second time by what it remembers."""
    one, client, wrong = locked(1, "deny", [{"name": "team", "jwt": tokens.KEYED}]), Client(), []
    every = list(tokens.attacks())
    for name, text, good in [*every, *every]:
        head, _ = client.ask("127.0.0.1", one.host, "/", [("authorization", b"Bearer " + text.encode())])
        if (b" 200 " in head.split(b"\r\n")[0]) != good:
            wrong.append(name)
    return {"asked": len(every), "wrong": wrong}


def mutations() -> dict[str, Any]:
    """Of each mutation of the evaluator, how many requests tell it."""
    text, found = LUA.read_text(), {}
    try:
        for old, new in MUTATIONS:
            if old not in text:
                raise SystemExit(f"{LUA} has no {old!r}: mend the list of mutations")
            LUA.write_text(text.replace(old, new, 1))
            agent.systemctl("reload", agent.UNIT)
            found[old] = sweep(7, 14, 40)["differs"] + len(attacks()["wrong"])
    finally:
        LUA.write_text(text)
        agent.systemctl("reload", agent.UNIT)
    return found


def cpu() -> float:
    """CPU seconds of the current worker."""
    worker = agent.MASTER.workers()[0]
    fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def cost(requests: int = 1500) -> dict[str, Any]:
    """Microseconds of the proxy's CPU a request, proxied, on one kept connection; and how fast a change is live."""
    team = tokens.rs()
    basic = b"Basic " + base64.b64encode(b"ann:password of ann")
    shapes: dict[str, tuple[list[dict[str, Any]] | None, Any]] = {
        "open": (None, lambda _: []),
        "ip": ([{"name": "g", "ip": ["127.0.0.0/8"]}], lambda _: []),
        "basic": (
            [{"name": "g", "passwords": [{"user": "ann", "password": USERS["ann"]}]}],
            lambda _: [("authorization", basic)],
        ),
        "token": (
            [{"name": "g", "tokens": [{"name": "t"}]}],
            lambda one: [("authorization", b"Bearer " + one.made["g/t"].encode())],
        ),
        "jwt": (
            [{"name": "g", "jwt": tokens.KEYED}],
            lambda _: [("authorization", b"Bearer " + team.encode())],
        ),
    }
    found: dict[str, Any] = {name: [] for name in shapes}
    made = {}
    for number, (name, (groups, _)) in enumerate(shapes.items(), 1):
        made[name] = locked(number, "deny", groups or [])
        if groups is None:
            agent.MASTER.delete_entry(policies.path(agent.HOST), made[name].owner)
    for _ in range(5):
        for name, (_, headers) in shapes.items():
            client, with_it = Client(), headers(made[name])
            client.ask("127.0.0.1", made[name].host, "/", with_it)
            begun = cpu()
            for _ in range(requests):
                head, _ = client.ask("127.0.0.1", made[name].host, "/", with_it)
                assert b" 200 " in head.split(b"\r\n")[0], head
            found[name].append((cpu() - begun) / requests * 1e6)
    live = []
    for _ in range(50):
        begun = time.perf_counter()
        made["ip"].live()
        live.append((time.perf_counter() - begun) * 1000)
    medians = {name: sorted(each)[len(each) // 2] for name, each in found.items()}
    return {"us": medians, "live_ms": sorted(live)[25], "many": many(made["ip"], requests)}


def many(one: Locked, requests: int) -> dict[str, float]:
    """The same with 10,000 policies beside it."""
    path, client = policies.path(agent.HOST), Client()
    entries = {f"{n:024x}": form.value(f"{n:024x}", one.form) for n in range(100, 10_100)}
    found = {}
    for name, more in (("alone", {}), ("10000", entries)):
        agent.MASTER.replace_map(path, {**more, one.owner: form.value(one.owner, one.form)})
        client.ask("127.0.0.1", one.host, "/", [])
        each = []
        for _ in range(3):
            begun = cpu()
            for _ in range(requests):
                client.ask("127.0.0.1", one.host, "/", [])
            each.append((cpu() - begun) / requests * 1e6)
        found[name] = sorted(each)[1]
    return found


def main(words: list[str]) -> None:
    """Do one of them, and take everything away."""
    address = f"{agent.ADDRESSES[0]}/32"
    subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=False, capture_output=True)
    origin = agent.Origin(agent.ADDRESSES[0], 1071)
    try:
        name, *numbers = words
        print(
            json.dumps(
                {"sweep": sweep, "attacks": attacks, "mutations": mutations, "cost": cost}[name](
                    *map(int, numbers)
                )
            )
        )
    finally:
        origin.close()
        agent.store("DELETE FROM route WHERE container_id = 'test'")
        agent.proxy.sync(agent.HOST)
        subprocess.run(["ip", "address", "del", address, "dev", "lo"], check=False, capture_output=True)


if __name__ == "__main__":
    main(sys.argv[1:])
