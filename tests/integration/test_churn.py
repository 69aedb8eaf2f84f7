"""Fifty containers come and go, four at a time; the neighbour's visitors notice nothing."""

import json

import pytest


@pytest.mark.usefixtures("hello")
def test_a_neighbour_does_not_notice_fifty_creates_and_deletes(on_host, capsys):
    done = on_host("churn.py", 50, 4)
    assert done.rc == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    with capsys.disabled():
        print(f"\n{report}")
    assert (report["made"], report["alive"], report["dead"]) == (50, 50, 50)
    assert (report["ids"], report["addresses"]) == (50, 50)
    assert report["leftovers"] == []
    assert set(report["neighbour"]) == {"200"}, report["neighbour"]
    assert report["neighbour"]["200"] > 100
