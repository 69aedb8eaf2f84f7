"""Another image under the same id and URL, and back again: what stays, what is refused, how long the gap is."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration.modules import Call, call
from tests.integration.proxy_client import Door, lab_door, read_answer

POOL = "/var/lib/skerry/pool"
NAME, OTHER, ROUNDS = "anew", "hello-second", 10
OWN_START = 0.3  # seconds of the gap that are the platform's


@pytest.fixture(scope="module")
def other(host: Host, hello: str) -> Iterator[str]:
    """The sample image with another headline."""
    digest = next(
        image["digest"]
        for image in json.loads(host.check_output("skerry image list --json"))["images"]
        if image["name"] == hello
    )
    host.check_output(
        "mkdir -p /var/lib/skerry/incoming && rm -rf /root/second && cp -a "
        f"/run/skerry/images/{digest} /root/second && sed -i 's/<h1>/<h1>second /' /root/second/srv/hello/index.html && "
        "tar -C /root/second -cf /var/lib/skerry/incoming/second.tar . && rm -rf /root/second"
    )
    path = "/var/lib/skerry/incoming/second.tar"
    digest = host.check_output(f"sha256sum {path}").split()[0]
    host.check_output(
        f"skerry image import {OTHER} {path} --sha256 {digest} -- /usr/bin/python3 /srv/hello/app.py"
    )
    yield OTHER
    host.run(f"skerry image delete {OTHER}; rm -f {path}")


@pytest.fixture
def container(host: Host, hello: str, other: str) -> Iterator[dict[str, Any]]:
    """A running container of the first image."""
    host.run(f"skerry delete {NAME}")
    yield json.loads(
        host.check_output(f"skerry create {NAME} --image {hello} --env KEEP=me --memory 64M --json")
    )["after"]
    host.run(f"skerry delete {NAME}")


@pytest.fixture(scope="module")
def door(lab: str) -> Door:
    """The public port."""
    return lab_door(lab)


def host_name(container: dict[str, Any]) -> str:
    return str(container["url"]).removeprefix("https://").split(":")[0].rstrip("/")


def upper(container: dict[str, Any]) -> str:
    return f"/var/lib/skerry/pool/c/{container['id']}/upper"


class Watch:
    """Asks a URL all the time: which statuses came, and for how long it answered nothing but 503 in one go."""

    def __init__(self, door: Door, name: str) -> None:
        self.answers: Counter[int] = Counter()
        self.gaps: list[float] = []
        self.without_retry_after = 0
        self._door, self._name, self._ending = door, name, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _ask(self) -> None:
        gone = 0.0
        with self._door.connect(self._name) as connection:
            while not self._ending.is_set():
                connection.sendall(f"GET / HTTP/1.1\r\nhost: {self._name}\r\n\r\n".encode())
                answer = read_answer(connection)
                self.answers[answer.status] += 1
                if answer.status == 503:
                    gone = gone or time.monotonic()
                    self.without_retry_after += b"retry-after" not in answer.head.lower()
                elif gone:
                    self.gaps.append(time.monotonic() - gone)
                    gone = 0.0
                time.sleep(0.005)


def test_ten_changes_and_rollbacks_keep_the_url_and_answer_503_at_most(
    host: Host,
    door: Door,
    container: dict[str, Any],
    hello: str,
    other: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, own = host_name(container), []
    with Watch(door, name) as watch:
        for _ in range(ROUNDS):
            for command, headline in (
                (f"update {NAME} --image {other}", "<h1>second"),
                (f"rollback {NAME}", "<h1>"),
            ):
                answer = json.loads(host.check_output(f"skerry {command} --json"))
                steps = dict(zip(answer["plans"][0]["steps"], answer["timings_ms"][0], strict=True))
                own.append(
                    sum(
                        ms
                        for step, ms in steps.items()
                        if step.startswith(("await", "make unit", "remove unit"))
                    )
                    / 1000
                )
                assert answer["after"]["url"] == container["url"]
                assert answer["after"]["id"] == container["id"]
                time.sleep(0.05)  # a second go would be one gap with this one
                page = door.get(name).text
                assert headline in page
                assert ("<h1>second" in page) == (headline != "<h1>")
    with capsys.disabled():
        shown, most = sorted(round(gap * 1000) for gap in watch.gaps), round(1000 * max(own))
        print(
            f"\n{2 * ROUNDS} changes: answers {dict(watch.answers)}, gaps {shown} ms; stop and start {most} ms at most"
        )
    assert set(watch.answers) == {200, 503}
    assert watch.without_retry_after == 0
    assert len(watch.gaps) == 2 * ROUNDS
    assert max(watch.gaps) < max(own) + OWN_START
    info = json.loads(host.check_output(f"skerry info {NAME} --json"))["container"]
    assert (info["image"], info["env"], len(info["kept_roots"])) == (hello, ["KEEP"], 1)


def test_files_in_the_root_are_counted_named_and_kept(
    host: Host, container: dict[str, Any], hello: str, other: str
) -> None:
    host.check_output(f"head -c 100000 /dev/urandom > {upper(container)}/precious")
    refused = host.run(f"skerry update {NAME} --image {other}")
    assert refused.rc == 2
    assert "wrote 1 file (100K) to its root" in refused.stderr
    assert "/precious" in refused.stderr
    assert host.run(f"test -e {upper(container)}/precious").rc == 0
    plan = host.check_output(f"skerry plan update {NAME} --image {other} --discard-root")
    assert "left behind in its root: 1 file (100K); root 1 is kept for a rollback" in plan
    host.check_output(f"skerry update {NAME} --image {other} --discard-root")
    assert host.run(f"test -e {upper(container)}/precious").rc == 1
    kept = host.run(f"skerry image delete {hello}")
    assert (kept.rc, f"{NAME} (kept root 1)" in kept.stderr) == (5, True)
    host.check_output(f"skerry rollback {NAME}")
    assert host.check_output(f"stat -c %s {upper(container)}/precious") == "100000"


def test_a_new_image_that_does_not_answer_leaves_the_old_one_running(
    host: Host, door: Door, container: dict[str, Any], other: str
) -> None:
    host.check_output(f"touch {upper(container)}/mine")
    failed = host.run(
        f"skerry update {NAME} --image {other} --discard-root --timeout 1 -- /usr/bin/python3 -c "
        "'import time; time.sleep(99)'"
    )
    assert failed.rc == 1, failed.stderr
    info = json.loads(host.check_output(f"skerry info {NAME} --json"))["container"]
    assert (info["image"], info["state"], info["kept_roots"]) == ("hello", "running", [])
    assert host.run(f"test -e {upper(container)}/mine").rc == 0
    assert host.check_output("ls /var/lib/skerry/pool/kept") == ""
    deadline = time.monotonic() + 10
    while door.get(host_name(container)).status != 200:
        assert time.monotonic() < deadline


def test_without_rollbacks_nothing_is_kept_and_nothing_to_go_back_to(
    host: Host, container: dict[str, Any], other: str
) -> None:
    host.check_output(f"skerry update {NAME} --image {other} --rollbacks 0")
    assert host.check_output("ls /var/lib/skerry/pool/kept") == ""
    refused = host.run(f"skerry rollback {NAME}")
    assert (refused.rc, "has no earlier root to go back to" in refused.stderr) == (3, True)


def limit(host: Host, container: dict[str, Any]) -> int:
    """Bytes that its roots may take together."""
    rows = host.check_output(f"btrfs qgroup show --raw -r {POOL}").splitlines()
    found = next(row.split()[3] for row in rows if row.startswith(f"{group(container)} "))
    return 0 if found == "none" else int(found)


def counted(host: Host, container: dict[str, Any]) -> int:
    """Bytes that count for its disk."""
    row = host.check_output(f"btrfs qgroup show --raw --sync {POOL} | grep '^{group(container)} '")
    return int(row.split()[1])


def group(container: dict[str, Any]) -> str:
    """Its quota group."""
    return f"1/{2**47 | int(container['id'], 16) % 2**47}"


def test_a_start_on_a_full_disk_leaves_room_for_kept_roots(
    host: Host, container: dict[str, Any], other: str
) -> None:
    host.check_output(f"head -c 20M /dev/urandom > {upper(container)}/precious")
    host.check_output(f"skerry update {NAME} --disk 64M")
    host.check_output(f"skerry update {NAME} --image {other} --discard-root")
    full = host.run(f"head -c 60M /dev/urandom > {upper(container)}/fat; sync -f {upper(container)}")
    assert "quota exceeded" in full.stderr
    host.check_output(f"skerry restart {NAME}")
    assert limit(host, container) == 64 << 20
    assert counted(host, container) <= 64 << 20


LAST_WORDS = """/usr/bin/python3 -c 'import os, signal, time
def end(*_):
    open("/late", "wb").write(os.urandom(20 << 20))
    raise SystemExit
