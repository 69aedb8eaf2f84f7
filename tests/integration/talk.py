"""Programs that run in containers and namespaces, and tell who reaches whom."""

PYTHON = "/usr/bin/python3 -I -S -B -c"
# Listens at 5432 and 5433, tcp and udp, both families, and tells each caller its own name and the caller's address.
SERVER = """
import os, select, socket
every = []
for port in (5432, 5433):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        one = socket.socket(socket.AF_INET6, kind)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        one.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            one.listen()
        every.append(one)
kept = []
def said(one, address):
    return f"{os.environ['SKERRY_NAME']}:{one.getsockname()[1]} {address[0].removeprefix('::ffff:')}".encode()
while True:
    for one in select.select(every, [], [])[0]:
        if one.type == socket.SOCK_STREAM:
            peer, address = one.accept()
            peer.sendall(said(one, address))
            kept.append(peer)
        else:
            _, address = one.recvfrom(100)
            one.sendto(said(one, address), address)
"""
# Asks each of [target, port, tcp or udp, 4 or 6]; prints what each said, or null.
CLIENT = """
import json, socket, sys
said = []
for target, port, kind, family in json.loads(sys.argv[1]):
    kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[kind]
    try:
        found = socket.getaddrinfo(target, port, {4: socket.AF_INET, 6: socket.AF_INET6}[family], kind)
        with socket.socket(found[0][0], kind) as one:
            one.settimeout(2)
            one.connect(found[0][4])
            if kind == socket.SOCK_DGRAM:
                one.send(b"?")
            said.append(one.recv(100).decode())
    except OSError:
        said.append(None)
print(json.dumps(said))
"""
# Connects, says so, and prints the error that ends the connection, or nothing after a while.
HOLDER = """
import socket, sys
one = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
print("open", flush=True)
one.settimeout(0.1)
for _ in range(300):
    try:
        one.sendall(b".")
        one.recv(100)
    except TimeoutError:
        pass
    except OSError as error:
        print(type(error).__name__, flush=True)
        break
"""
