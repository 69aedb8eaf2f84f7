"""Secrets: what each verb plans, what is refused, and that no value is anywhere but with who encrypts it."""

import base64
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.model.container import ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.secret import LARGEST, MOST
from skerry.parts.sealed import CurrentValue, Sealed
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers import anatomy
from skerry.resources.containers import store as containers
from skerry.resources.registered import KINDS
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at

NAME = {"secret": {"name": "password"}}
BLOG = {"container": {"name": "blog"}}
VALUE = b"k2-hunter-2"


@pytest.fixture
def machine() -> Machine:
    return Machine(lambda: None)


@pytest.fixture
def engine(tmp_path: Path, machine: Machine) -> Iterator[Engine]:
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        ask(found, "image_import", name="hello", command=["/app"], **tarball_at(tmp_path / "x.tar", "x"))
        yield found
        found.context.db.close()


def ask(engine: Engine, verb: str, **fields: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields})))


def give(engine: Engine, value: bytes, **fields: Any) -> dict[str, Any]:
    return ask(engine, "secret_set", **(NAME | fields), value=base64.b64encode(value).decode())


def steps(answer: dict[str, Any]) -> list[str]:
    return [" ".join(step.split(" ")[:3]) for plan in answer["plans"] for step in plan["steps"]]


def test_a_new_one_is_encrypted_and_then_named(engine: Engine) -> None:
    assert steps(give(engine, VALUE)) == ["encrypt value 1", "use value 1"]
    info = ask(engine, "secret_info", **NAME)["secret"]
    assert (info["version"], info["containers"]) == (1, [])


def test_another_value_takes_the_place_of_the_old_one_which_goes(engine: Engine, machine: Machine) -> None:
    give(engine, VALUE)
    answer = give(engine, b"another")
    assert steps(answer) == ["encrypt value 2", "change value 2", "remove value 1"]
    assert answer["after"]["version"] == 2
    places = [key[1].rpartition("-")[2] for key in machine.parts if key[0] == "sealed"]
    assert places == ["2"]


def test_the_same_value_changes_nothing(engine: Engine, machine: Machine) -> None:
    made = give(engine, VALUE)
    machine.values[made["after"]["id"]] = VALUE
    assert not give(engine, VALUE)["changed"]
    assert give(engine, VALUE + b"\n")["changed"]


@pytest.mark.parametrize("value", [b"", b"\0", bytes(range(256)), b"x" * LARGEST])
def test_any_bytes_are_a_value(engine: Engine, value: bytes) -> None:
    assert give(engine, value)["changed"]


@pytest.mark.parametrize("size", [LARGEST + 1, 700_000])
def test_one_that_is_too_long_is_refused_without_a_word_of_it(engine: Engine, size: int) -> None:
    with pytest.raises(SkerryError) as refused:
        give(engine, b"z" * size)
    assert str(refused.value) == f"value: {size} bytes are too many. Give at most 512K"


@pytest.mark.parametrize("value", ["no base64 at all!", 517, {"k2": 1}, ["k2-hunter"], "k2hun"])
def test_a_wrong_value_is_not_quoted(engine: Engine, value: Any) -> None:
    with pytest.raises(SkerryError, match=r"^value: ") as refused:
        ask(engine, "secret_set", **NAME, value=value)
    assert not any(part in str(refused.value) for part in ("at all", "517", "k2"))


def everything_written(engine: Engine) -> str:
    """All that the store has, its journal among it."""
    engine.context.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with sqlite3.connect(engine.context.host.database) as other:
        return "\n".join(other.iterdump())


def test_no_value_is_in_an_answer_a_plan_or_the_journal(engine: Engine) -> None:
    said: list[Any] = [
        ask(engine, "plan", of={"verb": "secret_set", **NAME, "value": base64.b64encode(VALUE).decode()})
    ]
    said += [give(engine, VALUE), give(engine, VALUE[::-1]), ask(engine, "secret_list")]
    said += [
        ask(engine, "secret_info", **NAME),
        ask(engine, "operations"),
        ask(engine, "secret_delete", **NAME),
    ]
    text = f"{said} {everything_written(engine)}"
    for value in (VALUE, VALUE[::-1]):
        for form in (value.decode(), base64.b64encode(value).decode(), value.hex()):
            assert form not in text
    assert "password" in text


def test_a_part_shows_no_value() -> None:
    part = Sealed("a" * 24, 1, VALUE)
    assert VALUE.decode() not in f"{part!r} {part} {part.to_json()}"


def test_an_unknown_value_is_never_written(host: HostConfig) -> None:
    with pytest.raises(SkerryError, match="is not known any more"):
        Sealed.from_json(Sealed("a" * 24, 1, VALUE).to_json()).make(host)


def test_its_name_leads_to_one_version(host: HostConfig) -> None:
    one, two = CurrentValue("a" * 24, 1), CurrentValue("a" * 24, 2)
    Path(host.state, "secrets").mkdir()
    for part, other in ((one, two), (two, one), (one, two)):
        part.make(host)
        assert (part.exists(host), other.exists(host)) == (True, False)
    one.remove(host)
    one.remove(host)
    assert not one.exists(host)


