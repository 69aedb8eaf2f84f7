"""What spoof.py must report, on whichever lab."""

import json

from testinfra.backend.base import CommandResult


def check_spoofing(done: CommandResult) -> None:
    """No lie was heard by anybody; each honest frame that followed one arrived."""
    assert done.rc == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert len(report) == 9
    assert {name: seen["lie"] for name, seen in report.items() if seen["lie"]} == {}
    assert [name for name, seen in report.items() if not seen["honest"]] == []
