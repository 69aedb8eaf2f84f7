import json

import pytest

from plugins.filter.host_status import host_status


def answered(**told):
    return {
        "status_answer": {
            "stdout": json.dumps({"kernel": "6.12", "encrypted": True, "mirror": "none"} | told)
        }
    }


@pytest.mark.parametrize(
    ("known", "state", "kernel"),
    [
        (answered(), "running", "6.12"),
        (answered(mirror="whole"), "running", "6.12"),
        (answered(mirror="half"), "half a mirror", "6.12"),
        (answered(mirror="rebuilding"), "mirror rebuilds", "6.12"),
        ({"status_answer": {"stdout": "6.12.1"}}, "running", "6.12.1"),
        ({"status_answer": {"stdout": "", "stderr": "no such file", "rc": 1}}, "unknown", ""),
        ({"status_answer": {"unreachable": True}}, "unreachable", ""),
        ({"status_answer": {"skipped": True}, "unlock_found": {"found": "locked"}}, "locked", ""),
        ({"unlock_found": {"code": "no_answer", "msg": "x"}}, "unreachable", ""),
        ({"unlock_found": {"code": "wrong_host_key", "msg": "x"}}, "wrong host key", ""),
    ],
)
def test_how_a_server_stands(known, state, kernel):
    row = host_status({"inventory_hostname": "one"} | known)
    assert (row["host"], row["state"], row["kernel"]) == ("one", state, kernel)


def test_a_locked_server_comes_with_what_to_do():
    row = host_status({"inventory_hostname": "one", "unlock_found": {"found": "locked"}})
    assert row["next"] == "ansible-playbook playbooks/unlock.yml -l one"


def test_one_that_cannot_tell_is_not_called_running():
    answer = {"stdout": "", "stderr": "Traceback\nskerry-boot: findmnt is not installed", "rc": 2}
    row = host_status({"inventory_hostname": "one", "status_answer": answer})
    assert row["next"] == "skerry-boot status: skerry-boot: findmnt is not installed"


@pytest.mark.parametrize(
    ("kernels", "advice"),
    [
        (
            {"candidate": "6.13", "last_trial": None},
            "try kernel 6.13: ansible-playbook playbooks/kernel/trial.yml -l one",
        ),
        (
            {"unproven": ["6.13"], "last_trial": {"version": "6.13", "proven": False, "reason": "it died"}},
            "kernel 6.13 was given up: it died",
        ),
        ({"unproven": [], "last_trial": {"version": "6.13", "proven": False, "reason": "it died"}}, ""),
        ({"unproven": [], "last_trial": {"version": "6.12", "proven": True, "reason": ""}}, ""),
    ],
)
def test_a_kernel_that_waits_for_its_trial_or_was_given_up(kernels, advice):
    assert host_status({"inventory_hostname": "one"} | answered(kernels=kernels))["next"] == advice
