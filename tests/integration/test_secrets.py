"""Secrets on a real host: a file in memory inside, and the value nowhere else."""

import base64
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration.modules import Call, Result, four_beats, run
from tests.integration.playbooks import play

Skerry = Callable[..., Any]
MARK = "k2-hunter-2-of-secrets"
# Writes down what it finds, with digests in place of values.
LOOK = """
import hashlib, json, os, time
found = {}
for name in os.listdir('/run/secrets'):
    path = '/run/secrets/' + name
    seen = os.stat(path)
    try: value = hashlib.sha256(open(path, 'rb').read()).hexdigest()
    except OSError as error: value = error.strerror
    found[name] = [oct(seen.st_mode & 0o7777), seen.st_uid, seen.st_gid, seen.st_size, value]
one = '/run/secrets/' + name
for what in (lambda: open('/run/secrets/new', 'w'), lambda: os.unlink(one), lambda: os.chmod(one, 0o777)):
    try: what(); found['written'] = True
    except OSError as error: found.setdefault('refused', []).append(error.strerror)
mounts = [line for line in open('/proc/self/mountinfo') if ' /run/secrets ' in line]
found['mount'] = [line.split(' - ')[1].split()[0] for line in mounts]
found['environment'] = sorted(os.environ)
open('/tmp/seen.new', 'w').write(json.dumps(found)); os.rename('/tmp/seen.new', '/tmp/seen')
time.sleep(3600)
"""


@pytest.fixture
def skerry(host: Host, hello: str) -> Iterator[Skerry]:
    """Runs the command; what it answers. Whatever was made with it is deleted at the end."""

    def ask(command: str, program: str = "", value: bytes | None = None) -> Any:
        tail = f" -- /usr/bin/python3 -c {shlex.quote(program)}" if program else ""
        given = "" if value is None else f"base64 -d <<< '{base64.b64encode(value).decode()}' | "
        done = host.run(f"{given}skerry {command} --json{tail}")
        assert done.rc == 0, f"{command}: {done.stderr}"
        return json.loads(done.stdout)

    yield ask
    for kind, word in (("container", ""), ("secret", "secret ")):
        for one in json.loads(host.check_output(f"skerry {word}list --json"))[f"{kind}s"]:
            if one["name"].startswith("s-"):
                where = f"--realm {one['realm']} --project {one['project']}"
                host.check_output(f"skerry {word}delete {one['name']} {where}")


def seen(host: Host, container: dict[str, Any]) -> dict[str, Any]:
    """What the program inside wrote down."""
    path = f"/var/lib/skerry/pool/c/{container['id']}/upper/tmp/seen"
    text = host.check_output(f"for n in $(seq 100); do test -s {path} && break; sleep 0.1; done; cat {path}")
    return dict(json.loads(text))


def digest(value: bytes) -> str:
    import hashlib  # noqa: PLC0415

    return hashlib.sha256(value).hexdigest()


VALUES = {
    "s-none": b"",
    "s-every": bytes(range(256)),
    "s-line": b"two\nlines\n",
    "s-zero": b"\0",
}


def test_any_bytes_arrive_as_a_file_of_the_programs_user(host: Host, skerry: Skerry) -> None:
    for name, value in VALUES.items():
        skerry(f"secret set {name}", value=value)
    host.check_output("head -c 524288 /dev/urandom > /run/big; skerry secret set s-big < /run/big")
    uses = " ".join(f"--secret {name}" for name in VALUES)
    one = skerry(f"create s-one --image hello --wait running {uses} --secret s-big:big.bin:0444", LOOK)[
        "after"
    ]
    found = seen(host, one)
    for name, value in VALUES.items():
        assert found[name] == ["0o400", 0, 0, len(value), digest(value)]
    assert found["big.bin"] == ["0o444", 0, 0, 524288, host.check_output("sha256sum /run/big").split()[0]]
    assert found["refused"] == ["Read-only file system"] * 3
    assert found["mount"] == ["tmpfs"]
    assert "CREDENTIALS_DIRECTORY" not in found["environment"]
    two = skerry("create s-two --image hello --wait running --user 1234:5678 --secret s-every", LOOK)["after"]
    assert seen(host, two)["s-every"] == ["0o400", 1234, 5678, 256, digest(VALUES["s-every"])]
    three = skerry("create s-three --image hello --wait running --user daemon --secret s-every", LOOK)[
        "after"
    ]
    passwd = host.check_output("cat /run/skerry/images/*/etc/passwd | grep ^daemon: | head -1").split(":")
    assert seen(host, three)["s-every"][1] == int(passwd[2])
    assert seen(host, three)["s-every"][4] == digest(VALUES["s-every"])


