"""Create and delete containers, several at a time, while a neighbour serves requests. Runs on the host, as root.

``python3 churn.py COUNT PARALLEL`` prints one line of JSON: what was made, what the neighbour's visitors saw.
"""

import collections
import concurrent.futures
import http.client
import itertools
import json
import socket
import ssl
import sys
import threading
import time

import leftovers

from skerry.client import EngineClient

VISITORS = 2


class Visitors:
    """Ask the neighbour through the proxy, again and again, each time over a connection of its own or a kept one."""

    def __init__(self, host: str) -> None:
        self.host, self.seen = host, collections.Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(VISITORS)]

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            try:
                if number % 20 == 0:
                    connection = open_connection(self.host)
                connection.request("GET", "/healthz", headers={"Host": self.host})
                answer = connection.getresponse()
                answer.read()
                self.seen[str(answer.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.seen[repr(error)] += 1
                connection = open_connection(self.host)
            time.sleep(0.01)


def open_connection(host: str) -> http.client.HTTPSConnection:
    """To the proxy on this host, by the name of the container."""
    connection = http.client.HTTPSConnection(host, 443, timeout=10)
    raw = socket.create_connection(("127.0.0.1", 443), timeout=10)
    context = ssl.create_default_context(cafile="/etc/skerry/pki/ca.crt")
    connection.sock = context.wrap_socket(raw, server_hostname=host)
    return connection


def one(number: int) -> dict:
    client, key = EngineClient(), {"name": f"churn-{number}"}
    made = client.call("create", container=key, spec={"image": "hello", "memory": "64M"})["after"]
    connection = open_connection(host_of(made))
    connection.request("GET", "/")
    answer = connection.getresponse()
    page = answer.read().decode()
    client.call("delete", container=key)
    connection.request("GET", "/")
    dead = connection.getresponse()
    dead.read()
    return {
        "id": made["id"],
        "ipv4": made["ipv4"],
        "alive": answer.status == 200 and made["id"] in page,
        "dead": dead.status == 404,
    }


def host_of(container: dict) -> str:
    return container["url"].removeprefix("https://").split("/")[0].split(":")[0]


def main(count: int, parallel: int) -> int:
    client, key = EngineClient(), {"name": "neighbour"}
    client.call("ensure", container=key, state="started", spec={"image": "hello"})
    neighbour = client.call("info", container=key)["container"]
    started = time.monotonic()
    with Visitors(host_of(neighbour)) as visitors, concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        results = list(pool.map(one, range(count)))
    seconds = time.monotonic() - started
    deadline = time.monotonic() + 60  # the kernel frees network namespaces behind our back
    while (problems := list(leftovers.differences())) and time.monotonic() < deadline:
        time.sleep(0.1)
    client.call("delete", container=key)
    report = {
        "made": len(results),
        "alive": sum(result["alive"] for result in results),
        "dead": sum(result["dead"] for result in results),
        "ids": len({result["id"] for result in results}),
        "addresses": len({result["ipv4"] for result in results}),
        "neighbour": dict(visitors.seen),
        "leftovers": problems,
        "seconds": round(seconds, 1),
    }
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
