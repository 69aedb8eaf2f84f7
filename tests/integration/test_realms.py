"""Realms and projects on a real host: quotas, slices, and that nothing of one realm is another's."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration import tenants
from tests.integration.modules import Call, call, four_beats
from tests.integration.playbooks import play
from tests.integration.talk import CLIENT, PYTHON, SERVER

ACME, RIVAL = "t-acme/shop", "t-rival/shop"
SMALL = "--memory 64M --disk 64M --pids 50 --cpu 0.5"


def skerry(host: Host, words: str) -> Any:
    return json.loads(host.check_output(f"skerry {words} --json"))


def refused(host: Host, words: str) -> str:
    done = host.run(f"skerry {words}")
    assert done.rc != 0, done.stdout
    return " ".join(done.stderr.split())


def create(host: Host, name: str, project: str, options: str = "") -> dict[str, Any]:
    command = f"{PYTHON} {shlex.quote(SERVER)}"
    words = (
        f"create {name} --image hello --project {project} --port 5432 {SMALL} {options} --json -- {command}"
    )
    found: dict[str, Any] = json.loads(host.check_output(f"skerry {words}"))["after"]
    return found


def said(host: Host, name: str, project: str, *asked: tuple[str, int, str, int]) -> list[str | None]:
    """What a container is told by each that it asks."""
    words = (
        f"exec {name} --project {project} -- {PYTHON} {shlex.quote(CLIENT)} {shlex.quote(json.dumps(asked))}"
    )
    found: list[str | None] = json.loads(host.check_output(f"skerry {words}"))
    return found


def ways(target: dict[str, Any]) -> list[tuple[str, int, str, int]]:
    """Every way to a container: both families, both protocols."""
    addresses = ((target["ipv4"], 4), (target["ipv6"], 6))
    return [
        (address, port, kind, family)
        for address, family in addresses
        for port, kind in ((5432, "tcp"), (5433, "udp"))
    ]


def slice_of(host: Host, project: str) -> tuple[str, str]:
    """The slices of a project's realm and of the project."""
    one = skerry(host, f"project info {project}")["project"]
    realm = skerry(host, f"realm info {one['realm']}")["realm"]
    return f"skerry-{realm['id']}.slice", f"skerry-{realm['id']}-{one['id']}.slice"


def properties(host: Host, unit: str) -> dict[str, str]:
    """What systemd holds a slice to, once something of it runs."""
    text = host.check_output(f"systemctl show {unit} -p MemoryMax,CPUQuotaPerSecUSec,TasksMax")
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.fixture(autouse=True)
def two_realms(host: Host, hello: str) -> Iterator[None]:
    """Two realms with a project each, and nothing in them."""
    tenants.delete(host, ACME, RIVAL)
    tenants.make(host, ACME, RIVAL)
    yield
    tenants.delete(host, ACME, RIVAL)


# ---- made, changed, deleted


def test_the_modules_four_beats(host: Host, lab: str, tmp_path: Path) -> None:
    tenants.delete(host, ACME)
    realm = {"name": "t-acme", "quota": {"memory": "1G", "containers": 4}}
    project = {"name": ACME, "quota": {"memory": "512M", "pids": 200}}
    gone = {"name": ACME, "state": "absent"}
    calls = [
        *(Call(one.options, one.check, "skerry_realm") for one in four_beats(realm)),
        *(Call(one.options, one.check, "skerry_project") for one in four_beats(project)),
        Call({"name": ACME, "quota": {"memory": "none"}}, module="skerry_project"),
        Call({"name": "t-acme", "state": "absent"}, module="skerry_realm"),
        *(Call(one.options, one.check, "skerry_project") for one in four_beats(gone)),
        Call({"name": "t-acme", "state": "absent"}, module="skerry_realm"),
        Call({"name": "t-acme", "state": "absent"}, module="skerry_realm"),
    ]
    found = call(lab, tmp_path, *calls)
    assert [one["changed"] for one in found[:8]] == [True, True, False, False] * 2
    assert [found[0][name] for name in ("steps", "stored")] == [
        [re.sub("[0-9a-f]{24}", found[0]["realm"]["id"], step) for step in found[1]["steps"]],
        found[1]["stored"],
    ]
    assert found[1]["realm"]["quota"] == {"containers": 4, "memory": "1G"}
    assert found[5]["project"]["quota"] == {"memory": "512M", "pids": 200}
    assert found[8]["project"]["quota"] == {"pids": 200}
    assert "realm t-acme is not empty: it has project shop" in found[9]["msg"]
    assert [one["changed"] for one in found[10:14]] == [True, True, False, False]
    assert [one["changed"] for one in found[14:]] == [True, False]
    assert "there is no realm t-acme" in found[15]["missing"]


