"""Wrote store.sql, with the code of 786e862: PYTHONPATH=its/src python make_store.py FOLDER >store.sql.

A running and a stopped container, a create and a restart that were cut off, a delete that was; two images, one of them
retired; operations that were done and undone. No program of the host is called: only plans are written.
"""

import dataclasses
import sqlite3
import sys
from pathlib import Path

from skerry.engine import executor
from skerry.model.container import ContainerKey, Image, Spec
from skerry.model.host import HostConfig
from skerry.plan import verbs
from skerry.store import containers, images, operations
from skerry.store.db import Database

WAIT = verbs.Wait(True, 5)


def main(folder: str) -> None:
    host = HostConfig(domain="example.org", state=folder, pool=folder, run=folder)
    db = Database.open(host.database)
    old = Image(
        "a" * 64, f"hello@{'a' * 12}", 4096, ("/app",), {"GREETING": "old"}, "2026-11-01T00:00:00.000+00:00"
    )
    new = Image("b" * 64, "hello", 8192, ("/app",), {"GREETING": "new"}, "2026-11-02T00:00:00.000+00:00")
    with db.transaction():
        images.write(db, old)
        images.write(db, new, "c" * 64)

    def create(name: str, image: Image, *, start: bool, done: int | None) -> None:
        spec = Spec(
            image="hello", memory="64M", env={"TOKEN": "s3cret"}, services=[{"name": "admin", "port": 1072}]
        )
        with db.transaction():
            proposed = containers.propose(db, host, b"s" * 32, ContainerKey(name=name), spec, image)
            plan = verbs.create(host, proposed, start=start, wait=WAIT)
            number = executor.begin(db, host, plan)
        steps = len(plan.steps) if done is None else done
        operations.mark(db, number, [1.5] * steps)
        if done is None:
            executor._close(db, number, plan)

    def begun(name: str, decide, done: int) -> None:
        container = containers.find(db, ContainerKey(name=name))
        with db.transaction():
            number = executor.begin(db, host, decide(container))
        operations.mark(db, number, [2.5] * done)

    create("running", new, start=True, done=None)
    create("stopped", old, start=False, done=None)
    create("leaving", new, start=True, done=None)
    create("restarting", new, start=True, done=None)
    create("half", new, start=True, done=2)
    begun("leaving", lambda one: verbs.delete(host, one), 2)
    begun("restarting", lambda one: verbs.restart(host, one, 1, WAIT), 1)
    with db.transaction():
        undone = containers.find(db, ContainerKey(name="stopped"))
        number = operations.begin(
            db,
            "update",
            undone.id,
            str(undone.key),
            dataclasses.replace(verbs.update(host, undone, undone.spec, running=False)).to_json(),
        )
        operations.finish(db, number, "undone", "it was undone")
    db.close()
    for line in sqlite3.connect(Path(folder, "state.db")).iterdump():
        print(line)
    print("PRAGMA user_version = 1;")


main(sys.argv[1])
