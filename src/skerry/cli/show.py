"""What a person gets to read of an answer."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from skerry.cli import top
from skerry.engine_calls import EngineError, Event
from skerry.table import table
from skerry.text import printable

if TYPE_CHECKING:
    from skerry.protocol.commands import Command

_SHOWN_ERROR = 80  # characters in a table; --json has all of it
_SHOWN_DIGEST = 12
_DEFAULT = "default"  # realm and project, where none is given
_SIZES = frozenset({"frees", "size", "used"})
Result = dict[str, Any]


def answer(command: "Command", result: Result) -> str:
    """The answer to a verb."""
    if command["changes"]:
        return _changed(result)
    if isinstance(result.get(command["resources"]), list):
        shown = _list(command, result[command["resources"]])
        return f"{shown}\n\n{_schedules(found)}" if (found := result.get("schedules")) else shown
    if "stats" in result:
        return top.shown(result["stats"])
    if "operations" in result:
        return _operations(result["operations"])
    found = result.get(command["resource"])
    return _fields(found if isinstance(found, dict) else result)


def _list(command: "Command", rows: list[Result]) -> str:
    columns = list(command["columns"])
    if "project" in columns and any(row.get("realm", _DEFAULT) != _DEFAULT for row in rows):
        columns.insert(columns.index("project"), "realm")
    shown = [{name: _cell(name, row.get(name)) for name in columns} | _state(row) for row in rows]
    return table(shown, columns) if rows else f"no {command['resources']}"


def _schedules(rows: list[Result]) -> str:
    """What has snapshots taken by itself, and what was missed."""
    place = ["realm"] if any(row["realm"] != _DEFAULT for row in rows) else []
    return table(rows, ["source", *place, "project", "every", "keep", "next", "missed"])


def _state(row: Result) -> Result:
    """Its state with what is to be said of that: ``restarting (5th time, next in 8 s; exit code 3)``."""
    return {"state": f"{row['state']} ({row['state_detail']})"} if row.get("state_detail") else {}


def _cell(name: str, value: Any) -> Any:
    if name == "digest":
        return value[:_SHOWN_DIGEST]
    return _mebibytes(value) if name in _SIZES and isinstance(value, int) else value


def _fields(one: Result) -> str:
    width = max(map(len, one))
    return "\n".join(f"{name:<{width}}  {_plain(name, value)}" for name, value in one.items())


def _plain(name: str, value: Any) -> str:
    if name.startswith(("memory_", "disk_")) or (name in _SIZES and isinstance(value, int)):
        return _mebibytes(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.0f}M"


def _operations(rows: list[Result]) -> str:
    shown = [
        one
        | {"steps": f"{one['done']}/{len(one['steps'])}", "ms": round(sum(one["timings_ms"]))}
        | {"started": one["started"][:19], "error": one["error"][:_SHOWN_ERROR]}
        for one in rows
    ]
    return table(shown, ("id", "started", "verb", "kind", "resource", "state", "steps", "ms", "error"))


def plan(result: Result) -> str:
    """What would be done."""
    lines = [
        line
        for one in result["plans"]
        for line in (
            *(f"{one['verb']}: {step}" for step in one["steps"]),
            *(f"{one['verb']}: store {text}" for text in one.get("stored", [])),
        )
    ]
    return "\n".join([*lines, *_waiting(result)] or [result.get("missing") or "no change"])


def _changed(result: Result) -> str:
    """What a change led to."""
    lines = [f"stored: {text}" for one in result["plans"] for text in one.get("stored", [])]
    lines += _waiting(result) if result["changed"] else [result.get("missing") or "no change"]
    if after := result["after"]:
        state = (after | _state(after)).get("state", "done")
        lines.append(f"{_name(after)}: {state} {after.get('url', '')}".rstrip())
    elif before := result["before"]:
        lines.append(f"{_name(before)}: deleted" + ("; its URL is dead" if "url" in before else ""))
    lines += [f"{name}: {value} (shown this once)" for name, value in result.get("once", {}).items()]
    return "\n".join(lines)


def _name(one: Result) -> str:
    """Its name; of a snapshot with what it is of, and of what is not in the default project with where it is."""
    name = f"{one['source']}@{one['name']}" if "source" in one else str(one["name"])
    place = [one[part] for part in ("realm", "project") if one.get(part)]
    return "/".join([*place, name]) if set(place) - {_DEFAULT} else name


def _waiting(result: Result) -> list[str]:
    """What a change leaves to a restart that has not followed it."""
    options = [option for one in result["plans"][-1:] for option in one["restart_required"]]
    after = result["after"] or {}
    realm, project = (after.get(part, _DEFAULT) for part in ("realm", "project"))
    where = project if realm == _DEFAULT else f"{realm}/{project}"
    restart = f"skerry restart {after.get('name', '')}{'' if where == _DEFAULT else f' --project {where}'}"
    return [f"a restart is due for {', '.join(options)}: {restart}"] if options else []


def watcher() -> Callable[[Event], None]:
    """Prints progress as it comes; of a stage that goes on and on, its first line only."""
    stage = ""

    def show(event: Event) -> None:
        nonlocal stage
        match event:
            case {"event": "plan", "verb": verb, "steps": steps}:
                text = f"{verb} in {len(steps)} step{'s' * (len(steps) != 1)}"
            case {"event": "step", "number": number, "of": of, "title": title}:
                took = f"{event['ms']:7.1f} ms" if "ms" in event else ""
                text = f"  {number}/{of} {took}  {title}"
            case {"stage": new} if new != stage:
                stage = new
                text = f"  {stage} …"
            case _:
                return
        print(printable(text), file=sys.stderr, flush=True)

    return show


def error(found: EngineError) -> None:
    """Print an error: what was wrong, what would be right, the log of what failed."""
    lines = [f"error: {found.message}.", *([f"       {found.hint}."] if found.hint else [])]
    lines += [f"  | {line}" for line in found.journal.splitlines()]
    print(printable("\n".join(lines)), file=sys.stderr)