# Containers that have secrets.


def create(engine: Engine, *uses: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return ask(engine, "create", **(BLOG | fields), spec={"image": "hello", "secrets": list(uses)})


def handed_over(engine: Engine) -> tuple[tuple[str, str, str, int], ...]:
    container = containers.find(engine.context.db, ContainerKey(name="blog"))
    assert container is not None
    return anatomy.unit(container).secrets


def test_a_container_gets_a_file_of_the_secrets_name_or_of_another(engine: Engine) -> None:
    own = give(engine, VALUE)["after"]["id"]
    key = give(engine, VALUE, secret={"name": "key"})["after"]["id"]
    create(engine, {"secret": "password"}, {"secret": "key", "file": "site.key", "mode": "0444"})
    assert handed_over(engine) == ((own, "password", "0400", 1), (key, "site.key", "0444", 1))
    give(engine, b"another")
    assert handed_over(engine)[0] == (own, "password", "0400", 2)


def test_a_new_value_says_whose_restart_is_due(engine: Engine) -> None:
    give(engine, VALUE)
    create(engine, {"secret": "password"})
    assert give(engine, b"another")["plans"][0]["stored"] == ["a restart is due for default/default/blog"]


@pytest.mark.parametrize("realm", ["other", "nobody"])
def test_a_secret_of_another_realm_is_not_found(engine: Engine, realm: str) -> None:
    ask(engine, "realm_create", realm={"name": "other"})
    ask(engine, "project_create", project={"name": "other/default"})
    give(engine, VALUE, secret={"realm": "other", "name": "theirs"})
    said = r"there is no secret theirs in default/default\. Secrets of default/default: none yet$"
    with pytest.raises(SkerryError, match=f"^secrets: {said}"):
        create(engine, {"secret": "theirs"})
    with pytest.raises(SkerryError, match="there is no secret default/default/theirs"):
        ask(engine, "secret_delete", secret={"name": "theirs"})


def test_one_in_use_is_not_deleted_until_the_restart_without_it(engine: Engine) -> None:
    secret_id = give(engine, VALUE)["after"]["id"]
    create(engine, {"secret": "password"})
    folder = Path(engine.context.host.run, "c", anatomy_id(engine))
    folder.mkdir(parents=True)
    (folder / "start").write_bytes(f"x\0{secret_id}\0password\0".encode())
    with pytest.raises(
        SkerryError, match="secret default/default/password is in use by default/default/blog"
    ) as refused:
        ask(engine, "secret_delete", **NAME)
    assert refused.value.code == Code.BUSY
    answer = ask(engine, "update", **BLOG, spec={"secrets": []})
    assert answer["plans"][0]["restart_required"] == ["secrets"]
    with pytest.raises(SkerryError, match="is in use by default/default/blog"):
        ask(engine, "secret_delete", **NAME)
    (folder / "start").unlink()
    assert ask(engine, "secret_delete", **NAME)["changed"]
    assert not ask(engine, "secret_absent", **NAME)["changed"]


def anatomy_id(engine: Engine) -> str:
    container = containers.find(engine.context.db, ContainerKey(name="blog"))
    assert container is not None
    return container.id


def test_more_than_systemd_hands_over_is_refused(engine: Engine) -> None:
    for name in ("a", "b", "c"):
        give(engine, b"x" * (MOST // 3 + 10), secret={"name": name})
    uses = [{"secret": name} for name in ("a", "b", "c")]
    with pytest.raises(
        SkerryError, match=r"secrets: those of container default/default/blog have \d+ bytes together"
    ):
        create(engine, *uses)
    create(engine, *uses[:2])
    give(engine, b"x" * LARGEST, secret={"name": "a"})
    said = r"are too many for container default/default/blog, whose other secrets have 524288"
    with pytest.raises(SkerryError, match=said):
        give(engine, b"x" * LARGEST, secret={"name": "b"})


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (
            {"secret": "p", "file": "../x"},
            "secrets, entry 1, file: '../x' is not allowed. Give letters, digits",
        ),
        ({"secret": "p", "file": "a/b"}, "is not allowed. Give letters, digits"),
        ({"secret": "p", "file": ""}, "is not allowed"),
        (
            {"secret": "p", "mode": "0644"},
            "secrets, entry 1, mode: '0644' is not allowed. Give 0400, 0440 or 0444",
        ),
        ({"secret": "P"}, "secrets, entry 1, secret: 'P' is not allowed"),
    ],
)
def test_a_wrong_use_is_refused(engine: Engine, use: dict[str, Any], said: str) -> None:
    with pytest.raises(SkerryError) as refused:
        create(engine, use)
    assert said in str(refused.value)


def test_two_secrets_as_one_file_are_refused(engine: Engine) -> None:
    with pytest.raises(SkerryError, match="secrets: the file 'a' is there twice"):
        create(engine, {"secret": "a"}, {"secret": "b", "file": "a"})