def test_a_value_is_nowhere_in_clear(host: Host, on_host: Skerry, skerry: Skerry) -> None:
    """Not on a disk, not in an argv or environment, not in a journal, not in what systemd and Skerry tell."""
    skerry("secret set s-mark", value=MARK.encode())
    one = skerry("create s-one --image hello --wait running --secret s-mark", LOOK)["after"]
    assert seen(host, one)["s-mark"][4] == digest(MARK.encode())
    told = "".join(
        host.check_output(command)
        for command in (
            f"systemctl show skerry-{one['id']}.service",
            f"systemctl cat skerry-{one['id']}.service",
            "skerry info s-one --show-env --json",
            "skerry secret info s-mark --json",
            "skerry operations --json --count 200",
            "journalctl --namespace='*' -q --no-pager -o json --all",
            "cat /var/lib/skerry/state.db* | tr -cd '[:print:]'",
        )
    )
    assert MARK not in told
    assert base64.b64encode(MARK.encode()).decode() not in told
    on_host("carriers.py", "</dev/null")
    word = base64.b64encode(MARK.encode()).decode()
    found = host.check_output(f"base64 -d <<< {word} | python3 /run/on_host/carriers.py").split("\n")
    # In memory of the host's root, while the container runs: systemd's own copy.
    assert [one for one in found if one and not one.startswith("/run/credentials/skerry-")] == []
    assert host.check_output("stat -f -c %T /run/credentials/skerry-*.service | sort -u") in {
        "ramfs",
        "tmpfs",
    }
    assert host.check_output(
        "stat -c %a:%U /var/lib/skerry/secrets /var/lib/systemd/credential.secret"
    ).split() == [
        "700:root",
        "400:root",
    ]


def test_a_new_value_comes_with_the_next_start(host: Host, skerry: Skerry) -> None:
    skerry("secret set s-turn", value=b"old")
    one = skerry("create s-one --image hello --wait running --secret s-turn", LOOK)["after"]
    assert seen(host, one)["s-turn"][4] == digest(b"old")
    assert not skerry("secret set s-turn", value=b"old")["changed"]
    answer = skerry("secret set s-turn", value=b"new")
    assert answer["plans"][0]["stored"] == ["a restart is due for default/default/s-one"]
    assert skerry("info s-one")["container"]["restart_pending"]
    values = host.check_output(f"ls /var/lib/skerry/secrets | grep {answer['after']['id']}").split()
    assert len(values) == 2, "the old value is gone"
    host.check_output(f"rm /var/lib/skerry/pool/c/{one['id']}/upper/tmp/seen")
    skerry("restart s-one --wait running")
    assert seen(host, one)["s-turn"][4] == digest(b"new")
    assert not skerry("info s-one")["container"]["restart_pending"]


def test_it_is_there_after_a_start_by_systemd_alone(host: Host, skerry: Skerry) -> None:
    """A program that crashes gets its secrets again, whether or not the engine is there."""
    skerry("secret set s-again", value=b"again")
    one = skerry("create s-one --image hello --wait running --secret s-again", LOOK)["after"]
    seen(host, one)
    unit, upper = f"skerry-{one['id']}.service", f"/var/lib/skerry/pool/c/{one['id']}/upper/tmp/seen"
    host.check_output(f"rm {upper}; systemctl stop skerry-engine.socket skerry-engine.service")
    try:
        host.check_output(f"systemctl restart {unit}")
        assert seen(host, one)["s-again"][4] == digest(b"again")
    finally:
        host.check_output("systemctl start skerry-engine.socket skerry-engine.service")


def test_what_is_too_long_is_refused(host: Host, skerry: Skerry) -> None:
    for size in (524289, 1_000_000):
        done = host.run(f"head -c {size} /dev/urandom | skerry secret set s-long")
        assert (done.rc, "A secret may have that much at most" in done.stderr) == (2, True)
    for name in ("s-a", "s-b", "s-c"):
        host.check_output(f"head -c 500000 /dev/urandom | skerry secret set {name}")
    done = host.run("skerry create s-one --image hello --secret s-a --secret s-b --secret s-c")
    assert (done.rc, "have 1500000 bytes together" in done.stderr) == (2, True)
    skerry(
        "create s-one --image hello --wait running --secret s-a --secret s-b", "import time; time.sleep(3600)"
    )


