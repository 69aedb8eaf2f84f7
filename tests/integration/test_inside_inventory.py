"""Thirty containers as hosts: found, grouped and configured by one play that changes nothing when it runs again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.integration import tenants
from tests.integration.containers_by_ansible import PLUGIN, Inventory
from tests.integration.image_lab import ImageLab
from tests.integration.playbooks import play

REALMS, TIERS = ("acme", "default"), ("back", "front", "mid-1")
NAMES = [f"m{number:02}" for number in range(30)]
STOPPED = "m29"
EVIL = "{{ lookup('ansible.builtin.pipe', 'touch /tmp/skerry-evaluated') }}"
Listing = dict[str, Any]


def spec_of(number: int) -> dict[str, Any]:
    """Options of the container with that number."""
    labels = {"tier": TIERS[number % 3], "example.org/number": str(number)}
    extra = {"note": EVIL} if number == 0 else {}
    return {
        "image": "debian",
        "command": ["/bin/sleep", "infinity"],
        "memory": "64M",
        "disk": "64M",
        "labels": labels | extra,
    }


def key_of(number: int) -> dict[str, str]:
    """Its name: in two realms and two projects."""
    return {"realm": REALMS[number % 2], "project": "shop" if number % 5 else "lab", "name": NAMES[number]}


@pytest.fixture(scope="module")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture(scope="module")
def many(lab: str, host: Host, images: ImageLab) -> Iterator[None]:
    play(lab, "playbooks/image/import.yml", "-e", "image=debian").ok()
    wanted = [(key_of(number), spec_of(number)) for number in range(30)]
    program = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from skerry.client import EngineClient
def one(asked):
    key, spec, state = asked
    EngineClient().call("ensure", container=key, spec=spec, state=state, wait="running", timeout=120)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(one, json.load(sys.stdin)))
print("{}")
"""

    def bring(state: str) -> None:
        asked = [
            [
                key,
                {} if state == "absent" else spec,
                "stopped" if state != "absent" and key["name"] == STOPPED else state,
            ]
            for key, spec in wanted
        ]
        images.run(f"cat >/run/many.py <<'END'\n{program}\nEND")
        images.run("python3 /run/many.py", json.dumps(asked).encode())

    places = sorted({f"{key['realm']}/{key['project']}" for key, _ in wanted})
    tenants.make(host, *places)
    bring("absent")
    bring("started")
    yield
    bring("absent")
    tenants.delete(host, *places)


