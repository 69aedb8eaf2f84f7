"""End the engine after every effect and every journal step of every verb, and look at what becomes of it.

Runs on the host, as root: ``python3 crash_sweep.py [--builds]``. Prints a line a point and a summary; ends with 1 at any
problem.
"""

import contextlib
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import leftovers

from skerry import streams
from skerry.client import EngineClient, EngineError

HERE = Path(__file__).resolve().parent
POINT = Path("/run/skerry-crash/point.json")
DROP_IN = Path("/run/systemd/system/skerry-engine.service.d/crash.conf")
KEY = {"name": "crash"}
OTHER = {"name": "crash-next"}  # of a copy, or the name that it gets
ALIAS = {"alias": "crash"}
SPEC = {"image": "hello", "services": [{"name": "admin", "port": 1071}]}
CHANGES = {"memory": "192M", "disk": "2G", "services": [{"name": "other", "port": 1072}]}


def call(verb: str, **arguments: object) -> dict:
    return EngineClient(timeout=300).call(verb, **arguments)


def absent() -> None:
    no_alias()
    for name in ("crash-caller", OTHER["name"], KEY["name"]):
        call("ensure", container={"name": name}, state="absent")


def no_alias() -> None:
    if any(one["name"] == ALIAS["alias"] for one in call("alias_list")["aliases"]):
        call("alias_delete", **ALIAS)


def stopped() -> None:
    absent()
    call("create", container=KEY, spec=SPEC, start=False)


def started() -> None:
    absent()
    call("create", container=KEY, spec=SPEC)


def frozen() -> None:
    started()
    call("freeze", container=KEY)


def an_alias() -> None:
    started()
    call("alias_set", **ALIAS, container=KEY["name"])


def no_data() -> None:
    absent()
    for key in (KEY, OTHER):
        call("volume_ensure", volume=key, state="absent")
    call("secret_absent", **PASSWORD)


def with_a_caller() -> None:
    """It has a snapshot, and another one reaches it, comes after it and has its volume."""
    a_volume()
    uses = {"volumes": [{"volume": "crash", "path": "/data", "read_only": True}]}
    call("create", container=KEY, spec={"image": "hello", **uses})
    reaches = {"reaches": ["crash:1071"], "after": ["crash"]}
    call("create", container={"name": "crash-caller"}, spec={"image": "hello", **reaches, **uses})
    call("snapshot_create", snapshot={"source": "crash", "name": "one"})


def a_volume() -> None:
    no_data()
    call("volume_create", **DATA, size="64M")


def a_secret() -> None:
    no_data()
    call("secret_set", **PASSWORD, value="b2xk")


def stopped_with_both() -> None:
    """Its volume is new, and its image has files in that place."""
    a_volume()
    call("secret_set", **PASSWORD, value="b2xk")
    call("create", container=KEY, spec={**SPEC, **BELONGINGS}, start=False)


def no_realm() -> None:
    call("project_ensure", **PROJECT, state="absent")
    call("token_ensure", **TOKEN, state="absent")
    call("realm_ensure", **REALM, state="absent")


def a_token() -> None:
    no_realm()
    call("token_create", **TOKEN, template="reader")


def a_realm() -> None:
    no_realm()
    call("realm_create", **REALM, **LIMITS)


def a_project() -> None:
    a_realm()
    call("project_create", **PROJECT, **LIMITS)


