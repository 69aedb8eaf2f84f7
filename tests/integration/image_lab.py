"""The images of a lab's host, seen and asked from here."""

import hashlib
import json
import shlex
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.integration import kept_ssh

INCOMING = "/var/lib/skerry/incoming"
# Runs on the host: one request, its events, its answer or refusal, as JSON.
_ASK = """
import json, sys
from skerry.client import EngineClient, EngineError
request, events = json.loads(sys.argv[1]), []
try:
    print(json.dumps({"result": EngineClient().call(on_event=events.append, **request), "events": events}))
except EngineError as error:
    print(json.dumps({"error": vars(error), "events": events}))
"""
# What an image leaves anywhere: its row, file, mount, unit, folder.
_TRACES = """
import glob, json, subprocess
from skerry.client import EngineClient
out = lambda *argv: subprocess.run(argv, capture_output=True, text=True).stdout.split()
print(json.dumps({
    "rows": sorted(i["digest"] + i["name"] for i in EngineClient().call("image_list")["images"]),
    "files": sorted(glob.glob("/var/lib/skerry/pool/images/**", recursive=True)),
    "mounts": sorted(out("findmnt", "--types", "erofs", "--noheadings", "--list", "--output", "TARGET")),
    "folders": sorted(glob.glob("/run/skerry/images/*")),
    "units": sorted(u for u in out("systemctl", "list-units", "--all", "--plain", "--no-legend", "skerry-image-*")),
}))
"""


@dataclass(frozen=True)
class Answer:
    """What the engine said."""

    result: dict[str, Any]
    error: dict[str, str]
    events: list[dict[str, Any]]

    def ok(self) -> dict[str, Any]:
        """The result, of a request that went well."""
        assert not self.error, self.error
        return self.result


@dataclass(frozen=True)
class ImageLab:
    """The engine of one lab."""

    name: str

    def argv(self, command: str) -> list[str]:
        """What runs a command on the host as root."""
        return kept_ssh.command(self.name, command)

    def run(self, command: str, stdin: bytes | None = None) -> str:
        """Run a command on the host as root; it must succeed."""
        done = subprocess.run(
            self.argv(command), input=stdin or b"", capture_output=True, check=False, timeout=600
        )
        assert done.returncode == 0, (command, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def python(self, program: str, *arguments: str) -> Any:
        """Run a Python program on the host; the JSON that it prints."""
        return json.loads(self.run(shlex.join(["python3", "-c", program, *arguments])))

    def ask(self, verb: str, **fields: Any) -> Answer:
        """One request to the engine."""
        said = self.python(_ASK, json.dumps({"verb": verb, **fields}))
        return Answer(said.get("result", {}), said.get("error", {}), said["events"])

    def plan(self, verb: str, **fields: Any) -> dict[str, Any]:
        """What the engine would do."""
        return self.ask("plan", of={"verb": verb, **fields}).ok()

    def put(self, name: str, data: bytes) -> dict[str, str]:
        """Bring a tarball to the host; the fields of a request to import it."""
        path = f"{INCOMING}/{name}"
        self.run(f"mkdir -p -m 0700 {INCOMING} && cat >{shlex.quote(path)}", data)
        return {"path": path, "sha256": hashlib.sha256(data).hexdigest()}

    def bring(self, image: str, data: bytes, **fields: Any) -> Answer:
        """Import a tarball."""
        return self.ask("image_import", name=image, **self.put(f"{image}.tar", data), **fields)

    def traces(self) -> dict[str, list[str]]:
        """All that images have left on the host."""
        found: dict[str, list[str]] = self.python(_TRACES)
        return found

    def image(self, name: str) -> dict[str, Any]:
        """One image of the list."""
        return next(
            image for image in self.ask("image_list", show_env=True).ok()["images"] if image["name"] == name
        )

    def mounted(self, digest: str) -> str:
        """Where an image is mounted."""
        return f"/run/skerry/images/{digest}"
