"""A registry of one OCI layout that misbehaves as the name of the repository says: ``python3 FILE LAYOUT PORT``.

``honest``; ``private``: asks for who:secret; ``liar``: its layers are others; ``twisted``: so are its manifests;
``away``: its blobs are at an address of the host that nobody named.
"""

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LAYOUT, PORT = Path(sys.argv[1]), int(sys.argv[2])
AWAY = "http://10.90.0.1:5998"
WHO = "Basic " + base64.b64encode(b"who:secret-of-the-test").decode()


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[-1] == "v2" or (parts[1] == "private" and self.headers.get("Authorization") != WHO):
            wants = "private" in self.headers.get("Referer", "") or parts[-1] != "v2"
            self.answer(401 if wants else 200, b"", ("WWW-Authenticate", 'Basic realm="test"'))
            return
        kind, name = parts[-2:]
        if kind == "manifests":
            self.manifest(parts[1], name)
        else:
            self.blob(parts[1], name)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def manifest(self, how: str, name: str) -> None:
        entry = json.loads((LAYOUT / "index.json").read_text())["manifests"][0]
        by_tag = ":" not in name
        data = self.file(entry["digest"])
        if how == "twisted":
            data += b" " if by_tag else b"  "
        name = entry["digest"] if by_tag else name
        self.answer(200, data, ("Docker-Content-Digest", name), ("Content-Type", entry["mediaType"]))

    def blob(self, how: str, name: str) -> None:
        if how == "away":
            self.answer(307, b"", ("Location", f"{AWAY}/{name}"))
            return
        data = self.file(name)
        self.answer(200, bytes(len(data)) if how == "liar" and len(data) > 2000 else data)

    def file(self, digest: str) -> bytes:
        return (LAYOUT / "blobs" / digest.replace(":", "/")).read_bytes()

    def answer(self, status: int, data: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for header in (("Docker-Distribution-Api-Version", "registry/2.0"), *headers):
            self.send_header(*header)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


ThreadingHTTPServer(("127.0.0.1", PORT), Registry).serve_forever()
