"""The API on a real host: by curl through the real proxy, with a real engine behind it."""

import shlex
import time
from collections.abc import Callable, Iterator

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.integration import tokens
from tests.integration.api import DOMAIN, SHOP, Ask
from tests.integration.tokens import RIVAL, skerry, token

SOCKET = "/var/lib/haproxy/skerry-api.sock"
ANY = {"If-Match": "*"}


@pytest.fixture(autouse=True)
def two_realms(host: Host, hello: str, on_host: Callable[..., CommandResult]) -> Iterator[None]:
    """Two realms with a project each, and no token of these tests."""
    with tokens.two_realms(host):
        yield


@pytest.fixture
def ask(host: Host) -> Ask:
    """Asks the API."""
    return Ask(host)


def test_a_container_from_its_making_to_its_end(host: Host, ask: Ask) -> None:
    by = token(host, "t-acme/ci", "--template admin")
    options = {"name": "web", "image": "hello", "memory": "64M"}
    dry = ask("POST", f"{SHOP}/containers?dry_run=1", by, options)
    assert (dry.status, dry.body["changed"]) == (200, True)
    assert ask("GET", f"{SHOP}/containers/web", by).status == 404
    made = ask("POST", f"{SHOP}/containers", by, options)
    assert made.status == 201, made.raw
    assert made.headers["location"] == f"/api/v1{SHOP}/containers/web"
    # Ids are random: of the steps only their number is the same.
    assert len(made.body["plans"]) == len(dry.body["plans"])
    url = f"https://{made.body['after']['url'].split('/')[2].split(':')[0]}/"
    assert ask("GET", url).status == 200
    found = ask("GET", f"{SHOP}/containers/web", by)
    assert found.body["state"] == "running"
    assert ask("POST", f"{SHOP}/containers", by, options).body["code"] == "exists"
    missing = ask("PATCH", f"{SHOP}/containers/web", by, {"memory": "96M"})
    assert missing.status == 428
    tag = {"If-Match": found.headers["etag"]}
    changed = ask("PATCH", f"{SHOP}/containers/web", by, {"memory": "96M"}, tag)
    assert (changed.status, changed.body["after"]["memory"]) == (200, "96M")
    assert ask("PATCH", f"{SHOP}/containers/web", by, {"memory": "64M"}, tag).status == 412
    stopped = ask("POST", f"{SHOP}/containers/web/stop", by)
    assert (stopped.status, stopped.body["after"]["desired"]) == (200, "stopped")
    assert ask("GET", url).status == 503
    started = ask("POST", f"{SHOP}/containers/web/start?wait=ready", by)
    assert started.status == 200
    assert ask("GET", url).status == 200
    unit = f"skerry-c-{found.body['id']}"
    gone = ask("DELETE", f"{SHOP}/containers/web", by, None, ANY)
    assert (gone.status, gone.body["after"]) == (200, None)
    assert ask("GET", url).status == 404
    assert found.body["id"] not in host.check_output("systemctl list-units --all --no-legend --plain"), unit
    assert found.body["id"] not in host.check_output("ps -eo args")
    assert ask("DELETE", f"{SHOP}/containers/web", by, None, ANY).status == 404
    newest = skerry(host, "operations")["operations"][0]
    assert (newest["verb"], newest["token"]) == ("delete", "t-acme/ci")


