"""Run a program in a container by the API's WebSocket: ``exec_by_api.py TOKEN URL CASE [FIRST]`` prints what came, as JSON.

FIRST is the first message. CASE says what the client does besides.
"""

import contextlib
import json
import ssl
import sys
import time
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

Found = dict[str, Any]


def hear(channel: ClientConnection) -> Found:
    """All that comes, until the end."""
    data, texts = {1: b"", 2: b""}, []
    try:
        while True:
            message = channel.recv(timeout=60)
            if isinstance(message, bytes):
                data[message[0]] += message[1:]
            else:
                texts.append(json.loads(message))
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else None
    sizes = {"out": len(data[1]), "err": len(data[2])}
    out, err = (data[number][:2000].decode(errors="replace") for number in (1, 2))
    return {"out": out, "err": err, "sizes": sizes, "texts": texts, "code": code}


def act(channel: ClientConnection, case: str) -> None:
    """What the client does after its first message."""
    if case == "given":
        channel.send(b"\0given")
        channel.send('{"stdin": "end"}')
    elif case == "term":
        time.sleep(0.5)
        channel.send('{"signal": "TERM"}')
    elif case == "shell":
        channel.send(b"\0stty size\n")
        time.sleep(1)
        channel.send('{"rows": 50, "columns": 120}')
        time.sleep(0.5)
        channel.send(b"\0stty size; exit 3\n")
    elif case == "nonsense":
        channel.send('{"signal": "TERM", "rows": 1}')
    elif case == "full":
        for _ in range(8):
            channel.send(b"\0" + bytes(500_000))
    elif case == "leave":
        time.sleep(1)
        channel.close()


def main() -> int:
    token, url, case, *first = sys.argv[1:]
    context = ssl.create_default_context(cafile="/etc/skerry/pki/ca.crt")
    headers = {"Authorization": f"Bearer {token}"} if token != "-" else {}
    try:
        with connect(url, ssl=context, additional_headers=headers, max_size=None) as channel:
            with contextlib.suppress(ConnectionClosed):
                channel.send(first[0] if first else "{}")
                act(channel, case)
            if case == "wait":
                print("open", flush=True)
            found = hear(channel)
    except InvalidStatus as refused:
        found = {"status": refused.response.status_code, "body": json.loads(refused.response.body)}
    print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