def tarball(text: str) -> dict:
    """A root file system with one file, on this host; the fields of a request to import it."""
    path = Path(f"/var/lib/skerry/incoming/crash-{text}.tar")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("etc/mark")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
    return {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def no_image() -> None:
    absent()
    for image in call("image_list")["images"]:
        if image["name"].split("@")[0] == IMAGE["name"]:
            call("image_delete", name=image["digest"])


def an_image() -> None:
    no_image()
    call("image_import", **IMAGE, **tarball("old"))


def an_image_in_use() -> None:
    an_image()
    call("create", container=KEY, spec={"image": IMAGE["name"]}, start=False)


def root_archive() -> bytes:
    """What an export wrote, after its head: a file, a whiteout, and a folder that hides the image's."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind in (
            ("upper", tarfile.DIRTYPE),
            ("upper/srv", tarfile.DIRTYPE),
            ("upper/opt", tarfile.CHRTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o755
            if name == "upper/srv":
                member.pax_headers = {"SCHILY.xattr.trusted.overlay.opaque": "y"}
            tar.addfile(member)
    return made.getvalue()


def manifest() -> str:
    """What it begins with."""
    digest = next(one["digest"] for one in call("image_list")["images"] if one["name"] == SPEC["image"])
    image = {"name": SPEC["image"], "digest": digest, "source": ""}
    rest = {"version": 1, "name": "x", "created": "", "spec": SPEC, "volumes": [], "secrets": []}
    return json.dumps(rest | {"image": image})


TOKEN: dict = {"token": {"name": "crash"}}
REALM: dict = {"realm": {"name": "crash"}}
PROJECT: dict = {"project": {"name": "crash/shop"}}
LIMITS: dict = {"quota": {"memory": "1G", "cpu": 2, "pids": 500}}
DATA: dict = {"volume": KEY}
PASSWORD: dict = {"secret": KEY}
BELONGINGS: dict = {
    "volumes": [{"volume": "crash", "path": "/srv/hello"}],
    "secrets": [{"secret": "crash"}],
}
IMAGE = {"name": "crash", "command": ["/mark"]}
OLD, NEW = tarball("old"), tarball("new")
PUBLISH: dict = {"verb": "image_publish", "name": IMAGE["name"], "source": KEY["name"], "rebuild": True}
ARCHIVE = Path(OLD["path"])  # of one file
ON_KEY: dict = {"container": KEY}
# What is done, what comes before it, the request.
VERBS: list[tuple[str, Callable[[], None], dict]] = [
    ("create", absent, {"verb": "create", **ON_KEY, "spec": SPEC}),
    ("start", stopped, {"verb": "start", **ON_KEY}),
    ("stop", started, {"verb": "stop", **ON_KEY, "grace": 1}),
    ("freeze", started, {"verb": "freeze", **ON_KEY}),
    ("thaw", frozen, {"verb": "thaw", **ON_KEY}),
    ("stop, frozen", frozen, {"verb": "stop", **ON_KEY, "grace": 1}),
    ("restart", started, {"verb": "restart", **ON_KEY, "grace": 1}),
    ("update", started, {"verb": "update", **ON_KEY, "spec": CHANGES}),
    ("delete", started, {"verb": "delete", **ON_KEY}),
    ("export", started, {"verb": "export", **ON_KEY}),
    ("import a container", absent, {"verb": "import", **ON_KEY, "manifest": manifest()}),
    ("set an alias", started, {"verb": "alias_set", **ALIAS, "container": KEY["name"]}),
    (
        "switch an alias",
        an_alias,
        {"verb": "alias_set", **ALIAS, "container": KEY["name"], "service": "admin"},
    ),
    ("delete an alias", an_alias, {"verb": "alias_delete", **ALIAS}),
    ("create a volume", no_data, {"verb": "volume_create", **DATA, "size": "64M"}),
    ("resize a volume", a_volume, {"verb": "volume_update", **DATA, "size": "32M"}),
    ("delete a volume", a_volume, {"verb": "volume_delete", **DATA}),
    ("back a volume up", a_volume, {"verb": "volume_backup", **DATA}),
    ("restore a volume", no_data, {"verb": "volume_restore", **DATA, "size": "64M"}),
    ("restore over a volume", a_volume, {"verb": "volume_restore", **DATA}),
    ("set a secret", no_data, {"verb": "secret_set", **PASSWORD, "value": "bmV3"}),
    ("change a secret", a_secret, {"verb": "secret_set", **PASSWORD, "value": "bmV3"}),
    ("delete a secret", a_secret, {"verb": "secret_delete", **PASSWORD}),
    ("start with both", stopped_with_both, {"verb": "start", **ON_KEY}),
    ("copy", with_a_caller, {"verb": "copy", "source": "crash", "container": OTHER}),
    (
        "copy of a snapshot",
        with_a_caller,
        {"verb": "copy", "source": "crash@one", "container": OTHER, "start": False},
    ),
    ("rename", with_a_caller, {"verb": "rename", **ON_KEY, "new_name": OTHER["name"]}),
    ("copy a volume", with_a_caller, {"verb": "volume_copy", "source": "crash", "volume": OTHER}),
    ("rename a volume", with_a_caller, {"verb": "volume_rename", **DATA, "new_name": OTHER["name"]}),
    ("import", no_image, {"verb": "image_import", **IMAGE, **OLD}),
    ("import, the old one goes", an_image, {"verb": "image_import", **IMAGE, **NEW}),
    ("import, the old one stays", an_image_in_use, {"verb": "image_import", **IMAGE, **NEW}),
    ("import, another command", an_image, {"verb": "image_import", **IMAGE, **OLD, "command": ["/other"]}),
    ("publish, the old one stays", an_image_in_use, PUBLISH),
    ("delete an image", an_image, {"verb": "image_delete", "name": IMAGE["name"]}),
]
VERBS += [
    ("create a realm", no_realm, {"verb": "realm_create", **REALM, **LIMITS}),
    (
        "update a realm",
        a_project,
        {"verb": "realm_update", **REALM, "quota": {"memory": "2G", "pids": "none"}},
    ),
    ("delete a realm", a_realm, {"verb": "realm_delete", **REALM}),
    ("create a project", a_realm, {"verb": "project_create", **PROJECT, **LIMITS}),
    ("update a project", a_project, {"verb": "project_update", **PROJECT, "quota": {"memory": "512M"}}),
    ("delete a project", a_project, {"verb": "project_delete", **PROJECT}),
]
VERBS += [
    ("create a token", no_realm, {"verb": "token_create", **TOKEN, "template": "deploy"}),
    ("change a token", a_token, {"verb": "token_ensure", **TOKEN, "state": "present", "cidrs": ["::/0"]}),
    ("rotate a token", a_token, {"verb": "token_rotate", **TOKEN}),
    ("revoke a token", a_token, {"verb": "token_revoke", **TOKEN}),
]
# Each of them takes minutes, so they run only where they are asked for; the unit tests kill them as well.
BUILD: dict = {"verb": "image_build", **IMAGE}
BUILDS: list[tuple[str, Callable[[], None], dict]] = [
    ("build", no_image, BUILD),
    ("build, the old one goes", an_image, BUILD),
    ("build, the old one stays", an_image_in_use, BUILD),
]


def restart_engine() -> None:
    subprocess.run(["systemctl", "restart", "skerry-engine.service"], check=True)


def points(request: dict) -> Iterator[dict]:
    """The points at which the engine can die in this request: found by asking for its plans."""
    for plan, decided in enumerate(call("plan", of=request)["plans"], start=1):
        yield {"where": "begun", "plan": plan}
        for number, title in enumerate(decided["steps"], start=1):
            yield {"where": "done", "plan": plan, "step": number, "title": title}
            yield {"where": "marked", "plan": plan, "step": number, "title": title}
        yield {"where": "closed", "plan": plan}


@contextlib.contextmanager
def streamed(request: dict) -> Iterator[dict]:
    """The request, with an archive at the other end where it has one."""
    archives = {
        "volume_backup": b"",
        "export": b"",
        "volume_restore": ARCHIVE.read_bytes(),
        "import": root_archive(),
    }
    if request["verb"] not in archives:
        yield request
        return
    archive = archives[request["verb"]]
    with streams.stream(io.BytesIO(archive), "in" if archive else "out") as name:
        yield request | {"stream": name}


def crash(request: dict, point: dict) -> str:
    """Let the engine die at ``point`` of ``request``; returns how its first operation ended up."""
    last = call("operations", count=1)["operations"][0]["id"]
    POINT.with_suffix(".new").write_text(json.dumps(point))
    POINT.with_suffix(".new").rename(POINT)
    try:
        with streamed(request) as whole:
            call(**whole)
    except EngineError as error:
        if POINT.exists():
            return f"REFUSED INSTEAD: {error}"
    else:
        return "THE ENGINE DID NOT DIE"
    wait_for_engine()
    begun = [one for one in call("operations", count=5)["operations"] if one["id"] > last]
    if unsettled := [one["verb"] for one in begun if one["state"] not in {"done", "undone"}]:
        return f"NOT SETTLED: {unsettled}"
    return begun[-1]["state"] if begun else "NO OPERATION BEGAN"


def wait_for_engine() -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            call("status")
        except EngineError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def problems() -> list[str]:
    deadline = time.monotonic() + 60
    while (found := list(leftovers.differences())) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def main() -> int:
    POINT.parent.mkdir(exist_ok=True)
    POINT.unlink(missing_ok=True)
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text(
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=0\nReadWritePaths=/run/skerry-crash\nExecStart=\n"
        f"ExecStart=/usr/bin/python3 {HERE}/crashing_engine.py\n"
    )
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    count, bad, operations = 0, 0, BUILDS if sys.argv[1:] == ["--builds"] else VERBS
    try:
        restart_engine()
        for name, prepare, request in operations:
            prepare()
            for point in points(request):
                prepare()
                started_at = time.monotonic()
                outcome = crash(request, point)
                found = problems() + ([outcome] if outcome not in {"done", "undone"} else [])
                count, bad = count + 1, bad + bool(found)
                where = f"{point['where']} {point.get('step', '')} {point.get('title', '')}".strip()
                print(f"{name:25} {outcome:7} {time.monotonic() - started_at:5.2f} s  {where}")
                for line in found:
                    print(f"    ! {line}")
                sys.stdout.flush()
    finally:
        DROP_IN.unlink()
        POINT.unlink(missing_ok=True)
        subprocess.run(["systemctl", "daemon-reload"], check=True)
        restart_engine()
        no_image()
        no_data()
        no_realm()
        for path in (OLD["path"], NEW["path"]):
            Path(path).unlink()
    print(f"{count} points of death in {len(operations)} operations, {bad} with problems")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