signal.signal(signal.SIGTERM, end)
time.sleep(999)'"""


def test_what_a_program_writes_until_it_ends_stays_and_counts(
    host: Host, container: dict[str, Any], other: str
) -> None:
    host.check_output(f"skerry update {NAME} -- {LAST_WORDS}")
    host.check_output(f"skerry restart {NAME} --wait running && sleep 1")
    update = f"skerry update {NAME} --image {other} --wait running"
    refused = host.run(update)
    assert (refused.rc, "as it ended, its program wrote 1 file (20M) to its root" in refused.stderr) == (
        2,
        True,
    )
    info = json.loads(host.check_output(f"skerry info {NAME} --json"))["container"]
    assert (info["image"], info["state"], info["kept_roots"]) == ("hello", "running", [])
    host.check_output(
        f"skerry stop {NAME} && rm {upper(container)}/late && skerry start {NAME} --wait running && sleep 1"
    )
    changed = json.loads(host.check_output(f"{update} --discard-root --json"))
    (kept,) = changed["after"]["kept_roots"]
    assert kept["size"] > 20 << 20
    assert counted(host, container) > kept["size"]


def test_a_start_that_was_cut_off_leaves_a_limit(host: Host, container: dict[str, Any]) -> None:
    """As one leaves it that is killed while it makes room on a full disk."""
    run, none = f"/run/skerry/c/{container['id']}", f"btrfs qgroup limit none {group(container)} {POOL}"
    usual = limit(host, container)
    host.check_output(f"touch {run}/raised && {none}")
    assert limit(host, container) == 0
    host.check_output(f"skerry stop {NAME} --grace 0")
    assert limit(host, container) == usual
    host.check_output(none)  # as after a power cut, with no mark of it
    host.check_output(f"skerry start {NAME}")
    assert limit(host, container) == usual


def test_a_stopped_container_stays_stopped(host: Host, container: dict[str, Any], other: str) -> None:
    host.check_output(f"skerry stop {NAME}")
    host.check_output(f"skerry update {NAME} --image {other}")
    assert json.loads(host.check_output(f"skerry info {NAME} --json"))["container"]["state"] == "stopped"
    host.check_output(f"skerry start {NAME}")


def test_the_modules(
    lab: str, host: Host, container: dict[str, Any], hello: str, other: str, tmp_path: Path
) -> None:
    to_other, back = {"name": NAME, "image": other}, {"name": NAME, "image": hello}
    rollback = [Call(back, check, "skerry_container_rollback") for check in (True, False, False, True)]
    change = [Call(to_other, check) for check in (True, False, False, True)]
    answers = call(lab, tmp_path, *change, *rollback)
    for first in (0, 4):
        check, do, again, check_again = answers[first : first + 4]
        assert [one["failed"] for one in (check, do, again, check_again)] == [False] * 4, answers
        assert [one["changed"] for one in (check, do, again, check_again)] == [True, True, False, False]
        assert check["steps"] == do["steps"] != again["steps"] == []
    assert answers[5]["container"]["image"] == hello
