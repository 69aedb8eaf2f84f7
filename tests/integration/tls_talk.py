"""Programs of the tests of ports by TLS: a server in containers, clients outside of the host."""

# Listens at 5432 to 5434, both families. Says who it is and who asks, then answers what it hears with the same. At 5434
# it reads a header of the PROXY protocol, version 2, first, and says what that told.
SERVER = """
import json, os, socket, threading
def read(one, size):
    found = b""
    while len(found) < size:
        more = one.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found
def header(one):
    head = read(one, 16)
    body = read(one, int.from_bytes(head[14:16], "big"))
    kind, size = {0x11: (socket.AF_INET, 4), 0x21: (socket.AF_INET6, 16)}[head[13]]
    more, fields = body[2 * size + 4:], {}
    while more:
        length = int.from_bytes(more[1:3], "big")
        fields[f"{more[0]:02x}"] = more[3:3 + length].decode("latin-1")
        more = more[3 + length:]
    return {
        "signature": head[:13].hex(),
        "source": socket.inet_ntop(kind, body[:size]),
        "target_port": int.from_bytes(body[2 * size + 2:2 * size + 4], "big"),
        "authority": fields.get("02"),
        "by_tls": fields.get("20", " ")[0] == chr(1),
    }
def answer(one, port):
    try:
        said = {"name": os.environ["SKERRY_NAME"], "port": port, "peer": one.getpeername()[0].removeprefix("::ffff:")}
        if port == 5434:
            said["header"] = header(one)
        one.sendall(json.dumps(said).encode() + b"\\n")
        while heard := one.recv(65536):
            one.sendall(heard)
    except (OSError, EOFError):
        pass
    one.close()
def serve(port):
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as every:
        while True:
            threading.Thread(target=answer, args=(every.accept()[0], port), daemon=True).start()
for port in (5433, 5434):
    threading.Thread(target=serve, args=(port,), daemon=True).start()
serve(5432)
"""
# Asks each of [target, port, the name in the handshake or null, protocols]; prints what each said, or how it ended.
CLIENT = """
import json, socket, ssl, sys, time
def ask(target, port, name, alpn):
    trust = ssl.create_default_context(cafile="/etc/skerry/pki/ca.crt")
    if name is None:
        trust.check_hostname = False
    if alpn:
        trust.set_alpn_protocols(alpn)
    with socket.create_connection((target, port), 5) as plain:
        try:
            one = trust.wrap_socket(plain, server_hostname=name)
        except ssl.SSLCertVerificationError:
            raise
        except OSError as error:
            return {"refused": getattr(error, "reason", None) or type(error).__name__}
        with one:
            try:
                said = one.makefile().readline()
                if not said:
                    return {"closed": True}
                one.sendall(b"echo\\n")
                return json.loads(said) | {"echo": one.recv(10).decode(), "alpn": one.selected_alpn_protocol()}
            except OSError:
                return {"closed": True}
found = []
for target, port, name, alpn in json.loads(sys.argv[1]):
    begun = time.monotonic()
    try:
        found.append(ask(target, port, name, alpn))
    except OSError as error:
        found.append({"error": f"{type(error).__name__}: {error}"})
    found[-1]["slow"] = time.monotonic() - begun > 3
print(json.dumps(found))
"""
# Connects, prints what is said first, and "ended" when the connection does.
HOLDER = """
import socket, ssl, sys
target, port, name = sys.argv[1:]
trust = ssl.create_default_context(cafile="/etc/skerry/pki/ca.crt")
with trust.wrap_socket(socket.create_connection((target, int(port)), 5), server_hostname=name) as one:
    print(one.recv(1000).decode().strip(), flush=True)
    one.settimeout(60)
    try:
        print("heard" if one.recv(100) else "ended", flush=True)
    except TimeoutError:
        print("still open", flush=True)
    except OSError:
        print("ended", flush=True)
"""
