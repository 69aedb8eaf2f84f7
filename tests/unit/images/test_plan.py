"""What import, build and delete decide: a table of what is there and what is wanted."""

import dataclasses

import pytest

from skerry.model.container import Image
from skerry.model.errors import Code, SkerryError
from skerry.plan import images as plan
from skerry.plan.images import Found

OLD, NEW = "a" * 64, "b" * 64
HELLO = Image(OLD, "hello", 100, ("/bin/a",), {"A": "1"}, "then")
WANTED = Image(NEW, "hello", 0, ("/bin/a",), {"A": "1"}, "now")
USERS = ["default/default/blog", "default/default/shop"]


def steps(wanted: Image, found: Found) -> tuple[str, ...]:
    return plan.bring("image_import", wanted, found, "why").steps


def test_a_new_name_and_digest_make_an_image() -> None:
    made = plan.bring("image_import", WANTED, Found(None), "why")
    assert (made.make, made.before, made.after) == (True, None, WANTED)
    assert made.steps == (f"make image hello (sha256:{NEW[:12]}): why",)


def test_the_same_again_changes_nothing() -> None:
    again = plan.bring("image_import", dataclasses.replace(WANTED, digest=OLD), Found(HELLO, HELLO), "why")
    assert (again.steps, again.make, again.after) == ((), False, HELLO)


@pytest.mark.parametrize(("field", "value"), [("command", ("/bin/b",)), ("env", {"A": "2"})])
def test_settings_change_without_making_anything(field: str, value: object) -> None:
    wanted = dataclasses.replace(WANTED, digest=OLD, **{field: value})
    changed = plan.bring("image_import", wanted, Found(HELLO, HELLO), "why")
    assert (changed.make, changed.steps) == (
        False,
        (f"change {field} of image hello: its containers take it over when they start",),
    )
    assert changed.after == dataclasses.replace(wanted, size=100, created="then")


def test_another_digest_takes_the_name_and_the_old_image_goes() -> None:
    assert steps(WANTED, Found(HELLO)) == (
        f"make image hello (sha256:{NEW[:12]}): why",
        f"remove image hello (sha256:{OLD[:12]}): nothing uses it",
    )


def test_an_image_in_use_stays_under_its_digest() -> None:
    assert steps(WANTED, Found(HELLO, users=USERS))[1] == (
        f"change image hello (sha256:{OLD[:12]}) into hello@{OLD[:12]}: {', '.join(USERS)} use it"
    )


def test_the_way_back_makes_nothing_anew() -> None:
    retired = dataclasses.replace(HELLO, name=f"hello@{OLD[:12]}")
    back = plan.bring(
        "image_import",
        dataclasses.replace(WANTED, digest=OLD),
        Found(dataclasses.replace(WANTED, size=7), retired, USERS),
        "why",
    )
    assert back.make is False
    assert back.steps == (
        f"change image hello@{OLD[:12]} into hello: it is the one wanted now",
        f"change image hello (sha256:{NEW[:12]}) into hello@{NEW[:12]}: {', '.join(USERS)} use it",
    )


def test_one_tarball_has_one_name() -> None:
    other = dataclasses.replace(HELLO, name="other")
    with pytest.raises(SkerryError, match="is on this host as image 'other'") as caught:
        steps(dataclasses.replace(WANTED, digest=OLD), Found(None, other))
    assert caught.value.code == Code.EXISTS


def test_a_build_does_not_know_its_digest_yet() -> None:
    assert steps(dataclasses.replace(WANTED, digest=""), Found(None)) == (
        "make image hello (of today's packages): why",
    )


def test_the_same_recipe_keeps_the_image() -> None:
    assert plan.keep("image_build", dataclasses.replace(WANTED, digest=""), HELLO).steps == ()


def test_delete() -> None:
    gone = plan.delete("hello", Found(HELLO))
    assert (gone.after, gone.steps) == (None, (f"remove image hello (sha256:{OLD[:12]}): nothing uses it",))


def test_delete_of_what_is_not_there_changes_nothing() -> None:
    assert plan.delete("hello", Found(None)).steps == ()


def test_delete_of_what_is_in_use_names_who_uses_it() -> None:
    users = [f"default/default/c{number}" for number in range(7)]
    with pytest.raises(SkerryError, match=r"c0, .*c4 and 2 more") as caught:
        plan.delete("hello", Found(HELLO, users=users))
    assert caught.value.code == Code.BUSY
