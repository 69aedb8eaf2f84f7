"""Every verb of containers and images, killed at every point: afterwards it was done, or nothing of it is there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.host import listening
from skerry.parts.alias import Drained
from skerry.protocol.table import TABLE
from skerry.resources.registered import KINDS
from tests.unit.engine.kill_points import Death, Request, Sweep
from tests.unit.engine.machine import Machine, oci_at, tarball_at
from tests.unit.resources.images.oci_images import Made
from tests.unit.resources.images.tarballs import ROOT, member, packed

KEY = {"container": {"name": "crash"}}
PASSWORD = {"secret": {"name": "password"}}
DATA = {"volume": {"name": "data"}}
SERVICES = [{"name": "admin", "port": 1072}]
CHANGES = {"memory": "512M", "disk": "2G", "services": [{"name": "other", "port": 1073}]}


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Sweep]:
    death = Death()
    machine = Machine(death.point)
    with machine.under_the_engine():
        yield Sweep(tmp_path, KINDS, TABLE, machine, death)


def verbs_of_containers(hello: Request, other: Request) -> dict[str, tuple[list[Request], Request]]:
    create: Request = {"verb": "create", **KEY, "spec": {"image": "hello", "services": SERVICES}}
    stopped, started = [hello, {**create, "start": False}], [hello, create]
    anew: Request = {"verb": "update", **KEY, "spec": {"image": "other"}, "discard_root": True}
    return {
        "create": ([hello], create),
        "create, not started": ([hello], {**create, "start": False}),
        "start": (stopped, {"verb": "start", **KEY}),
        "stop": (started, {"verb": "stop", **KEY, "grace": 0}),
        "freeze": (started, {"verb": "freeze", **KEY}),
        "thaw": ([*started, {"verb": "freeze", **KEY}], {"verb": "thaw", **KEY}),
        "stop, frozen": ([*started, {"verb": "freeze", **KEY}], {"verb": "stop", **KEY, "grace": 0}),
        "restart, frozen": ([*started, {"verb": "freeze", **KEY}], {"verb": "restart", **KEY, "grace": 0}),
        "delete, frozen": ([*started, {"verb": "freeze", **KEY}], {"verb": "delete", **KEY}),
        "restart": (started, {"verb": "restart", **KEY, "grace": 0}),
        "update": (started, {"verb": "update", **KEY, "spec": CHANGES}),
        "update, stopped": (stopped, {"verb": "update", **KEY, "spec": CHANGES}),
        "another image": ([other, *started], anew),
        "another image, stopped": ([other, *stopped], anew),
        "another image, nothing written": ([other, *started], {**anew, "discard_root": False}),
        "another image, nothing kept": (
            [other, *started],
            {**anew, "spec": {"image": "other", "rollbacks": 0}},
        ),
        "another image again": (
            [other, *started, anew],
            {**anew, "spec": {"image": "hello", "memory": "1G"}},
        ),
        "another image, one kept of two": (
            [other, *started, {**anew, "spec": {"image": "other", "rollbacks": 2}}],
            {**anew, "spec": {"image": "hello", "rollbacks": 1}},
        ),
        "rollback": ([other, *started, anew], {"verb": "rollback", **KEY}),
        "update, published": (
            [hello, {**create, "spec": {"image": "hello", "publish": ["5432", "53535:53/udp"]}}],
            {"verb": "update", **KEY, "spec": {"publish": ["5432:1", "5433"]}},
        ),
        "update, by TLS": (
            [hello, {**create, "spec": {"image": "hello", "publish": ["8883:1/tls", "6697/tls"]}}],
            {"verb": "update", **KEY, "spec": {"publish": ["8883:2/tls", "6698/tls+proxy"]}},
        ),
        "delete, by TLS": (
            [hello, {**create, "spec": {"image": "hello", "publish": ["8883/tls"]}}],
            {"verb": "delete", **KEY},
        ),
        "start, published": (
            [*stopped, {"verb": "update", **KEY, "spec": {"publish": ["5432"]}}],
            {"verb": "start", **KEY},
        ),
        "delete": (started, {"verb": "delete", **KEY}),
        "delete, with a kept root": ([other, *started, anew], {"verb": "delete", **KEY}),
    }


def verbs_of_copies(hello: Request) -> dict[str, tuple[list[Request], Request]]:
    """``crash`` is copied and renamed; ``caller`` reaches it and comes after it, and ``reader`` has its volume."""
    data: Request = {"verb": "volume_create", **DATA}
    uses = {"volumes": [{"volume": "data", "path": "/data", "read_only": True}]}
    create: Request = {"verb": "create", **KEY, "spec": {"image": "hello", "publish": ["5432"], **uses}}
    caller: Request = {
        "verb": "create",
        "container": {"name": "caller"},
        "spec": {"image": "hello", "reaches": ["crash:80", "crash:81"], "after": ["crash"], **uses},
    }
    take: Request = {"verb": "snapshot_create", "snapshot": {"source": "crash", "name": "one"}}
    there = [hello, data, create, caller, take]
    new = {"container": {"name": "new"}}
    ensure: Request = {"verb": "ensure", **new, "state": "started", "spec": {"memory": "512M"}}
    return {
        "copy": (there, {"verb": "copy", "source": "crash", **new, "spec": {"publish": ["5433"]}}),
        "copy, not started": (there, {"verb": "copy", "source": "crash", **new, "start": False}),
        "copy, of a snapshot": (there, {"verb": "copy", "source": "crash@one", **new}),
        "ensure, a copy": (there, {**ensure, "copy_of": "crash"}),
        "rename": (there, {"verb": "rename", **KEY, "new_name": "new"}),
        "rename, stopped": (
            [*there, {"verb": "stop", **KEY, "grace": 0}],
            {"verb": "rename", **KEY, "new_name": "new"},
        ),
        "rename who reaches another": (
            there,
            {"verb": "rename", "container": {"name": "caller"}, "new_name": "new"},
        ),
        "copy a volume": (there, {"verb": "volume_copy", "source": "data", "volume": {"name": "new"}}),
        "ensure, a copy of a volume": (
            there,
            {"verb": "volume_ensure", "volume": {"name": "new"}, "state": "present", "copy_of": "data"},
        ),
        "rename a volume": (there, {"verb": "volume_rename", **DATA, "new_name": "new"}),
    }


def verbs_of_archives(hello: Request) -> dict[str, tuple[list[Request], Request]]:
    create: Request = {"verb": "create", **KEY, "spec": {"image": "hello", "services": SERVICES}}
    take: Request = {"verb": "snapshot_create", "snapshot": {"source": "crash", "name": "one"}}
    head = {
        "version": 1,
        "name": "default/default/crash",
        "created": "",
        "image": {"name": "hello", "digest": hello["sha256"], "source": ""},
        "spec": create["spec"],
        "volumes": [],
        "secrets": [],
    }
    return {
        "export": ([hello, create], {"verb": "export", **KEY}),
        "export, of a snapshot": ([hello, create, take], {"verb": "export", **KEY, "snapshot": "one"}),
        "import": ([hello], {"verb": "import", **KEY, "manifest": json.dumps(head)}),
    }


def verbs_between_neighbours(hello: Request) -> dict[str, tuple[list[Request], Request]]:
    """``crash`` reaches ``database`` of its project and ``store`` of another one, and is reached by ``caller``."""
    other: dict[str, Any] = {"verb": "create", "spec": {"image": "hello"}}
    database: Request = {**other, "container": {"name": "database"}}
    kept: Request = {
        **other,
        "container": {"project": "data", "name": "store"},
        "spec": {"image": "hello", "reachable_from": ["default/crash"]},
    }
    reaches = {"reaches": ["database:5432", "database:53/udp", "data/store:1"]}
    create: Request = {**other, **KEY, "spec": {"image": "hello", **reaches}}
    caller: Request = {
        **other,
        "container": {"name": "caller"},
        "spec": {"image": "hello", "reaches": ["crash:80"]},
    }
    data: Request = {"verb": "project_create", "project": {"name": "data"}}
    there = [hello, data, database, kept]
    every = [*there, create, caller]
    update: Request = {"verb": "update", **KEY}
    return {
        "create": (there, create),
        "create, reached by another": ([*every, {"verb": "delete", **KEY}], create),
        "create, not started": ([*every, {"verb": "delete", **KEY}], {**create, "start": False}),
        "start": ([*every, {"verb": "stop", **KEY, "grace": 0}], {"verb": "start", **KEY}),
        "stop": (every, {"verb": "stop", **KEY, "grace": 0}),
        "restart": (every, {"verb": "restart", **KEY, "grace": 0}),
        "delete": (every, {"verb": "delete", **KEY}),
        "update": ([*there, {**create, "spec": {"image": "hello"}}], {**update, "spec": reaches}),
        "update, others": (
            every,
            {**update, "spec": {"reaches": ["caller:1", "database:5432"], "memory": "512M"}},
        ),
        "update, none": (every, {**update, "spec": {"reaches": []}}),
        "no consent any more": (
            every,
            {
                "verb": "update",
                "container": {"project": "data", "name": "store"},
                "spec": {"reachable_from": []},
            },
        ),
    }


def verbs_of_volumes() -> dict[str, tuple[list[Request], Request]]:
    create: Request = {"verb": "volume_create", **DATA, "size": "1G"}
    return {
        "create": ([], create),
        "update": ([create], {"verb": "volume_update", **DATA, "size": "2G"}),
        "delete": ([create], {"verb": "volume_delete", **DATA}),
        "ensure, absent": ([create], {"verb": "volume_ensure", **DATA, "state": "absent"}),
        "backup": ([create], {"verb": "volume_backup", **DATA}),
        "restore": ([], {"verb": "volume_restore", **DATA}),
        "restore, over one": ([create], {"verb": "volume_restore", **DATA}),
    }


def verbs_of_secrets() -> dict[str, tuple[list[Request], Request]]:
    create: Request = {"verb": "secret_set", **PASSWORD, "value": "b2xk"}
    return {
        "set": ([], create),
        "set, another value": ([create], {**create, "value": "bmV3"}),
        "delete": ([create], {"verb": "secret_delete", **PASSWORD}),
        "absent": ([create], {"verb": "secret_absent", **PASSWORD}),
    }


def verbs_of_aliases(hello: Request) -> dict[str, tuple[list[Request], Request]]:
    create: Request = {"verb": "create", **KEY, "spec": {"image": "hello", "services": SERVICES}}
    there = [hello, create, {**create, "container": {"name": "next"}}]
    lead: Request = {"verb": "alias_set", "alias": "shop", "container": "crash"}
    return {
        "set": (there, lead),
        "set, another container": ([*there, lead], {**lead, "container": "next"}),
        "set, another service": ([*there, lead], {**lead, "service": "admin", "wait": "running"}),
        "drain": ([*there, lead], {"verb": "alias_drain", "alias": "shop"}),
        "delete": ([*there, lead], {"verb": "alias_delete", "alias": "shop"}),
    }


def verbs_of_snapshots(hello: Request, other: Request) -> dict[str, tuple[list[Request], Request]]:
    create: Request = {"verb": "create", **KEY, "spec": {"image": "hello", "services": SERVICES}}
    anew: Request = {"verb": "update", **KEY, "spec": {"image": "other"}, "discard_root": True}
    of, of_data = {"source": "crash", "name": "one"}, {"source": "volume/data", "name": "one"}
    take: Request = {"verb": "snapshot_create", "snapshot": of}
    take_data: Request = {"verb": "snapshot_create", "snapshot": of_data}
    restore: Request = {"verb": "snapshot_restore", "snapshot": of}
    restore_data: Request = {"verb": "snapshot_restore", "snapshot": of_data}
    started, data = [hello, create, take], [{"verb": "volume_create", **DATA}, take_data]
    stopped = [hello, {**create, "start": False}, take]
    return {
        "create": (started[:-1], take),
        "create, of a volume": (data[:-1], take_data),
        "restore": (started, restore),
        "restore, stopped": (stopped, restore),
        "restore, frozen": ([*started, {"verb": "freeze", **KEY}], restore),
        "restore, keep nothing": (started, {**restore, "keep": False}),
        "restore, another image": ([other, *started, anew], restore),
        "restore, of a volume": (data, restore_data),
        "restore, of a volume, keep nothing": (data, {**restore_data, "keep": False}),
        "delete": (started, {"verb": "snapshot_delete", "snapshot": of}),
        "delete, of a volume": (data, {"verb": "snapshot_delete", "snapshot": of_data}),
        "ensure, present": (started[:-1], {"verb": "snapshot_ensure", "snapshot": of, "state": "present"}),
        "ensure, absent": (started, {"verb": "snapshot_ensure", "snapshot": of, "state": "absent"}),
        "delete the container": (
            [*started, {**take, "snapshot": {**of, "name": "two"}}],
            {"verb": "delete", **KEY},
        ),
        "delete the volume": (data, {"verb": "volume_delete", **DATA}),
    }


def verbs_of_images(old: Request, new: Request) -> dict[str, tuple[list[Request], Request]]:
    build: Request = {"verb": "image_build", "name": "hello", "command": ["/app"]}
    user: Request = {"verb": "create", **KEY, "spec": {"image": "hello"}, "start": False}
    publish: Request = {"verb": "image_publish", "name": "mine", "source": KEY["container"]["name"]}
    over: Request = {**publish, "name": "hello", "rebuild": True}
    return {
        "publish": ([old, user], publish),
        "publish, nothing new": ([old, user, publish], {**publish, "rebuild": True}),
        "publish, another command": ([old, user, publish], {**publish, "command": ["/other"]}),
        "publish, the old one stays": ([old, user], over),
        "publish, the old one goes": ([old, user, new], over),
        "import": ([], old),
        "import, the old one goes": ([old], new),
        "import, the old one stays": ([old, user], new),
        "import, back again": ([old, user, new], old),
        "import, another command": ([old], {**old, "command": ["/other"]}),
        "build": ([], build),
        "build, the old one goes": ([old], build),
        "build, the old one stays": ([old, user], build),
        "build, nothing new": ([build], {**build, "rebuild": True}),
        "build, another command": ([build], {**build, "command": ["/other"]}),
        "build, another recipe with the same result": ([build], {**build, "packages": ["nginx"]}),
        "delete": ([old], {"verb": "image_delete", "name": "hello"}),
    }


def verbs_of_oci_images(folder: Path) -> dict[str, tuple[list[Request], Request]]:
    base, other = packed(*ROOT), packed(*ROOT, member("usr/other"))
    first, second, third = (
        oci_at(folder, name, Made([below, packed(member(f"usr/{name}"))], packed=False))
        for name, below in (("first", base), ("second", base), ("third", other))
    )
    third["name"] = second["name"] = first["name"]
    sibling = {**second, "name": "sibling"}
    user: Request = {
        "verb": "create",
        **KEY,
        "spec": {"image": first["name"], "command": ["/a"]},
        "start": False,
    }
    delete: Request = {"verb": "image_delete", "name": first["name"]}
    return {
        "pull": ([], first),
        "pull, on the base of another one": ([first], sibling),
        "pull, the old one goes, its base stays": ([first], second),
        "pull, the old one goes": ([first], third),
        "pull, the old one stays": ([first, user], third),
        "pull, back again": ([first, user, third], first),
        "pull, another command": ([first], {**first, "command": ["/other"]}),
        "delete": ([first], delete),
        "delete, another one has its base": ([first, sibling], delete),
        # Of several images, each is an operation of its own: killed between them, some are gone and some are not.
        "prune": ([first], {"verb": "image_prune"}),
        "prune, its base is in use": ([first, user, sibling], {"verb": "image_prune"}),
    }


def verbs_of_realms() -> dict[str, tuple[list[Request], Request]]:
    acme: dict[str, Any] = {"realm": {"name": "acme"}}
    limits = {"quota": {"memory": "1G", "cpu": 2, "containers": 3}}
    create: Request = {"verb": "realm_create", **acme}
    return {
        "create": ([], create),
        "create, with limits": ([], {**create, **limits}),
        "update": ([create], {"verb": "realm_update", **acme, **limits, "merge_memory": True}),
        "update, no limits": (
            [{**create, **limits}],
            {"verb": "realm_update", **acme, "quota": {"memory": "none", "cpu": "none"}},
        ),
        "ensure": ([], {"verb": "realm_ensure", **acme, **limits, "state": "present"}),
        "delete": ([{**create, **limits}], {"verb": "realm_delete", **acme}),
    }


def verbs_of_projects() -> dict[str, tuple[list[Request], Request]]:
    shop: dict[str, Any] = {"project": {"name": "acme/shop"}}
    realm: Request = {"verb": "realm_create", "realm": {"name": "acme"}}
    limits = {"quota": {"memory": "1G", "pids": 100, "volumes": 0}}
    create: Request = {"verb": "project_create", **shop}
    return {
        "create": ([realm], create),
        "create, with limits": ([realm], {**create, **limits}),
        "update": ([realm, create], {"verb": "project_update", **shop, **limits}),
        "delete": ([realm, {**create, **limits}], {"verb": "project_delete", **shop}),
        "create again": ([realm, create, {"verb": "project_delete", **shop}], create),
    }


def verbs_of_tokens() -> dict[str, tuple[list[Request], Request]]:
    own = {"token": {"name": "ci"}}
    create: Request = {"verb": "token_create", **own, "template": "deploy", "expires": "2999-01-31"}
    realm: Request = {"verb": "realm_create", "realm": {"name": "acme"}}
    of_realm: Request = {"verb": "token_create", "token": {"name": "acme/ci"}, "verbs": ["info"]}
    return {
        "create": ([], create),
        "create, of a realm": ([realm], of_realm),
        "ensure": ([create], {"verb": "token_ensure", **own, "state": "present", "cidrs": ["192.0.2.0/24"]}),
        "rotate": ([create], {"verb": "token_rotate", **own}),
        "revoke": ([create], {"verb": "token_revoke", **own}),
    }


def verbs_of_policies(hello: Request) -> dict[str, tuple[list[Request], Request]]:
    create: Request = {"verb": "create", **KEY, "spec": {"image": "hello"}}
    lock: Request = {
        "verb": "policy_set",
        "container": "crash",
        "groups": [{"name": "office", "ip": ["192.0.2.0/24"]}],
    }
    there = [hello, create]
    return {
        "set": (there, lock),
        "set, of a project": (there, {**lock, "container": None}),
        "set, another": ([*there, lock], {**lock, "groups": [{"name": "ci", "tokens": [{"name": "t"}]}]}),
        "delete": ([*there, lock], {"verb": "policy_delete", "container": "crash"}),
        "absent": ([*there, lock], {"verb": "policy_absent", "container": "crash"}),
        "copy its container": (
            [*there, lock],
            {"verb": "copy", "container": {"name": "copy"}, "source": "crash", "spec": {}},
        ),
        "delete its container": ([*there, lock], {"verb": "delete", **KEY}),
    }


def test_killed_anywhere_it_is_done_or_nothing_of_it_is_there(
    sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old: dict[str, Any] = {"verb": "image_import", "name": "hello", "command": ["/app"]}
    new = old | tarball_at(tmp_path / "new.tar", "new")
    old |= tarball_at(tmp_path / "old.tar", "old")
    monkeypatch.setattr(Drained, "open", lambda *_: [object()])
    monkeypatch.setattr(Drained, "make", lambda *_: None)
    monkeypatch.setattr(listening, "listens", lambda *_: False)
    every = {
        "container": verbs_of_containers(old, new | {"name": "other"}),
        "container, as a file": verbs_of_archives(old),
        "container, with neighbours": verbs_between_neighbours(old),
        "copies and other names": verbs_of_copies(old),
        "image": verbs_of_images(old, new),
        "OCI image": verbs_of_oci_images(tmp_path),
        "volume": verbs_of_volumes(),
        "alias": verbs_of_aliases(old),
        "policy": verbs_of_policies(old),
        "secret": verbs_of_secrets(),
        "realm": verbs_of_realms(),
        "project": verbs_of_projects(),
        "token": verbs_of_tokens(),
        "snapshot": verbs_of_snapshots(old, new | {"name": "other"}),
    }
    for kind, verbs in every.items():
        before = sweep.count
        for requests in verbs.values():
            assert sweep.kill(*requests) >= 2
        with capsys.disabled():
            print(f"\n{sweep.count - before} kill points in {len(verbs)} operations on kind {kind}", end="")
    with capsys.disabled():
        print(f", {len(sweep.problems)} with problems")
    assert not sweep.problems, "\n".join(sweep.problems)


def test_the_sweep_sees_what_is_left_over(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without undoing and without cleaning at the start, an import that was cut off leaves its tarball."""
    monkeypatch.setattr("skerry.resources.images.factory.clear", lambda _host: False)
    sweep.kill([], {"verb": "image_import", "name": "hello", **tarball_at(tmp_path / "x.tar", "x")})
    assert any("images/work" in problem for problem in sweep.problems)
