"""What on_host/lock_sweep.py draws, and beside it what chance seldom draws; run on the host, beside that program.

``python3 lock_mutations.py sweep SEED POLICIES EACH | mutations``. Prints JSON.
"""

import json
import subprocess
import sys
from typing import Any

import lock_sweep as drawn
import proxy_agent as agent

from skerry.host import policies
from skerry.parts.proxy import Route

EVERYBODY = {"name": "g0", "ip": ["0.0.0.0/0", "::/0"]}
BY_KEY = {"name": "g0", "tokens": [{"name": "t0"}], "sources": ["header:x-key"]}


def pointed() -> int:
    """How many requests are answered wrongly: where all is switched off, and with a header that comes twice."""
    off = drawn.locked(1, "deny", [EVERYBODY], enabled=False)
    key = drawn.locked(2, "deny", [BY_KEY])
    right = ("x-key", key.made["g0/t0"].encode())
    asked = [(off, [], 403), (key, [right], 200), (key, [right, right], 403), (key, [], 403)]
    wrong, client = 0, drawn.Client()
    for one, headers, status in asked:
        head, _ = client.ask("127.0.0.1", one.host, "/", headers)
        wrong += int(head.split()[1]) not in (
            {status} if status == 200 else {status, 401 if one is key else 403}
        )
    for one in (off, key):
        agent.remove(Route(one.host, agent.ADDRESSES[0], 1071, "default", drawn.PROJECT, one.owner))
        agent.MASTER.delete_entry(policies.path(agent.HOST), one.owner)
    return wrong


def mutations() -> dict[str, int]:
    """Of each mutation of the evaluator, how many requests tell it."""
    text, found = drawn.LUA.read_text(), {}
    try:
        for old, new in (("", ""), *drawn.MUTATIONS):
            if old not in text:
                raise SystemExit(f"{drawn.LUA} has no {old!r}: mend the list of mutations")
            drawn.LUA.write_text(text.replace(old, new, 1) if old else text)
            agent.systemctl("reload", agent.UNIT)
            found[old] = drawn.sweep(7, 12, 40)["differs"] + len(drawn.attacks()["wrong"]) + pointed()
    finally:
        drawn.LUA.write_text(text)
        agent.systemctl("reload", agent.UNIT)
    return found


def sweep(*numbers: int) -> dict[str, Any]:
    """The sweep, and how many lines of its log the proxy has lost: it can't wait for a journal that is busy."""
    told = drawn.sweep(*numbers)
    lines = agent.MASTER.ask(f"@!{agent.MASTER.workers()[0]} show info").splitlines()
    return told | {"dropped": int(next(one for one in lines if one.startswith("DroppedLogs: ")).split()[1])}


def main(words: list[str]) -> None:
    """Do one of them, and take everything away."""
    address = f"{agent.ADDRESSES[0]}/32"
    subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=False, capture_output=True)
    origin = agent.Origin(agent.ADDRESSES[0], 1071)
    try:
        name, *numbers = words
        print(json.dumps({"sweep": sweep, "mutations": mutations}[name](*map(int, numbers))))
    finally:
        origin.close()
        agent.store("DELETE FROM route WHERE container_id = 'test'")
        agent.proxy.sync(agent.HOST)
        subprocess.run(["ip", "address", "del", address, "dev", "lo"], check=False, capture_output=True)


if __name__ == "__main__":
    main(sys.argv[1:])