@pytest.fixture(scope="module")
def inventory(lab: str, many: None, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    found = Inventory(lab, tmp_path_factory.mktemp("inventory"))
    configure(found, filters=["skerry_container is match('m[0-9]')"])
    return found


def configure(inventory: Inventory, **options: Any) -> None:
    """Write the inventory plugin's file."""
    text = yaml.safe_dump({"plugin": PLUGIN, "hosts": ["skerry_hosts"], **options})
    (inventory.folder / "containers.skerry.yml").write_text(text)


def listing(inventory: Inventory, **settings: str) -> Listing:
    """The inventory as Ansible sees it."""
    done = inventory.run("ansible-inventory", "--list", **settings)
    assert done.returncode == 0, done.stderr
    found: Listing = plain(json.loads(done.stdout))
    return found


def plain(value: Any) -> Any:
    """What Ansible prints, without its notes that a text is not to be evaluated."""
    if isinstance(value, dict):
        return value.get("__ansible_unsafe", {name: plain(one) for name, one in value.items()})
    return [plain(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def listed(inventory: Inventory) -> Listing:
    return listing(inventory)


def hosts(found: Listing, group: str) -> set[str]:
    """The containers of a group, by their short names."""
    return {name.partition(".")[0] for name in found[group]["hosts"]}


def numbers(wanted: Any) -> set[str]:
    return {NAMES[number] for number in range(30) if wanted(number)}


def test_they_are_grouped_by_realm_project_label_and_state(listed: Listing) -> None:
    assert hosts(listed, "skerry_containers") == set(NAMES)
    assert hosts(listed, "realm_acme") == numbers(lambda number: number % 2 == 0)
    assert hosts(listed, "project_default_shop") == numbers(lambda number: number % 2 and number % 5)
    assert hosts(listed, "project_acme_lab") == numbers(lambda number: number % 10 == 0)
    assert hosts(listed, "label_tier_mid_1") == numbers(lambda number: number % 3 == 2)
    assert hosts(listed, "label_example_org_number_7") == {"m07"}
    assert hosts(listed, "state_running") == set(NAMES) - {STOPPED}
    assert hosts(listed, "state_stopped") == {STOPPED}


def test_a_container_is_told_with_its_id_urls_and_addresses(
    listed: Listing, lab: str, images: ImageLab
) -> None:
    found = listed["_meta"]["hostvars"][f"m01.shop.default.{lab}"]
    there = images.ask("info", container=key_of(1)).ok()["container"]
    same = {
        "id": "id",
        "url": "url",
        "urls": "urls",
        "ipv4": "ipv4",
        "ipv6": "ipv6",
        "labels": "labels",
        "state": "state",
    }
    assert {name: found[f"skerry_{name}"] for name in same} == {
        name: there[field] for name, field in same.items()
    }
    assert (found["ansible_connection"], found["skerry_host"]) == (PLUGIN, lab)


def test_one_play_configures_them_all_and_then_changes_nothing(inventory: Inventory) -> None:
    tasks = [
        {
            "ansible.builtin.lineinfile": {
                "path": "/srv/about", "create": True, "mode": "0644",
                "line": "{{ skerry_labels['example.org/number'] }} {{ skerry_container }}",
            },
        },
        {"ansible.builtin.file": {"path": "/srv/data", "state": "directory", "mode": "0700"}},
    ]  # fmt: skip
    running = "skerry_containers:!state_stopped"
    assert len(inventory.play(running, tasks, "--forks", "10").ok().changed) == 2 * 29
    again = inventory.play(running, tasks, "--forks", "10").ok()
    assert (again.changed, again.output.count("changed=0")) == ([], 29), again.output


def test_each_was_reached_and_no_other(inventory: Inventory, images: ImageLab) -> None:
    for number in (0, 13, 28):
        key = key_of(number)
        where = f"--realm {key['realm']} --project {key['project']}"
        assert (
            images.run(f"skerry exec {key['name']} {where} -- cat /srv/about") == f"{number} {key['name']}\n"
        )


def test_what_a_label_says_is_never_evaluated(inventory: Inventory, lab: str) -> None:
    marker = Path("/tmp/skerry-evaluated")
    task = {"ansible.builtin.raw": "echo {{ skerry_labels.note | quote }}", "register": "said"}
    assert inventory.play(f"m00.lab.acme.{lab}", [task]).ok().results["said"]["stdout"].strip() == EVIL
    assert not marker.exists()


def test_it_is_filtered_named_composed_and_grouped_further(
    inventory: Inventory, lab: str, tmp_path: Path
) -> None:
    other = Inventory(lab, tmp_path)
    configure(
        other,
        hostname="skerry_container",
        filters=["skerry_realm == 'acme'", "skerry_labels.tier == 'front'"],
        compose={"ansible_user": "'www-data'"},
        keyed_groups=[{"key": "skerry_image", "prefix": "image"}],
        groups={"low": "skerry_labels['example.org/number'] | int < 10"},
    )
    found = listing(other)
    wanted = numbers(lambda number: number % 2 == 0 and number % 3 == 1)
    assert hosts(found, "image_debian") == wanted == hosts(found, "skerry_containers")
    assert hosts(found, "low") == {"m04"}
    assert found["_meta"]["hostvars"]["m04"]["ansible_user"] == "www-data"


def test_two_of_one_name_are_refused(inventory: Inventory, lab: str, tmp_path: Path) -> None:
    other = Inventory(lab, tmp_path)
    configure(other, hostname="skerry_project", filters=["skerry_container is match('m[0-9]')"])
    done = other.run(
        "ansible-inventory",
        "--list",
        ANSIBLE_INVENTORY_UNPARSED_FAILED="true",
        ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true",
    )
    assert done.returncode != 0
    assert "would both be" in done.stderr


def test_a_host_that_cannot_be_asked_is_named(inventory: Inventory, lab: str, tmp_path: Path) -> None:
    other = Inventory(lab, tmp_path)
    configure(other, hosts=["skerry_hosts", "no-such-host.invalid"])
    failed = other.run("ansible-inventory", "--list", ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true")
    assert failed.returncode != 0
    assert "Skerry host no-such-host.invalid" in failed.stderr
    configure(other, hosts=["skerry_hosts", "no-such-host.invalid"], skip_unreachable=True)
    left = other.run("ansible-inventory", "--list", ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true")
    assert left.returncode == 0, left.stderr
    assert "no-such-host.invalid is left out" in left.stderr


def test_a_cached_answer_is_used_until_it_is_flushed(
    inventory: Inventory, images: ImageLab, lab: str, tmp_path: Path
) -> None:
    other = Inventory(lab, tmp_path)
    configure(other, cache=True, cache_plugin="jsonfile", cache_connection=str(tmp_path / "cache"))
    assert STOPPED in hosts(listing(other), "state_stopped")
    images.ask("start", container=key_of(29), wait="running", timeout=120).ok()
    try:
        assert STOPPED in hosts(listing(other), "state_stopped")
        flushed = other.run("ansible-inventory", "--list", "--flush-cache")
        assert STOPPED in hosts(plain(json.loads(flushed.stdout)), "state_running")
    finally:
        images.ask("stop", container=key_of(29)).ok()


def test_labels_change_without_a_restart(inventory: Inventory, images: ImageLab) -> None:
    before = images.ask("info", container=key_of(3)).ok()["container"]
    plan = images.plan("update", container=key_of(3), spec={"labels": {"tier": "top"}})["plans"][0]
    assert (plan["steps"], plan["restart_required"]) == ([], [])
    assert plan["stored"] == ["labels example.org/number=3 tier=back to tier=top"]
    where = " ".join(f"--{part} {key_of(3)[part]}" for part in ("realm", "project"))
    said = images.run(f"skerry update m03 {where} --label tier=top; skerry info m03 {where} --json")
    after = json.loads(said[said.index("{\n") :])["container"]
    assert after["labels"] == {"tier": "top"}
    assert after["restart_pending"] is False
    assert (after["state"], after["desired"]) == (before["state"], before["desired"])
