"""Sends 150 requests to the API whose bodies never end, and asks for its health beside them: ``python3 FILE HOST TOKEN``.

It prints the status of the last one, the seconds that it took, and how many of the others were answered by then.
"""

import http.client
import ssl
import sys
import time

NAME, TOKEN = sys.argv[1:]
TLS = ssl.create_default_context(cafile="/etc/skerry/pki/ca.crt")
HEAD = f"""POST /api/v1/realms/t-acme/projects/shop/volumes HTTP/1.1\r
Host: {NAME}\r
Authorization: Bearer {TOKEN}\r
Content-Type: application/json\r
Content-Length: 1000\r
\r
{{"""


def connection() -> http.client.HTTPSConnection:
    made = http.client.HTTPSConnection(NAME, timeout=20, context=TLS)
    made.connect()
    return made


def answered(one: http.client.HTTPSConnection) -> bool:
    one.sock.settimeout(0.05)
    try:
        return bool(one.sock.recv(1))
    except TimeoutError:
        return False


slow = [connection() for _ in range(150)]
for each in slow:
    each.sock.sendall(HEAD.encode())
time.sleep(3)
began = time.monotonic()
asked = connection()
asked.request("GET", "/api/v1/health")
print(asked.getresponse().status, round(time.monotonic() - began, 1), sum(map(answered, slow)))
