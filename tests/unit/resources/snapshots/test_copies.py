"""Copies and other names: what is planned, what is told, what is refused in which words."""

from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.model.container import ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.protocol.containers import Stop
from skerry.resources.registered import KINDS
from skerry.store import operations
from tests.unit.resources.snapshots.conftest import ask

BLOG, NEW = {"name": "blog"}, {"name": "new"}
USES = {"volumes": [{"volume": "data", "path": "/data"}]}


def refused(engine: Engine, code: Code, verb: str, **fields: Any) -> str:
    with pytest.raises(SkerryError) as error:
        ask(engine, verb, **fields)
    assert error.value.code == code
    return str(error.value)


def container(engine: Engine, name: str) -> dict[str, Any]:
    return dict(ask(engine, "info", container={"name": name})["container"])


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("copy", {"source": "blog", "container": NEW, "spec": {"memory": "1G"}}),
        ("copy", {"source": "blog@one", "container": NEW, "start": False}),
        ("ensure", {"container": NEW, "state": "frozen", "copy_of": "blog"}),
        ("ensure", {"container": NEW, "state": "started", "renamed_from": "blog", "spec": {"pids": 99}}),
        ("ensure", {"container": NEW, "state": "stopped", "renamed_from": "blog"}),
        ("rename", {"container": BLOG, "new_name": "new"}),
        ("volume_copy", {"source": "data", "volume": NEW}),
        ("volume_copy", {"source": "data@one", "volume": NEW, "size": "32M"}),
        ("volume_rename", {"volume": {"name": "data"}, "new_name": "new"}),
        ("volume_ensure", {"volume": NEW, "state": "present", "copy_of": "data"}),
        ("volume_ensure", {"volume": NEW, "state": "present", "renamed_from": "data", "size": "1G"}),
    ],
)
def test_check_mode_shows_what_the_run_does(engine: Engine, verb: str, fields: dict[str, Any]) -> None:
    for source in ("blog", "volume/data"):
        ask(engine, "snapshot_create", snapshot={"source": source, "name": "one"})
    reaches = {"reaches": ["blog:80"], "after": ["blog"], **USES}
    ask(engine, "create", container={"name": "web"}, spec={"image": "hello", **reaches})
    planned = ask(engine, "plan", of={"verb": verb, **fields})
    done = ask(engine, verb, **fields)
    assert planned["plans"] == done["plans"]
    assert done["changed"]
    assert done["after"]["name"] == "new"


def test_a_copy_has_all_options_but_what_only_one_can_have(engine: Engine) -> None:
    ask(engine, "update", container=BLOG, spec={"env": {"A": "b"}, "publish": ["5432"], "labels": {"k": "v"}})
    made = ask(engine, "copy", source="blog", container=NEW, spec={"memory": "1G"})
    copy, blog = container(engine, "new"), container(engine, "blog")
    same = {name for name in copy if copy[name] == blog[name]}
    assert {"env", "image", "image_digest", "labels", "rollbacks", "port"} <= same
    assert (copy["memory"], copy["publish"]) == ("1G", [])
    assert made["warnings"] == [
        "publish: 5432 of the host leads to blog as before, and no port to its copy. Give that others by 'publish'"
    ]
    given = ask(engine, "copy", source="blog", container={"name": "more"}, spec={"publish": ["5433"]})
    assert (given["after"]["publish"], given["warnings"]) == (["5433"], [])


def test_a_port_by_tls_is_reached_by_each_one_s_name(engine: Engine) -> None:
    ask(engine, "update", container=BLOG, spec={"publish": ["5432", "8883:1883/tls+proxy"]})
    made = ask(engine, "copy", source="blog", container=NEW)
    copy, blog = container(engine, "new"), container(engine, "blog")
    assert copy["publish"] == ["8883:1883/tls+proxy"]
    assert made["warnings"] == [
        "publish: 5432 of the host leads to blog as before, and no port to its copy. Give that others by 'publish'"
    ]
    assert [one["tls"] for one in (copy, blog)] == [
        [one["url"].removeprefix("https://").replace("/", ":8883")] for one in (copy, blog)
    ]


def test_of_a_snapshot_it_stands_on_the_image_of_then(engine: Engine) -> None:
    ask(engine, "snapshot_create", snapshot={"source": "blog", "name": "one"})
    ask(engine, "update", container=BLOG, spec={"image": "other", "pids": 99}, discard_root=True)
    then = ask(engine, "copy", source="blog@one", container=NEW)["after"]
    assert (then["image"], then["pids"]) == ("hello", 99)
    assert "stand on image hello" in refused(
        engine, Code.INVALID, "copy", source="blog@one", container={"name": "x"}, spec={"image": "other"}
    )
    same = ask(engine, "copy", source="blog@one", container={"name": "x"}, spec={"image": "hello"})["after"]
    assert same["image_digest"] == then["image_digest"]


def test_two_do_not_write_to_one_volume_unasked(engine: Engine) -> None:
    ask(engine, "update", container=BLOG, spec=USES)
    said = refused(engine, Code.INVALID, "copy", source="blog", container=NEW)
    assert "container blog writes to data" in said
    assert "--volume NEW:/data" in said
    ask(engine, "copy", source="blog", container=NEW, spec=USES)
    ask(engine, "update", container=BLOG, spec={"volumes": [{**USES["volumes"][0], "read_only": True}]})
    assert ask(engine, "copy", source="blog", container={"name": "x"})["after"]["volumes"][0]["read_only"]