def test_another_hosts_value_is_refused_in_words(host: Host, skerry: Skerry) -> None:
    """As after a restore of the store without the host's key."""
    made = skerry("secret set s-lost", value=b"value")["after"]
    path = f"/var/lib/skerry/secrets/{made['id']}-1"
    host.check_output(
        f"python3 -c \"d=bytearray(open('{path}','rb').read()); d[60]^=1; open('{path}','wb').write(d)\""
    )
    done = host.run("skerry create s-one --image hello --secret s-lost")
    assert done.rc == 1
    assert skerry("secret set s-lost", value=b"value")["changed"]
    skerry("create s-one --image hello --secret s-lost")


# The module and the playbooks.


@pytest.fixture(scope="module")
def beats(
    lab: str, hello: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, list[Result]], str]:
    """Four answers of each: check, do, again, check again; and what Ansible printed at its loudest."""
    value = base64.b64encode(MARK.encode()).decode()
    asked = {
        "new": {"name": "s-beats", "value": MARK},
        "bytes": {"name": "s-beats", "value_base64": base64.b64encode(bytes(range(256))).decode()},
        "the same": {"name": "s-beats", "value_base64": base64.b64encode(bytes(range(256))).decode()},
        "again": {"name": "s-beats", "value_base64": value},
        "empty": {"name": "s-beats", "value": ""},
        "gone": {"name": "s-beats", "state": "absent"},
    }
    calls = [
        Call(one.options, one.check, "skerry_secret")
        for options in asked.values()
        for one in four_beats(options)
    ]
    wrong = [
        Call({"name": "s-beats", "value": MARK * 30_000}, module="skerry_secret"),
        Call({"name": "s-beats", "value_base64": f"{MARK}!"}, module="skerry_secret"),
        Call({"name": "S-BEATS", "value": MARK}, module="skerry_secret"),
        Call({"name": "s-beats"}, module="skerry_secret"),
    ]
    answers, output = run(lab, tmp_path_factory.mktemp("beats"), *calls, *wrong, options=("-vvv",))
    found = {title: answers[4 * n : 4 * n + 4] for n, title in enumerate(asked)}
    return found | {"wrong": answers[4 * len(asked) :]}, output


@pytest.mark.parametrize("title", ["new", "bytes", "the same", "again", "empty", "gone"])
def test_four_beats(beats: tuple[dict[str, list[Result]], str], title: str) -> None:
    check, do, again, check_again = beats[0][title]
    for answer in (check, do, again, check_again):
        assert not answer["failed"], answer
    assert check["changed"] == do["changed"] == (title != "the same")
    assert not again["changed"]
    assert not check_again["changed"]
    assert check["steps"] == do["steps"]
    assert again["steps"] == check_again["steps"] == []


def test_the_module_shows_no_value(beats: tuple[dict[str, list[Result]], str]) -> None:
    found, output = beats
    text = f"{found} {output}"
    assert [answer["failed"] for answer in found["wrong"]] == [True] * 4
    assert "bytes are too many" in found["wrong"][0]["msg"]
    for form in (MARK, base64.b64encode(MARK.encode()).decode()):
        # The play that the test wrote has the values, and Ansible may quote the task of one that failed.
        assert form not in json.dumps(found)
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in text


def test_the_playbooks(lab: str, hello: str, host: Host, skerry: Skerry, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_bytes(bytes(range(256)) + MARK.encode())
    done = play(lab, "playbooks/secret/set.yml", "-e", "secret=s-book", "-e", f"path={file}", "-vvv").ok()
    value = base64.b64encode(file.read_bytes()).decode()
    assert MARK not in done.output
    assert value not in done.output
    assert (
        "has that value already"
        in play(lab, "playbooks/secret/set.yml", "-e", "secret=s-book", "-e", f"path={file}").ok().output
    )
    assert "s-book" in play(lab, "playbooks/secret/list.yml").ok().output
    play(lab, "playbooks/secret/delete.yml", "-e", "secret=s-book").ok()
    assert "nothing to do" in play(lab, "playbooks/secret/delete.yml", "-e", "secret=s-book").ok().output