def test_an_inventory_has_realms_and_projects_made(host: Host, lab: str, tmp_path: Path) -> None:
    tenants.delete(host, ACME)
    realms = [
        {"name": "t-acme", "quota": {"cpu": 2}, "projects": [{"name": "shop", "quota": {"memory": "1G"}}]}
    ]
    variables = tmp_path / "realms.json"
    variables.write_text(json.dumps({"lxc_host_realms": realms}))
    words = ("site.yml", "--tags", "lxc_host", "-e", f"@{variables}")
    play(lab, *words).ok()
    assert skerry(host, "realm info t-acme")["realm"]["quota"] == {"cpu": 2.0}
    assert skerry(host, f"project info {ACME}")["project"]["quota"] == {"memory": "1G"}
    again = play(lab, *words).ok()
    assert re.search(r"changed=0 ", again.output)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("realm create t-acme", "realm t-acme exists already"),
        ("project create t-acme/shop", "project t-acme/shop exists already"),
        ("project create t-nobody/x", "there is no realm t-nobody. Create it first: skerry realm create t-nobody"),
        ("create x --project t-acme/shp --image hello", "there is no project t-acme/shp"),
        ("volume create x --realm t-nobody", "there is no realm t-nobody"),
        ("create x --project t-acme/shop --realm t-rival --image hello", "is of realm t-acme, and the realm is"),
        ("project update t-acme/shop --memory lots", "memory: 'lots' is not a size"),
        ("project update t-acme/shop --containers -1", "containers: '-1' is not allowed. Give at least 0"),
        ("project update t-acme/shop --cpu 0", "cpu: '0' is not allowed. Give at least 0.05"),
        ("realm create A", "name: 'A' is not allowed. Give lower-case letters"),
        ("realm delete default", "realm default is always there"),
        ("project delete default", "project default/default is always there"),
        ("realm info t-acm", "Did you mean t-acme?"),
        ("project info t-acme/shp", "Did you mean shop? Projects of t-acme: shop"),
        ("copy default/web web --project t-acme/shop", "An archive brings it into another project"),
    ],
)  # fmt: skip
def test_wrong_words_are_told_what_would_be_right(host: Host, words: str, expected: str) -> None:
    assert expected in refused(host, words)


def test_only_what_is_empty_is_deleted_and_no_id_comes_back(host: Host) -> None:
    host.check_output(f"skerry volume create data --project {ACME} --size 16M")
    host.check_output(f"printf x | skerry secret set key --project {ACME}")
    web = create(host, "web", ACME, "--no-start")
    said_ = refused(host, f"project delete {ACME}")
    for part in ("containers web", "volumes data", "secrets key", "Delete these first"):
        assert part in said_
    before = skerry(host, f"project info {ACME}")["project"], skerry(host, "realm info t-acme")["realm"]
    tenants.delete(host, ACME)
    tenants.make(host, ACME)
    after = skerry(host, f"project info {ACME}")["project"], skerry(host, "realm info t-acme")["realm"]
    again = create(host, "web", ACME, "--no-start")
    ids = [web["id"], again["id"], *(one["id"] for one in (*before, *after))]
    assert len(set(ids)) == len(ids)
    assert web["url"].split("-")[0] != again["url"].split("-")[0]


# ---- quotas