def test_other_kinds_and_an_alias(host: Host, ask: Ask) -> None:
    by = token(host, "t-acme/ci", "--template admin")
    assert ask("POST", f"{SHOP}/volumes", by, {"name": "data", "size": "32M"}).status == 201
    assert ask("PUT", f"{SHOP}/secrets/key", by, {"value": "czNjcmV0"}).status == 200
    kept = ask("GET", f"{SHOP}/secrets/key", by)
    assert "czNjcmV0" not in kept.raw
    options = {
        "name": "web",
        "image": "hello",
        "memory": "64M",
        "volumes": [{"volume": "data", "path": "/data"}],
        "secrets": [{"secret": "key"}],
    }
    assert ask("POST", f"{SHOP}/containers", by, options).status == 201
    taken = ask("POST", f"{SHOP}/containers/web/snapshots", by, {"name": "one"})
    assert (taken.status, taken.headers["location"]) == (201, f"/api/v1{SHOP}/containers/web/snapshots/one")
    assert ask("POST", f"{SHOP}/volumes/data/snapshots", by, {"name": "two", "expires": "1d"}).status == 201
    both = ask("GET", f"{SHOP}/snapshots", by).body["snapshots"]
    assert {(one["source"], one["name"]) for one in both} == {("web", "one"), ("volume/data", "two")}
    copied = ask(
        "POST", f"{SHOP}/containers/web@one/copy", by, {"name": "other", "volumes": [], "start": False}
    )
    assert (copied.status, copied.headers["location"]) == (201, f"/api/v1{SHOP}/containers/other")
    new = {"If-None-Match": "*"}
    led = ask("PUT", f"{SHOP}/aliases/t-shop-front", by, {"container": "web"}, new)
    assert led.status == 200, led.raw
    assert ask("GET", f"https://t-shop-front.{DOMAIN}/").status == 200
    assert ask("PUT", f"{SHOP}/aliases/t-shop-front", by, {"container": "other"}, new).status == 412
    alias = ask("GET", f"{SHOP}/aliases/t-shop-front", by)
    assert alias.body["container"] == "web"
    tag = {"If-Match": alias.headers["etag"]}
    assert ask("DELETE", f"{SHOP}/aliases/t-shop-front", by, None, tag).status == 200
    assert ask("GET", f"{SHOP}/aliases/t-shop-front", by).status == 404
    assert ask("GET", f"https://t-shop-front.{DOMAIN}/").status == 404


def test_what_is_foreign_was_never_there(host: Host, ask: Ask) -> None:
    host.check_output(f"skerry create web --image hello --project {RIVAL} --memory 64M --no-start")
    by = token(host, "t-acme/ci", "--template admin")
    for method, end in (
        ("GET", "/containers/web"),
        ("DELETE", "/containers/web"),
        ("POST", "/containers/web/start"),
        ("GET", ""),
    ):
        headers = ANY if method == "DELETE" else {}
        foreign, nobodys = (
            ask(method, f"/realms/{realm}/projects/shop{end}", by, None, headers)
            for realm in ("t-rival", "t-nobod")
        )
        assert (foreign.status, nobodys.status) == (404, 404)
        assert foreign.raw.replace("t-rival", "t-nobod") == nobodys.raw
        assert {**foreign.headers, "date": ""} == {**nobodys.headers, "date": ""}
    assert "t-rival" not in ask("GET", "/containers", by).raw + ask("GET", "/realms", by).raw


def test_tokens_by_their_networks_and_revoked_at_once(host: Host, ask: Ask) -> None:
    here, elsewhere = (
        token(host, f"t-acme/{name}", f"--template reader --cidr {cidr}")
        for name, cidr in (("here", "127.0.0.0/8"), ("elsewhere", "192.0.2.0/24"))
    )
    v4 = "--ipv4"
    assert ask("GET", "/self", here, extra=v4).body["name"] == "here"
    for claimed in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        found = ask("GET", "/self", elsewhere, headers={claimed: "192.0.2.7"}, extra=v4)
        assert (found.status, found.headers["www-authenticate"]) == (401, "bearer")
    refused = ask("POST", f"{SHOP}/containers/web/start", here, extra=v4)
    assert (refused.status, refused.body["code"]) == (403, "forbidden")
    host.check_output("skerry token revoke t-acme/here")
    assert ask("GET", "/self", here, extra=v4).status == 401


