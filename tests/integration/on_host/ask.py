"""Ask a URL again and again, as a visitor would: ``python3 ask.py URL SECONDS``. Prints one line of JSON.

Each answer is [milliseconds since the begin, status, milliseconds that it took]; status 0 is none at all.
"""

import json
import socket
import ssl
import sys
import time
from urllib.parse import urlsplit

_LONGEST = 40.0


def answer(name: str) -> int:
    """The status of one request on a connection of its own; 0 where none came."""
    context = ssl.create_default_context(cafile="/etc/skerry/pki/ca.crt")
    try:
        with (
            socket.create_connection(("127.0.0.1", 443), timeout=_LONGEST) as raw,
            context.wrap_socket(raw, server_hostname=name) as connection,
        ):
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            line = connection.recv(64)
    except OSError:
        return 0
    return int(line.split()[1]) if line else 0


def main(url: str, seconds: float) -> None:
    """Ask for so many seconds and print what came."""
    name, begun, found = urlsplit(url).hostname or "", time.monotonic(), []
    while (now := time.monotonic()) < begun + seconds:
        status = answer(name)
        found.append([round((now - begun) * 1000), status, round((time.monotonic() - now) * 1000)])
        time.sleep(0.02)
    print(json.dumps(found))


main(sys.argv[1], float(sys.argv[2]))
