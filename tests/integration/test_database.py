"""A real PostgreSQL on a real host: snapshots, restores, copies and images of it lose no acknowledged transaction."""

import json
import shlex
import time
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.conftest import ROOT
from tests.integration import pool
from tests.integration.image_lab import ImageLab
from tests.integration.pool import Skerry

IMAGE = "t-postgresql"
COMMAND = ["pg_ctlcluster", "17", "main", "start", "--foreground"]
OPTIONS = (
    "--capability chown --capability fowner --capability setgid --capability setuid --stop-signal SIGINT "
    "--memory 256M --disk 2G --wait running"
)
SAID = "/run/t-acknowledged"
NOW = "python3 -c 'import time; print(time.monotonic_ns())'"


@pytest.fixture(scope="module")
def images(lab: str) -> Iterator[ImageLab]:
    """A host with an image of Debian's PostgreSQL."""
    found = ImageLab(lab)
    found.ask("image_build", name=IMAGE, packages=["postgresql"], command=COMMAND).ok()
    found.run("cat > /run/acknowledged.py", (ROOT / "tests/integration/on_host/acknowledged.py").read_bytes())
    yield found
    found.ask("image_delete", name=IMAGE).ok()


@pytest.fixture
def skerry(host: Host, images: ImageLab) -> Iterator[Skerry]:
    """Runs the command; what it answers. Whatever was made with it is deleted at the end."""
    yield from pool.skerry(host)
    for one in images.ask("image_list").ok()["images"]:
        if one["name"].startswith("t-published"):
            images.ask("image_delete", name=one["digest"]).ok()


def sql(images: ImageLab, name: str, text: str) -> str:
    """What a container's PostgreSQL answers, once it answers at all."""
    psql = (
        f"skerry exec {name} --user postgres -- /usr/bin/psql -qAtX -v ON_ERROR_STOP=1 -c {shlex.quote(text)}"
    )
    return images.run(
        f"timeout 60 sh -c {shlex.quote(f'until {psql} 2>/dev/null; do sleep 0.2; done')}"
    ).strip()


@pytest.fixture
def writes(images: ImageLab, skerry: Skerry) -> Iterator[str]:
    """A container whose PostgreSQL is written to all the time; its name."""
    skerry(f"create t-db --image {IMAGE} {OPTIONS}")
    sql(images, "t-db", "create table acknowledged (number bigint primary key)")
    # Beside it, so that the server is busy with pages that are not yet on the disk.
    sql(
        images,
        "t-db",
        "create table noise as select generate_series(1, 200000) as number, repeat('x', 200) as text",
    )
    images.run(
        f"rm -f {SAID}; systemd-run --quiet --collect --unit=t-writer python3 /run/acknowledged.py t-db {SAID}"
    )
    images.run(f"timeout 60 sh -c 'until [ $(cat {SAID} 2>/dev/null | wc -l) -gt 100 ]; do sleep 0.1; done'")
    yield "t-db"
    images.run("systemctl stop t-writer.service 2>/dev/null || true")


def acknowledged(images: ImageLab, before: int) -> int:
    """The last transaction that was acknowledged before a time."""
    rows = [line.split() for line in images.run(f"cat {SAID}").splitlines() if line.count(" ") == 1]
    return max(int(number) for number, at in rows if int(at) < before)


def moment(images: ImageLab) -> int:
    """What the host's clock says."""
    return int(images.run(NOW))


def check(images: ImageLab, name: str, begun: int, ended: int) -> None:
    """A container's PostgreSQL runs, and has all transactions up to one within the two times."""
    count, last = sql(images, name, "select count(*), max(number) from acknowledged").split("|")
    assert int(count) == int(last), "one is missing among others"
    # The last one may be there before it is acknowledged.
    assert acknowledged(images, begun) <= int(last) <= acknowledged(images, ended) + 1
    assert sql(images, name, "select count(*) from noise") == "200000"
    sql(images, name, "insert into acknowledged values (-1)")


def test_a_snapshot_of_it_restored_has_every_acknowledged_transaction(
    images: ImageLab, skerry: Skerry, writes: str
) -> None:
    for number in range(3):
        begun = moment(images)
        skerry(f"snapshot create {writes} n{number}")
        ended = moment(images)
        time.sleep(0.5)
        skerry(f"copy {writes}@n{number} t-then{number} --wait running")
        check(images, f"t-then{number}", begun, ended)
    more = acknowledged(images, moment(images))
    assert more > acknowledged(images, ended) + 10  # it went on
    skerry(f"snapshot restore {writes} n2 --wait running")
    check(images, writes, begun, ended)


def test_a_copy_of_it_has_every_acknowledged_transaction(
    images: ImageLab, skerry: Skerry, writes: str
) -> None:
    for number in range(3):
        begun = moment(images)
        skerry(f"copy {writes} t-now{number} --wait running")
        ended = moment(images)
        check(images, f"t-now{number}", begun, ended)
    assert images.run("systemctl is-active t-writer.service").strip() == "active"


def test_an_image_of_it_has_every_acknowledged_transaction(
    images: ImageLab, skerry: Skerry, writes: str
) -> None:
    begun = moment(images)
    published: dict[str, Any] = skerry(f"image publish t-published {writes}")
    ended = moment(images)
    assert json.dumps(published["after"]["command"]) == json.dumps(COMMAND)
    skerry(f"create t-from --image t-published {OPTIONS}")
    check(images, "t-from", begun, ended)
    assert images.run("systemctl is-active t-writer.service").strip() == "active"