def test_quotas_hold_to_the_last_byte_in_every_verb(host: Host) -> None:
    host.check_output(f"skerry project update {ACME} --containers 2 --memory 128M --disk 144M --volumes 1")
    create(host, "one", ACME)
    create(host, "two", ACME)
    three = f"create three --image hello --project {ACME} {SMALL}"
    message = refused(host, three)
    assert "containers: project t-acme/shop has a quota of 2, of which 2 are promised to others" in message
    assert "Delete some. Or raise the quota: skerry project update t-acme/shop --containers 3" in message
    assert "containers: project" in refused(host, f"plan {three}")
    host.check_output(f"skerry project update {ACME} --containers none")
    assert "memory: project t-acme/shop has a quota of 128M" in refused(host, three)
    assert "memory: project" in refused(host, f"update one --project {ACME} --memory 65M")
    assert "memory: project" in refused(host, f"copy one four --project {ACME}")
    host.check_output(f"skerry volume create data --project {ACME} --size 16M")
    assert "disk: project" in refused(host, f"volume create more --project {ACME} --size 16M")
    host.check_output(f"skerry project update {ACME} --disk 1G")
    assert "volumes: project" in refused(host, f"volume create more --project {ACME} --size 16M")
    host.check_output(f"skerry project update {ACME} --disk 144M")
    assert "disk: project" in refused(host, f"volume update data --project {ACME} --size 17M")
    assert "disk: project" in refused(host, f"update one --project {ACME} --disk 65M")
    host.check_output(f"skerry rename one uno --project {ACME}")
    host.check_output(f"skerry update uno --project {ACME} --memory 32M")
    used = skerry(host, f"project info {ACME}")["project"]["used"]
    assert used == {"containers": 2, "memory": "96M", "cpu": 1.0, "pids": 100, "disk": "144M", "volumes": 1}


def test_the_realm_s_quota_holds_all_of_its_projects(host: Host) -> None:
    tenants.make(host, "t-acme/lab")
    host.check_output("skerry realm update t-acme --cpu 0.9")
    create(host, "web", ACME, "--no-start")
    asked = f"create web --image hello --project t-acme/lab {SMALL}"
    assert "cpu: realm t-acme has a quota of 0.9, of which 0.5 are promised to others" in refused(host, asked)
    create(host, "web", RIVAL, "--no-start")  # it is nobody else's
    assert "cpu: 0.3 is less than what realm t-acme has already, 0.5" in refused(
        host, "realm update t-acme --cpu 0.3"
    )
    host.check_output("skerry realm update t-acme --cpu 0.5")
    tenants.delete(host, "t-acme/lab")


def test_slices_have_the_limits_at_once_and_after_a_new_start(host: Host) -> None:
    realm, project = slice_of(host, ACME)
    create(host, "web", ACME)
    group = host.check_output(
        f"systemctl show 'skerry-{skerry(host, f'info web --project {ACME}')['container']['id']}.service' "
        "-p ControlGroup --value"
    )
    assert group.startswith(f"/skerry.slice/{realm}/{project}/")
    host.check_output("skerry realm update t-acme --memory 1G --cpu 1.5 --pids 400")
    host.check_output(f"skerry project update {ACME} --memory 512M")
    held = {"MemoryMax": str(1 << 30), "CPUQuotaPerSecUSec": "1.500000s", "TasksMax": "400"}
    assert properties(host, realm) == held
    assert properties(host, project)["MemoryMax"] == str(512 << 20)
    # As a reboot leaves it: all of /run is empty.
    host.check_output("rm -r /run/systemd/system.control/skerry-*; systemctl daemon-reload")
    assert properties(host, realm)["MemoryMax"] != str(1 << 30)
    host.check_output("systemctl restart skerry-engine")
    assert properties(host, realm) == held
    host.check_output("skerry realm update t-acme --memory none --cpu none --pids none")
    assert set(properties(host, realm).values()) == {"infinity"}
    tenants.delete(host, ACME)
    assert host.run(f"systemctl list-units --all --plain --no-legend {realm} {project}").stdout == ""
    assert realm not in host.run("ls /run/systemd/system.control").stdout


# ---- nothing of one is another's


def test_no_packet_passes_between_realms_whatever_they_say(host: Host) -> None:
    theirs = create(host, "web", RIVAL, "--reachable-from shop/app --reachable-from default/app")
    own = create(host, "web", ACME)
    app = create(host, "app", ACME, "--reach web:5432 --reach web:5433/udp")
    at_home = create(host, "app", "default")
    try:
        assert [one and one.split(":")[0] for one in said(host, "app", ACME, *ways(own))] == ["web"] * 4
        assert said(host, "app", ACME, *ways(theirs)) == [None] * 4
        assert said(host, "web", RIVAL, *ways(own), *ways(app)) == [None] * 8
        assert said(host, "app", "default", *ways(theirs), *ways(own)) == [None] * 8
        assert said(host, "web", RIVAL, *ways(at_home)) == [None] * 4
        # Their names are no one's here: the one of the own realm is meant, or none is there.
        wants = f"update app --project {ACME} --reach"
        assert "must be NAME:PORT" in refused(host, f"{wants} t-rival/shop/web:5432")
        tenants.make(host, "t-rival/depot")
        create(host, "store", "t-rival/depot", "--reachable-from shop/app")
        assert "no container depot/store in realm t-acme" in refused(host, f"{wants} depot/store:5432")
        elements = host.check_output("nft list set inet skerry reaches4; nft list set inet skerry reaches6")
        for address in (theirs["ipv4"], theirs["ipv6"]):
            assert not re.search(rf"\b{re.escape(address)}\b", elements)
    finally:
        host.check_output("skerry delete app")
        tenants.delete(host, "t-rival/depot")