def test_methods_paths_and_bodies(host: Host, ask: Ask) -> None:
    by = token(host, "t-acme/ci", "--template admin")
    one = f"{SHOP}/containers/web"
    for method, path, allow in (
        ("PUT", one, "get, head, patch, delete, options"),
        ("GET", f"{one}/start", "post, options"),
        ("POST", "/self", "get, head, options"),
        ("DELETE", "/openapi.json", "get, head, options"),
        ("QUERY", "/self", "get, head, post, put, patch, delete, options"),
    ):
        found = ask(method, path, by)
        assert (found.status, found.headers["allow"]) == (405, allow), (method, path)
        assert found.headers["content-type"] == "application/problem+json"
        assert found.body["code"] == "not_allowed"
    assert ask("OPTIONS", one).headers["allow"] == "get, head, patch, delete, options"
    head = ask("HEAD", "/status", by)
    assert (head.status, head.raw) == (200, "")
    for path in ("/nothing", f"{one}/", "", "/../../etc/passwd", f"{one}%2Fx", "/realms//projects"):
        assert ask("GET", path, by, extra="--path-as-is").status in {400, 404}, path
    host.check_output("head -c 1100000 /dev/zero | tr '\\0' ' ' > /run/large")
    large = ask(
        "POST", f"{SHOP}/volumes", by, extra="-H 'Content-Type: application/json' --data-binary @/run/large"
    )
    assert (large.status, large.body["code"]) == (413, "too_large")
    host.check_output("rm /run/large")
    wrong = ask("POST", f"{SHOP}/containers", by, {"name": "web", "image": "hello", "memmory": "64M"})
    assert wrong.status == 400
    assert wrong.body["detail"] == "memmory: there is no such option"


FORGET = """
from skerry.host.haproxy import Master
from skerry.model.host import load_host_config
master = Master(load_host_config().proxy_socket)
for worker in master.workers():
    master.tell(worker, "clear table api_wrong")
"""


@pytest.mark.parametrize(("known", "answered"), [(False, 150), (True, 150 - 16)])
def test_bodies_that_never_end_keep_nobody_out(
    host: Host, on_host: Callable[..., CommandResult], known: bool, answered: int
) -> None:
    by = token(host, "t-acme/ci", "--template admin")
    if not known:
        host.check_output("skerry token revoke t-acme/ci")
    found = on_host("slow_bodies.py", f"api.{DOMAIN}", by)
    host.check_output(f"python3 -c {shlex.quote(FORGET)}")  # a revoked token is a wrong one, 150 times
    status, seconds, others = found.stdout.split()
    assert (status, int(others)) == ("200", answered), found.stderr
    assert float(seconds) < 3


def test_the_document_is_for_all(host: Host, ask: Ask) -> None:
    found = ask("GET", "/openapi.json").body
    assert (found["openapi"], found["info"]["title"]) == ("3.1.0", "Skerry")
    assert ask("GET", "/problems").body["problems"][0] == {
        "code": "invalid",
        "status": 400,
        "title": "The request is wrong",
    }
    assert ask("GET", "/health").body == {"ok": True}
    page = ask("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_process_has_no_rights(host: Host, ask: Ask) -> None:
    ask("GET", "/health")
    socket = host.file(SOCKET)
    assert (socket.user, socket.group, socket.mode) == ("root", "haproxy", 0o660)
    shown = host.check_output("systemctl show skerry-api.service --property MainPID,User,PrivateNetwork")
    found = dict(line.split("=", 1) for line in shown.splitlines())
    assert (found["User"], found["PrivateNetwork"]) == ("skerry-api", "yes")
    status = host.check_output(f"cat /proc/{found['MainPID']}/status")
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert f"{name}:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    for path in ("/etc/skerry/engine.toml", "/var/lib/skerry/state.db"):
        assert not host.run(f"cat /proc/{found['MainPID']}/root{path}").succeeded
    links = host.check_output(f"nsenter --target {found['MainPID']} --net ip -brief link")
    assert [line.split()[0] for line in links.splitlines()] == ["lo"]
    refused = host.run(f"runuser -u nobody -- curl --silent --unix-socket {SOCKET} http://x/api/v1/health")
    assert not refused.succeeded


def test_a_restart_of_the_engine_is_waited_for(host: Host, ask: Ask) -> None:
    by = token(host, "t-acme/ci", "--template reader")
    assert ask("GET", "/self", by).status == 200
    host.check_output("systemctl kill --signal KILL skerry-engine.service")
    deadline = time.monotonic() + 60
    while (found := ask("GET", "/self", by)).status != 200:
        assert (found.status, found.body["code"]) == (503, "host")
        assert time.monotonic() < deadline, found.raw
        time.sleep(0.5)
    host.check_output("systemctl restart skerry-engine.service")
    assert ask("GET", "/self", by).status == 200
    host.check_output("systemctl stop skerry-api.service")
    assert ask("GET", "/self", by).status == 200
