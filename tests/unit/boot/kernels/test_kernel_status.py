"""What `skerry-boot status` says of kernels, to a person."""

import pytest

from skerry_base.boot.kernels.commands import sentences

QUIET = {"default": "6.12", "proven": ["6.1", "6.12"], "trial": "", "candidate": "", "last_trial": None}
FIRST = "kernels: starts 6.12; proven: 6.1, 6.12"
GIVEN_UP = {"version": "6.13", "at": "2026-11-25T10:00:00+00:00", "proven": False, "reason": "it died"}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, [FIRST]),
        ({"default": "", "proven": []}, ["kernels: starts the first of the menu; proven: none"]),
        ({"candidate": "6.13"}, [FIRST, "waits for its trial: 6.13"]),
        ({"candidate": "6.13", "trial": "6.13"}, [FIRST, "on trial: 6.13"]),
        (
            {"last_trial": GIVEN_UP},
            [FIRST, "last trial (2026-11-25T10:00:00+00:00): 6.13 was given up: it died"],
        ),
        (
            {"last_trial": GIVEN_UP | {"proven": True, "reason": ""}},
            [FIRST, "last trial (2026-11-25T10:00:00+00:00): 6.13 proved itself"],
        ),
    ],
)
def test_what_is_said(told, said):
    assert list(sentences(QUIET | told)) == said
