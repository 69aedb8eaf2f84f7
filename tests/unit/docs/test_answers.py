"""What counts as the answer that a page prints."""

import pytest

from tests.docs.answers import missing, stable

SAID = """\
[   0.0 s] lab try: boot
ID  STARTED              VERB    CONTAINER             STATE  STEPS  MS
12  2026-11-29T09:01:07  delete  default/default/blog  done   5/5    1082
1   2026-11-29T09:00:59  create  default/default/blog  done   5/5    339

In /tmp/clone/skerry:
  https://40548f2af6c97352c1004a8a-e23d85ea2ac1232a1ab6511e.skerry.localhost:30445/
"""


@pytest.mark.parametrize(
    "printed",
    [
        [
            "ID  STARTED  VERB    CONTAINER  STATE  STEPS  MS",
            "2 2026-11-22T19:19:59 delete default/default/blog done 4/4 82",
        ],
        [
            "In /root/skerry:",
            "https://10bd9d4c835233ac5d350a8c-a46e5837215093082ff2583e.skerry.localhost:30444/",
        ],
        ["[  12.5 s] lab try: boot", "", "…", "In …:"],
        ["1 … create … done …"],
        [],
    ],
)
def test_figures_ids_folders_and_columns_may_differ(printed: list[str]) -> None:
    assert missing(printed, SAID) is None


@pytest.mark.parametrize(
    ("printed", "first"),
    [
        (
            ["ID  STARTED  VERB  CONTAINER  STATE  MS  STEPS"],
            "ID  STARTED  VERB  CONTAINER  STATE  MS  STEPS",
        ),
        (["In /root/skerry:", "[ 0.0 s] lab try: boot"], "[ 0.0 s] lab try: boot"),
        (["1 2026-11-22T19:19:59 create default/default/shop done 5/5 82"],) * 2,
        (["In /root/other:"], "In /root/other:"),
        (["1 … failed"], "1 … failed"),
    ],
)
def test_words_and_their_order_may_not(printed: list[str], first: str | list[str]) -> None:
    assert missing(printed, SAID) == (first if isinstance(first, str) else first[0])


def test_what_is_stable_of_a_line() -> None:
    assert stable("  ipv6: fd5e:6b65:7279::101") == "ipv6: ADDRESS"
    assert stable("curl --cacert /root/.local/state/ca.crt  https://host.localhost:30444/") == (
        "curl --cacert /ca.crt https://host.localhost:0/"
    )
    assert stable("memory: 256M to 1G") == "memory: 0M to 0G"
