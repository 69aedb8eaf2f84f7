"""A public role that sets PostgreSQL up, unchanged, in a container: packages by apt, a service, a user, a database.

The role is geerlingguy's (tests/vendored has it, with its licence). The modules that it calls come with Debian's ansible.
"""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.containers_by_ansible import Inventory, Played
from tests.integration.image_lab import ImageLab
from tests.integration.playbooks import play

ROLES = Path(__file__).parents[1] / "vendored"
SUITE = "/usr/lib/python3/dist-packages/ansible_collections/community"
# postgresql's modules with what they share, and locale_gen.
_COLLECTIONS = f"""
cd /run; rm -rf role-modules; mkdir -p role-modules/out; cd role-modules
apt-get -qq download ansible
dpkg-deb --fsys-tarfile ansible_*.deb | tar -x --wildcards \
    '.{SUITE}/postgresql/*' '.{SUITE}/general/plugins/modules/locale_gen.py' '.{SUITE}/general/plugins/module_utils/*' \
    '.{SUITE}/general/plugins/doc_fragments/*' '.{SUITE}/general/meta/*' '.{SUITE}/general/MANIFEST.json'
tar -C ./usr/lib/python3/dist-packages -cf - ansible_collections
"""


@pytest.fixture(scope="module")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture(scope="module")
def database(images: ImageLab, lab: str) -> Iterator[dict[str, Any]]:
    play(lab, "playbooks/image/import.yml", "-e", "image=debian").ok()
    images.ask("ensure", container={"name": "database"}, state="absent").ok()
    spec = {"image": "debian", "profile": "system", "memory": "1G", "disk": "4G", "pids": 1024}
    yield images.ask("create", container={"name": "database"}, spec=spec, wait="ready", timeout=300).ok()[
        "after"
    ]
    images.ask("ensure", container={"name": "database"}, state="absent").ok()


@pytest.fixture(scope="module")
def settings(images: ImageLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where Ansible finds the role, and the modules that it calls."""
    folder = tmp_path_factory.mktemp("modules")
    images.run("mkdir -p /run && cat >/run/role-modules.sh", _COLLECTIONS.encode())
    packed = subprocess.run(
        images.argv("sh -eu /run/role-modules.sh"), capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        tar.extractall(folder, filter="data")
    collections = f"{Path(__file__).parents[2] / 'collections'}:{folder}"
    yield {"ANSIBLE_ROLES_PATH": str(ROLES), "ANSIBLE_COLLECTIONS_PATH": collections}
    images.run("rm -rf /run/role-modules /run/role-modules.sh")


VARIABLES: dict[str, Any] = {
    "postgresql_users": [{"name": "shop", "password": "hunter2"}],
    "postgresql_databases": [{"name": "shop", "owner": "shop"}],
    "postgresql_auth_method": "scram-sha-256",
}
ASK = "psql --no-align --tuples-only --host 127.0.0.1 --username shop shop --command"


@pytest.fixture(scope="module")
def inventory(lab: str, database: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return Inventory(lab, tmp_path_factory.mktemp("inventory")).write(database={"skerry_id": database["id"]})


def run_role(inventory: Inventory, settings: dict[str, str]) -> Played:
    update = {
        "ansible.builtin.apt": {"update_cache": True, "cache_valid_time": 3600},
        "name": "Update the lists",
    }
    return inventory.play(
        "database",
        [{"ansible.builtin.command": f"{ASK} 'select current_user'", "register": "asked", "changed_when": False,
          "environment": {"PGPASSWORD": "hunter2"}}],
        settings=settings, gather_facts=True, pre_tasks=[update], roles=["geerlingguy.postgresql"], vars=VARIABLES,
    )  # fmt: skip


def test_a_public_role_makes_a_server_a_user_and_a_database(
    inventory: Inventory, settings: dict[str, str]
) -> None:
    done = run_role(inventory, settings).ok()
    assert done.results["asked"]["stdout"] == "shop"


def test_its_second_run_changes_nothing(inventory: Inventory, settings: dict[str, str]) -> None:
    done = run_role(inventory, settings).ok()
    assert all("localhost" in line for line in done.changed), done.output


@pytest.mark.parametrize("method", ["sudo", "su"])
def test_sudo_and_su_of_the_image_work_too(inventory: Inventory, method: str) -> None:
    task = {
        "ansible.builtin.command": "id -un",
        "become": True,
        "become_user": "postgres",
        "vars": {"ansible_become_method": method},
        "register": "who",
    }
    assert inventory.play("database", [task]).ok().results["who"]["stdout"] == "postgres"
