"""How long a program has to end, where a request says that it shall be another time than its own."""

import dataclasses
from typing import Any

import pytest

from skerry.model.container import Container, Image
from skerry.model.host import HostConfig
from skerry.model.kept import KeptRoot
from skerry.parts.root import Written
from skerry.protocol import containers as requests
from skerry.resources.containers import belongings, root_verbs, verbs
from skerry.resources.containers.plan import Belongings
from skerry.resources.kind import Context
from skerry.store import references
from skerry.store.db import Database

OTHER = Image(digest="d" * 64, name="other", size=1, command=("/app",))


@pytest.fixture
def context(host: HostConfig, db: Database, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(root_verbs.parts, "written", lambda *_: Written())
    monkeypatch.setattr(root_verbs.parts, "size", lambda *_: 0)
    monkeypatch.setattr(root_verbs.storage, "used", lambda *_: 0)
    monkeypatch.setattr(verbs, "_check_update", lambda *_: None)
    monkeypatch.setattr(belongings, "found", lambda *_: Belongings())
    monkeypatch.setattr(references, "image", lambda *_: OTHER)
    return Context(host, db)


def grace_of(plan: Any) -> float:
    return next(
        float(step.part.grace) for step in plan.steps if step.action == "remove" and step.part.kind == "unit"
    )


@pytest.mark.parametrize(("given", "grace"), [({}, 10.0), ({"grace_now": 0}, 0.0), ({"grace_now": 2.5}, 2.5)])
@pytest.mark.parametrize("verb", ["update", "ensure"])
def test_another_image(
    context: Context, container: Container, verb: str, given: dict[str, float], grace: float
) -> None:
    fields = {"verb": verb, "container": container.key, "spec": {"image": "other"}, **given}
    request: Any = (
        requests.Update(**fields) if verb == "update" else requests.Ensure(**fields, state="present")
    )
    decide, *_ = verbs._update(context, request, container)
    assert grace_of(decide(dataclasses.replace(container, desired="started"))) == grace


@pytest.mark.parametrize(("given", "grace"), [({}, 10.0), ({"grace": 0}, 0.0)])
def test_a_rollback(context: Context, container: Container, given: dict[str, float], grace: float) -> None:
    kept = (KeptRoot(1, "other", OTHER.digest, 0),)
    found = dataclasses.replace(container, desired="started", root=2, kept=kept)
    request = requests.Rollback(verb="rollback", container=container.key, **given)
    decide, *_ = root_verbs.rollback(context, request, found)
    assert grace_of(decide(found)) == grace
