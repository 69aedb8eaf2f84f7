"""The API without its framework, with a real engine behind a real socket, on an imaginary machine."""

import asyncio
import dataclasses
import json
import os
import re
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.engine.server import Server
from skerry.engine.under_way import UnderWay
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.registered import KINDS
from skerry.store.db import Database
from skerry_api import dispatch, engine
from skerry_api.events import Events
from skerry_api.limits import Limits
from skerry_api.problems import ProblemError
from skerry_api.routes import ROUTES
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine

SHOP = "/realms/acme/projects/shop"


@dataclasses.dataclass(frozen=True)
class Said:
    """An answer, with its body read."""

    status: int
    body: Any
    headers: Mapping[str, str]
    raw: bytes

    @property
    def problem(self) -> tuple[int, str]:
        return self.status, f"{self.body['detail']}. {self.body['hint']}"


class Api:
    """Calls the API as the proxy does.

    Args:
        socket: the engine's socket for tokens.
        behind: the engine, asked as root for what a test needs to be there.

    Attributes:
        read: bytes of bodies that were read.
    """

    def __init__(self, socket: str, behind: Engine) -> None:
        self._socket, self._behind, self.limits, self.read = socket, behind, Limits(), 0

    def root(self, verb: str, **fields: Any) -> dict[str, Any]:
        return dict(self._behind.answer(TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields})))

    def root_db(self) -> Database:
        """The engine's store."""
        return self._behind.context.db

    def token(self, name: str, **fields: Any) -> str:
        return str(self.root("token_create", token={"name": name}, **fields)["once"]["token"])

    def call(
        self,
        method: str,
        path: str,
        by: str = "",
        body: object = None,
        headers: Mapping[str, str | list[str]] | None = None,
    ) -> Said:
        place, _, query = path.partition("?")
        sent: dict[str, list[str]] = {"x-forwarded-for": ["192.0.2.7"]}
        sent |= {"authorization": [f"Bearer {by}"]} if by else {}
        sent |= {"content-type": ["application/json"]} if body is not None else {}
        for name, value in (headers or {}).items():
            sent[name] = [value] if isinstance(value, str) else value
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        route, variables = _matched(method, place)
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
        answer = asyncio.run(self._answer(dispatch.Asked(route, variables, pairs, sent), raw))
        is_json = "json" in answer.headers.get("content-type", "").removeprefix("application/x-ndjson")
        read = json.loads(answer.body) if answer.body and is_json else None
        return Said(answer.status, read, answer.headers, answer.body)

    async def _answer(self, asked: dispatch.Asked, raw: bytes) -> dispatch.Answer:
        behind = engine.Engine(self._socket)

        async def read() -> bytes:
            self.read += len(raw)
            return raw

        try:
            found = await dispatch.answer(asked, behind, self.limits, read)
            if isinstance(found, Events):
                body = b"".join([part async for part in found.parts])
                await found.close()
                return dispatch.Answer(200, body, {"content-type": found.kind})
            while waited := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
                await asyncio.wait(waited)
        except ProblemError as error:
            return dispatch.problem(error)
        else:
            return found
        finally:
            behind.close()


def _matched(method: str, path: str) -> tuple[Any, dict[str, str]]:
    for route in ROUTES:
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", route.path)
        if route.method == method and (found := re.fullmatch(pattern, path)):
            return route, found.groupdict()
    raise AssertionError(f"there is no route {method} {path}")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    machine = Machine(lambda: None)
    with machine.under_the_engine():
        behind = Sweep(tmp_path, KINDS, TABLE, machine).open()
        socket = f"{tmp_path}/tokens.sock"
        server = Server(socket, TABLE, behind.answer, UnderWay(behind.is_good), for_tokens=os.getuid())
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        found = Api(socket, behind)
        for realm in ("acme", "rival"):
            found.root("realm_create", realm={"name": realm})
            found.root("project_create", project={"realm": realm, "name": "shop"})
        yield found
        server.shutdown()
        server.server_close()
        behind.context.db.close()


@pytest.fixture
def by(api: Api) -> str:
    """An operator's token."""
    return api.token("all", template="operator")