def test_an_ensured_copy_is_made_once_and_an_ensured_name_given_once(engine: Engine) -> None:
    ensure = {"container": NEW, "state": "started", "copy_of": "blog"}
    assert ask(engine, "ensure", **ensure)["changed"]
    assert not ask(engine, "ensure", **ensure, spec={"image": "hello"})["changed"]
    last = {"container": {"name": "last"}, "state": "started", "renamed_from": "new"}
    first = ask(engine, "ensure", **last)
    assert (first["before"]["name"], first["after"]["name"]) == ("new", "last")
    assert first["before"]["id"] == first["after"]["id"]
    assert not ask(engine, "ensure", **last)["changed"]
    gone = {"container": NEW, "state": "absent", "renamed_from": "last"}
    assert not ask(engine, "ensure", **gone)["changed"]
    volume = {"volume": NEW, "state": "present", "renamed_from": "data"}
    assert [ask(engine, "volume_ensure", **volume)["changed"] for _ in range(2)] == [True, False]
    absent = {"volume": {"name": "data"}, "state": "absent", "renamed_from": "new"}
    assert not ask(engine, "volume_ensure", **absent)["changed"]


def test_who_names_it_follows_and_is_told(engine: Engine) -> None:
    web = {"reaches": ["blog:80"], "after": ["blog"], **USES}
    ask(engine, "create", container={"name": "web"}, spec={"image": "hello", **web})
    done = ask(engine, "rename", container=BLOG, new_name="diary")
    (plan,) = done["plans"]
    assert plan["stored"] == [
        "name blog to diary",
        "default/default/web: after blog to diary",
        "default/default/web: reaches blog:80 to diary:80",
    ]
    assert [step.partition(":")[0] for step in plan["steps"]] == [
        "make name diary in /etc/hosts of web",
        "make name diary in /etc/hosts of diary",
        "remove name blog in /etc/hosts of web",
        "remove name blog in /etc/hosts of blog",
    ]
    assert plan["restart_required"] == ["name"]
    told = ask(engine, "volume_rename", volume={"name": "data"}, new_name="pages")["plans"][0]["stored"]
    assert told == ["name data to pages", "default/default/web: volume data to pages"]
    found = container(engine, "web")
    assert (found["reaches"], found["after"]) == (["diary:80"], ["diary"])
    assert found["volumes"][0]["volume"] == "pages"


def test_a_name_is_refused_while_an_operation_may_write_the_old_one(engine: Engine) -> None:
    key = ContainerKey(name="web")
    ask(engine, "create", container={"name": "web"}, spec={"image": "hello", "after": ["blog"], **USES})
    context, kind = engine.context, KINDS["container"]
    request = Stop(verb="stop", container=key, grace=0)
    found = kind.find(context, request)
    stop = kind.planners()["stop"](context, request, found)[0](found)
    assert stop is not None
    with context.db.transaction():
        number = operations.begin(context.db, "container", kind.about(found), "stop", kind.dump(stop))
    assert "web, which names it" in refused(engine, Code.BUSY, "rename", container=BLOG, new_name="x")
    renamed = {"volume": {"name": "data"}, "new_name": "x"}
    assert "web, which has it" in refused(engine, Code.BUSY, "volume_rename", **renamed)
    with context.db.transaction():
        operations.finish(context.db, number, "done")
    assert ask(engine, "rename", container=BLOG, new_name="x")["changed"]


def test_wrong_names_are_refused_in_words(engine: Engine) -> None:
    ask(engine, "create", container=NEW, spec={"image": "hello"}, start=False)
    for code, verb, fields, said in (
        (Code.NOT_FOUND, "rename", {"container": {"name": "blgo"}, "new_name": "x"}, "Did you mean blog?"),
        (
            Code.EXISTS,
            "rename",
            {"container": BLOG, "new_name": "new"},
            "container default/default/new exists already",
        ),
        (
            Code.NOT_FOUND,
            "rename",
            {"container": {"name": "gone"}, "new_name": "new"},
            "there is no container",
        ),
        (
            Code.NOT_FOUND,
            "volume_rename",
            {"volume": {"name": "x"}, "new_name": "data"},
            "there is no volume",
        ),
        (Code.INVALID, "rename", {"container": BLOG, "new_name": "Bad_"}, "lower-case letters"),
        (
            Code.NOT_FOUND,
            "copy",
            {"source": "data", "container": {"name": "x"}},
            "There is a volume of that name",
        ),
        (Code.INVALID, "copy", {"source": "a/blog", "container": {"name": "x"}}, "NAME of the same project"),
        (Code.INVALID, "copy", {"source": "blog@", "container": {"name": "x"}}, "NAME@SNAPSHOT"),
        (Code.EXISTS, "volume_copy", {"source": "data", "volume": {"name": "data"}}, "exists already"),
    ):
        assert said in refused(engine, code, verb, **fields)
    assert not ask(engine, "rename", container=BLOG, new_name="blog")["changed"]
