"""A host's state on a real host: backed up, lost, restored; cut and hostile backups; kill -9 in the midst of it."""

import io
import json
import shlex
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry import streams
from tests.conftest import ROOT
from tests.integration.test_archives import SLEEP, Machine

WRITES = "open('/own', 'w').write('mine'); open('/data/kept', 'w').write('volume')"
READS = "print(open('/own').read(), open('/data/kept').read(), open('/run/secrets/password').read())"
PORT = "1071"


class Host(Machine):
    """A host that can be made a fresh one."""

    def forget(self) -> None:
        """Make it a host that site.yml has set up just now."""
        self.out("sh -s", (ROOT / "tests/integration/on_host/fresh_state.sh").read_bytes())

    def state(self) -> dict[str, Any]:
        return dict(self.skerry("state info")["state"])

    def visit(self, name: str) -> str:
        """What answers at a name, for somebody who trusts the authority of before."""
        return self.out(
            f"curl --silent --show-error --cacert /root/old.crt --resolve {name}:443:127.0.0.1 https://{name}/"
        )

    def until_runs(self, name: str) -> dict[str, Any]:
        for _ in range(120):
            if (found := dict(self.skerry(f"info {name}")["container"]))["state"] == "running":
                return found
            time.sleep(0.5)
        raise AssertionError(f"{name} does not run: {found}")

    def ids(self) -> dict[str, str]:
        return {one["name"]: one["id"] for one in self.skerry("list")["containers"]}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "backup.key"
    subprocess.run(["age-keygen", "-o", str(path)], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def recipient(key: Path) -> str:
    done = subprocess.run(["age-keygen", "-y", str(key)], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def host_(lab: str) -> Iterator[Host]:
    found = Host(lab)
    yield found
    found.forget()


@pytest.fixture
def here(host_: Host) -> Host:
    """The host, with nothing but the sample image."""
    host_.forget()
    host_.play("playbooks/image/hello.yml").ok()
    return host_


def furnish(host: Host) -> dict[str, Any]:
    """A container with own files, a volume, a secret and an alias; what it is."""
    host.skerry("volume create data --size 64M")
    host.out("printf s3cret | skerry secret set password")
    host.skerry("create web --image hello --volume data:/data --secret password --env GREETING=hi")
    host.out("skerry realm create other && skerry project create other/default")
    host.skerry("create later --image hello --realm other --no-start", SLEEP)
    host.skerry("alias set shop --container web")
    host.out(
        f"skerry exec web -- /usr/bin/python3 -c {shlex.quote(WRITES)}; cp /etc/skerry/pki/ca.crt /root/old.crt"
    )
    return dict(host.skerry("info web")["container"])


def lose_days(host: Host) -> set[str]:
    """What happens after the backup; the ids that were given out."""
    host.out("skerry alias delete shop; skerry delete web")
    for name in ("web", "new"):
        host.skerry(f"create {name} --image hello --no-start")
    host.skerry("volume create other --size 64M")
    return {*host.ids().values(), host.skerry("volume info other")["volume"]["id"]}


def decrypted(key: Path, path: Path) -> bytes:
    return subprocess.run(["age", "-d", "-i", str(key), str(path)], check=True, capture_output=True).stdout


def test_a_lost_host_comes_back_with_all_its_data(
    here: Host, key: Path, recipient: str, tmp_path: Path
) -> None:
    web = furnish(here)
    words = ("-e", f"recipient={recipient}", "-e", f"path={tmp_path}", "-e", "with_data=true")
    checked = here.play("playbooks/state/backup.yml", "--check", *words).ok()
    assert "it goes to whoever asked" in checked.output
    assert list(tmp_path.iterdir()) == []
    here.play("playbooks/state/backup.yml", *words).ok()
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith(f"{here.name}-")
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    for path in folder.iterdir():
        assert path.read_bytes().startswith(b"age-encryption.org/")
    assert here.out("ls /var/lib/skerry/outgoing /run/skerry/streams; ls /run/skerry/state.tar || true") == (
        "/run/skerry/streams:\n\n/var/lib/skerry/outgoing:\n"
    )
    lost = lose_days(here)

    here.forget()
    words = ("-e", f"path={folder}", "-e", f"identity={key}")
    checked = here.play("playbooks/state/restore.yml", "--check", *words).ok()
    assert "the engine starts anew with it" in checked.output
    assert here.state()["containers"] == []
    here.play("playbooks/state/restore.yml", *words).ok()
    assert here.state()["missing"] == []
    now = here.until_runs("web")
    same = ("id", "url", "urls", "aliases", "env", "ipv4", "created", "image_digest", "volumes", "secrets")
    assert {name: now[name] for name in same} == {name: web[name] for name in same}
    assert here.out(f"skerry exec web -- /usr/bin/python3 -c {shlex.quote(READS)}") == "mine volume s3cret\n"
    for name in (web["url"].split("/")[2].split(":")[0], "shop.skerry.localhost"):
        assert "<title>web" in here.visit(name)
    assert key.read_text().splitlines()[-1] not in here.out(
        "grep -rs AGE-SECRET-KEY /root /tmp /var/lib/skerry/incoming /run || true"
    )

    again = here.play("playbooks/state/restore.yml", *words)
    assert again.code != 0
    assert "this host has state of its own: default/default/web" in again.output.replace("\n", " ").replace(
        "    ", " "
    )
    here.play("playbooks/state/restore.yml", *words, "-e", "data_only=true").ok()
    for name in ("new", "web2"):
        here.skerry(f"create {name} --image hello --no-start")
    here.skerry("delete web2")
    here.skerry("create web2 --image hello --no-start")
    here.skerry("volume create other --size 64M")
    given = {here.ids()[name] for name in ("new", "web2")} | {
        here.skerry("volume info other")["volume"]["id"]
    }
    assert not given & lost


def test_without_data_it_says_what_is_missing_and_runs_once_it_is_there(
    here: Host, key: Path, recipient: str, tmp_path: Path
) -> None:
    web = furnish(here)
    backup = here.run(f"skerry state backup --recipient {recipient}").stdout
    files, volume = here.run("skerry export web").stdout, here.run("skerry volume backup data").stdout
    (tmp_path / "state.age").write_bytes(backup)
    plain = decrypted(key, tmp_path / "state.age")
    here.forget()
    done = here.run("skerry state restore", plain)
    assert b"skerry state info" in done.stderr
    missing = here.state()["missing"]
    assert [(one["kind"], one["name"]) for one in missing] == [
        ("image", "hello"),
        ("volume", "default/default/data"),
        ("container", "default/default/web"),
        ("container", "other/default/later"),
    ]
    assert "its files are not on this host" in here.refused("skerry start web")
    assert here.skerry("info web")["container"]["state"] == "stopped"
    here.play("playbooks/image/hello.yml").ok()
    assert "keeps its options" in here.refused("skerry import web --memory 1G", files)
    here.out("skerry import web", files)
    assert "the files of volume data are not on this host" in here.refused("skerry start web")
    here.out("skerry volume restore data", volume)
    here.skerry("start web")
    assert here.skerry("info web")["container"]["url"] == web["url"]
    assert here.out(f"skerry exec web -- /usr/bin/python3 -c {shlex.quote(READS)}") == "mine volume s3cret\n"
    here.out("skerry delete later --realm other")


def test_a_lost_store_leaves_the_files_and_a_backup_finds_them(
    here: Host, key: Path, recipient: str, tmp_path: Path
) -> None:
    web = furnish(here)
    (tmp_path / "state.age").write_bytes(here.run(f"skerry state backup --recipient {recipient}").stdout)
    plain = decrypted(key, tmp_path / "state.age")
    here.skerry("create young --image hello --no-start")
    young = here.ids()["young"]
    here.out(
        "systemctl stop skerry-engine.socket skerry-engine; rm /var/lib/skerry/state.db*; systemctl start skerry-engine"
    )
    here.out("systemctl restart skerry-engine")
    assert here.state()["containers"] == []
    assert {web["id"], young} <= set(here.out("ls /var/lib/skerry/pool/c").split())
    here.out("skerry state restore", plain)
    assert here.state()["missing"] == []
    assert here.until_runs("web")["id"] == web["id"]
    assert here.out(f"skerry exec web -- /usr/bin/python3 -c {shlex.quote(READS)}") == "mine volume s3cret\n"
    assert young in here.out("ls /var/lib/skerry/pool/c")


LOSE = (
    "systemctl stop skerry-engine.socket skerry-engine; rm /var/lib/skerry/state.db*; "
    "systemctl start skerry-engine.socket"
)


def until_kept(host: Host) -> None:
    """Wait until the pool has what the last operation changed."""
    time.sleep(2.5)


def recoverable(host: Host) -> dict[str, str]:
    return {f"{one['kind']} {one['name']}": one["why_not"] for one in host.state()["recoverable"]}


def test_a_lost_store_is_rebuilt_from_the_pool(here: Host) -> None:
    web = furnish(here)
    here.skerry("snapshot create web monday")
    here.skerry("snapshot create volume/data tuesday")
    here.skerry("update web --label team=blue")
    here.skerry("realm update other --containers 7")
    here.skerry("create old --image hello --no-start")
    here.skerry("rename old young")
    here.skerry("delete young")
    until_kept(here)
    assert here.out("grep -rl s3cret /var/lib/skerry/pool/specs || true") == ""
    assert here.out("find /var/lib/skerry/pool/specs -perm /077") == ""
    here.out(LOSE)
    here.out("systemctl restart skerry-engine")  # what a lost store leaves stays, however often it is started
    assert here.state()["containers"] == []
    assert set(recoverable(here).values()) == {""}
    assert "skerry state recover" in here.out("journalctl -u skerry-engine -n 50 -o cat")
    checked = here.play("playbooks/state/recover.yml", "--check").ok()
    assert "container default/default/web, with 1 snapshot, alias shop" in checked.output
    assert here.state()["containers"] == []
    here.play("playbooks/state/recover.yml").ok()
    now = here.until_runs("web")
    same = ("id", "url", "urls", "aliases", "env", "ipv4", "created", "image_digest", "volumes", "secrets")
    assert {name: now[name] for name in same} == {name: web[name] for name in same}
    assert now["labels"] == {"team": "blue"}
    assert here.out(f"skerry exec web -- /usr/bin/python3 -c {shlex.quote(READS)}") == "mine volume s3cret\n"
    for name in (web["url"].split("/")[2].split(":")[0], "shop.skerry.localhost"):
        assert "<title>web" in here.visit(name)
    assert here.skerry("realm info other")["realm"]["quota"]["containers"] == 7
    assert here.state()["missing"] == here.state()["recoverable"] == []
    assert set(here.ids()) == {"web", "later"}
    here.out("skerry exec web -- /usr/bin/python3 -c \"open('/own', 'w').write('spoilt')\"")
    here.skerry("snapshot restore web monday")
    assert here.out(f"skerry exec web -- /usr/bin/python3 -c {shlex.quote(READS)}") == "mine volume s3cret\n"
    assert "changed=0" in here.play("playbooks/state/recover.yml").ok().output


def test_what_cannot_be_rebuilt_is_named_and_stays(here: Host) -> None:
    furnish(here)
    until_kept(here)
    ids = here.ids()
    here.out(LOSE)
    spec = f"/var/lib/skerry/pool/specs/container/{ids['later']}.json"
    here.out(f"rm -r /var/lib/skerry/secrets; printf '{{' > {spec}")
    told = here.run("skerry state recover").stderr.decode()
    assert f"not rebuilt: container {ids['later']}: {spec}: it is no JSON" in told
    assert "set it anew: skerry secret set password" in told
    assert set(here.ids()) == {"web"}
    assert "nothing can be rebuilt" in here.refused("skerry state recover")
    assert "password" in here.refused("skerry start web")
    here.out("printf s3cret | skerry secret set password")
    here.skerry("start web")
    here.until_runs("web")
    assert here.out(f"ls -d /var/lib/skerry/pool/c/{ids['later']}")


def test_a_kill_in_a_recovery_leaves_none_or_all(here: Host) -> None:
    web = furnish(here)
    until_kept(here)
    kill = "systemctl kill --signal KILL skerry-engine"
    seen = set()
    for after in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7, 1.0):
        here.out(LOSE + "; skerry status")
        here.run(f"(sleep {after}; {kill}) & timeout 20 skerry state recover; wait")
        for _ in range(60):
            if here.run("skerry status").returncode == 0:
                break
            time.sleep(0.5)
        ids = here.ids()
        assert ids in ({}, {"web": web["id"], "later": ids.get("later")}), after
        seen.add(bool(ids))
    if not here.ids():
        here.out("skerry state recover")
    assert here.until_runs("web")["url"] == web["url"]
    assert here.state()["recoverable"] == []


def changed(plain: bytes, name: str, content: bytes | None) -> bytes:
    """The backup with another member, or without it."""
    with (
        tarfile.open(fileobj=io.BytesIO(plain)) as old,
        tarfile.open(fileobj=(made := io.BytesIO()), mode="w") as new,
    ):
        for member in old:
            data = old.extractfile(member)
            assert data
            found = data.read()
            if member.name == name:
                if content is None:
                    continue
                found = content
            member.size = len(found)
            new.addfile(member, io.BytesIO(found))
    return made.getvalue()


def test_cut_and_hostile_backups_change_nothing(
    here: Host, key: Path, recipient: str, tmp_path: Path
) -> None:
    furnish(here)
    path = tmp_path / "state.age"
    path.write_bytes(here.run(f"skerry state backup --recipient {recipient}").stdout)
    plain = decrypted(key, path)
    here.forget()
    mark = here.out("sha256sum /var/lib/skerry/secret /etc/skerry/pki/*")
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        head = json.loads(tar.extractfile(streams.HEAD).read())  # type: ignore[union-attr]
        begin = tar.getmember("state.db").offset
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w") as tar:
        link = tarfile.TarInfo("state.db")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/shadow"
        tar.addfile(link)
    hostile = {
        "this is encrypted": path.read_bytes(),
        "it is empty": b"",
        "no archive": b"x" * 4096,
        "cut off": plain[: len(plain) // 2],
        "it has no": plain[:begin] + bytes(1024),
        "is not the one": changed(plain, "secret", b"y" * 32),
        "it has no pki/ca.key": changed(plain, "pki/ca.key", None),
        "its state.db is no plain file": plain[:begin] + evil.getvalue(),
        "no backup of a host's state": changed(plain, streams.HEAD, b'{"version": 1}'),
        "reads 1": changed(plain, streams.HEAD, json.dumps(head | {"version": 9}).encode()),
        "of host elsewhere.org": changed(
            plain, streams.HEAD, json.dumps(head | {"host": "elsewhere.org"}).encode()
        ),
        "version 77 of the tables": changed(
            plain, streams.HEAD, json.dumps(head | {"tables": {"store": 77}}).encode()
        ),
    }
    for text, data in hostile.items():
        assert text in here.refused("skerry state restore", data), text
        assert here.state()["containers"] == []
    broken = bytearray(path.read_bytes())
    broken[-100] ^= 1
    path.write_bytes(bytes(broken))
    half = subprocess.run(["age", "-d", "-i", str(key), str(path)], check=False, capture_output=True)
    assert half.returncode != 0
    here.refused("skerry state restore", half.stdout)
    assert here.out("sha256sum /var/lib/skerry/secret /etc/skerry/pki/*") == mark
    assert here.out("ls -d /var/lib/skerry/restore* /run/skerry/restore 2>/dev/null || true") == ""
    here.out("skerry state restore", plain)
    assert "web" in here.ids()


def test_a_kill_leaves_the_old_state_or_the_new_one(
    here: Host, key: Path, recipient: str, tmp_path: Path
) -> None:
    web = furnish(here)
    path = tmp_path / "state.age"
    path.write_bytes(here.run(f"skerry state backup --recipient {recipient}").stdout)
    plain = decrypted(key, path)
    here.forget()
    kill = "systemctl kill --signal KILL skerry-engine"
    for after in (0.05, 0.3, 0.5, 0.6, 0.7, 0.8, 1.0, 1.6, 1.9, 2.2):
        mark = here.out("cat /var/lib/skerry/secret | sha256sum")
        here.run(
            f"cat > /run/b; (sleep {after}; {kill}) & timeout 20 skerry state restore < /run/b; wait; rm /run/b",
            plain,
        )
        for _ in range(60):
            if here.run("skerry status").returncode == 0:
                break
            time.sleep(0.5)
        ids = here.ids()
        assert ids in ({}, {"web": web["id"], "later": ids.get("later")}), after
        assert bool(ids) == (here.out("cat /var/lib/skerry/secret | sha256sum") != mark)
        assert here.out("ls -d /var/lib/skerry/restore* /run/skerry/restore 2>/dev/null || true") == ""
        if ids:
            here.forget()
    here.out("skerry state restore", plain)
    assert here.ids()["web"] == web["id"]