def test_names_volumes_secrets_and_aliases_stay_at_home(host: Host) -> None:
    host.check_output(f"skerry volume create data --project {RIVAL} --size 16M")
    host.check_output(f"printf x | skerry secret set key --project {RIVAL}")
    create(host, "web", RIVAL)
    create(host, "web", ACME)
    host.check_output(f"skerry alias set t-shop --container web --project {RIVAL} --wait running")
    taken = refused(host, f"alias set t-shop --container web --project {ACME}")
    assert taken.replace("t-shop", "www") == refused(host, f"alias set www --container web --project {ACME}")
    for words in ("--volume data:/data", "--secret key"):
        message = refused(host, f"create x --project {ACME} --image hello {words}")
        assert f"in {ACME}" in message
        assert "rival" not in message
    assert "rival" not in refused(host, f"copy x y --project {ACME}")
    assert "there is no container 'web2'" in refused(
        host, f"create x --project {ACME} --image hello --after web2"
    )
    text = host.check_output(f"skerry list --project {ACME}")
    assert text.split()[:3] == ["NAME", "REALM", "PROJECT"]
    assert "t-rival" not in text


def test_logs_are_the_realm_s_and_go_with_it(host: Host) -> None:
    realm = skerry(host, "realm info t-rival")["realm"]["id"]
    command = f"skerry create talk --image hello --project {RIVAL} --wait running {SMALL} -- /bin/echo theirs"
    host.check_output(command)
    folders = f"/var/log/journal/*.skerry-{realm}"
    host.check_output(f"for i in $(seq 50); do ls -d {folders} && exit; sleep 0.1; done; false")
    assert "theirs" in host.check_output(f"sleep 1; skerry logs talk --project {RIVAL}")
    host.check_output(f"skerry delete talk --project {RIVAL}; skerry project delete {RIVAL}")
    host.check_output("skerry realm delete t-rival")
    left = host.run(
        f"ls -d {folders} /run/systemd/journald@skerry-{realm}.conf /run/systemd/journal.skerry-{realm}"
    )
    assert left.stdout == ""


def test_one_realm_merges_memory_unless_the_operator_accepts_more(host: Host) -> None:
    def merges(project: str) -> bool:
        own = skerry(host, f"info web --project {project}")["container"]["id"]
        return "yes" in host.check_output(f"systemctl show skerry-{own}.service -p MemoryKSM --value")

    create(host, "web", ACME)
    changed = host.run("skerry realm update t-acme --merge-memory")
    assert "a restart is due for shop/web" in changed.stderr
    assert not merges(ACME)
    info = skerry(host, f"info web --project {ACME}")["container"]
    assert (info["restart_pending"], info["restart_reasons"]) == (True, ["options"])
    host.check_output(f"skerry restart web --project {ACME}")
    assert merges(ACME)
    assert not skerry(host, f"info web --project {ACME}")["container"]["restart_pending"]
    process = f"$(systemctl show skerry-{info['id']}.service -p MainPID --value)"
    assert "ksm_merge_any: yes" in host.check_output(f"cat /proc/{process}/ksm_stat")
    message = refused(host, "realm update t-rival --merge-memory")
    assert "realm t-acme has it on this host" in message
    assert "lxc_host_merge_memory_realms: [t-rival]" in message
    config = "/etc/skerry/engine.toml"
    host.check_output(f"cp {config} /run/engine.toml")
    try:
        host.check_output(f"sed -i 's/^merge_memory_realms.*/merge_memory_realms = [\"t-rival\"]/' {config}")
        host.check_output("systemctl restart skerry-engine; skerry realm update t-rival --merge-memory")
        create(host, "web", RIVAL)
        assert merges(RIVAL)
    finally:
        host.check_output(f"cp /run/engine.toml {config}; systemctl restart skerry-engine")
