"""Ansible's markup becomes Markdown, and a slip in it is an error."""

import pytest

from tools.markup import markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain (text) with C, O and V", "plain (text) with C, O and V"),
        ("C(code), V(443), E(HOME), O(state=absent), O(name), RV(ignore:log)",
         "`code`, `443`, `HOME`, `state=absent`, `name`, `log`"),
        (r"V(lookup('file', 'A'\) | b64encode) and V(a\\b)", r"`lookup('file', 'A') | b64encode` and `a\b`"),
        ("I(slanted) B(bold)", "*slanted* *bold*"),
        ("L(Debian,https://debian.org) U(https://a.org)", "[Debian](https://debian.org) <https://a.org>"),
        ("M(skerry.host.skerry_alias)", "[`skerry.host.skerry_alias`](modules.md#skerryhostskerry_alias)"),
        ("P(skerry.host.proxy#role)", "[`skerry.host.proxy`](roles.md#proxy)"),
        ("P(skerry.host.table#filter) M(ansible.builtin.file)", "`skerry.host.table` `ansible.builtin.file`"),
        ("O(skerry.host.proxy#role:main:proxy_port)",
         "`proxy_port` of [`skerry.host.proxy`](roles.md#proxy)"),
    ],
)  # fmt: skip
def test_markup_becomes_markdown(text: str, shown: str) -> None:
    assert markdown(text) == shown


@pytest.mark.parametrize("text", ["M(lxc_host)", "V(open", r"V(a\b)", "above HORIZONTALLINE below"])
def test_a_slip_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        markdown(text)
