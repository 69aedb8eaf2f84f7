"""kill -9 of the engine after every effect and every journal step of every verb."""

import re

import pytest


@pytest.mark.usefixtures("hello")
def test_killed_anywhere_it_finishes_or_undoes_and_leaves_nothing(on_host, capsys):
    done = on_host("crash_sweep.py")
    summary = re.search(
        r"^(\d+) points of death in (\d+) operations, (\d+) with problems$", done.stdout, re.MULTILINE
    )
    assert summary, done.stdout + done.stderr
    with capsys.disabled():
        print(f"\n{summary[0]}")
    assert (done.rc, summary[3]) == (0, "0"), done.stdout
    assert int(summary[1]) >= 2 * int(summary[2])
    # The sweep means something only if it saw both ways out.
    assert " undone " in done.stdout
    assert " done " in done.stdout
