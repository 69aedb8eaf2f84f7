"""What import, build and delete of an image decide: a table of what is there and what is desired."""

import dataclasses
from collections.abc import Sequence

import pytest

from skerry.model.container import Image
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.resources.images import plan
from skerry.resources.images.kind import Images
from skerry.resources.images.oci_manifest import Blob, Manifest
from skerry.resources.images.parts import DebianTarball, FetchedTarball, OciLayers, OciLower
from skerry.resources.images.plan import Found
from skerry.resources.images.recipe import Recipe
from skerry.resources.images.registry import Login, Pulled
from skerry.resources.kind import Plan

OLD, NEW = "a" * 64, "b" * 64
HELLO = Image(OLD, "hello", 100, ("/bin/a",), {"A": "1"}, "then")
DESIRED = Image(NEW, "hello", 0, ("/bin/a",), {"A": "1"}, "now")
USERS = ["default/default/blog", "default/default/shop"]
TARBALL = FetchedTarball("/srv/hello.tar", NEW)
KIND = Images()


def bring(desired: Image, found: Found) -> Plan[Image]:
    return plan.bring("image_import", desired, found, "why", TARBALL)


def test_a_new_name_and_digest_make_an_image() -> None:
    made = bring(DESIRED, Found(None))
    assert (made.recovery, made.before, made.after, made.stored) == ("undo", None, DESIRED, ())
    assert made.titles() == [
        f"copy and check tarball /srv/hello.tar (sha256:{NEW[:12]}): why",
        f"make image hello (sha256:{NEW[:12]}): why",
        f"make mount of image hello (sha256:{NEW[:12]}): its containers stand on it",
    ]


def test_the_same_again_changes_nothing() -> None:
    again = bring(dataclasses.replace(DESIRED, digest=OLD), Found(HELLO, HELLO))
    assert (again.steps, again.stored, again.after, again.changed) == ((), (), HELLO, False)


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [("command", ("/bin/b",), "command"), ("env", {"A": "2", "B": "3"}, "env (B added, A changed)")],
)
def test_settings_change_without_making_anything(field: str, value: object, what: str) -> None:
    desired = dataclasses.replace(DESIRED, digest=OLD, **{field: value})
    changed = bring(desired, Found(HELLO, HELLO))
    assert (changed.steps, changed.changed, changed.lasting) == ((), True, True)
    assert changed.stored == (f"{what} of image hello: its containers take it over when they start",)
    assert changed.after == dataclasses.replace(desired, size=100, created="then")


def test_another_digest_takes_the_name_and_the_old_image_goes() -> None:
    assert bring(DESIRED, Found(HELLO)).stored == ()
    gone = plan.give_way(HELLO, [OLD])
    assert (gone.resource.name, gone.after, gone.recovery, gone.aside) == (
        f"hello@{OLD[:12]}",
        None,
        "finish",
        True,
    )
    assert gone.titles() == [
        f"remove mount of image hello (sha256:{OLD[:12]}): nothing uses it",
        f"remove image hello (sha256:{OLD[:12]}): nothing uses it",
    ]


def test_an_image_in_use_stays_under_its_digest() -> None:
    assert bring(DESIRED, Found(HELLO, users=USERS)).stored == (
        f"name hello@{OLD[:12]} of image hello (sha256:{OLD[:12]}): {', '.join(USERS)} use it",
    )


def test_the_way_back_makes_nothing_anew() -> None:
    retired = dataclasses.replace(HELLO, name=f"hello@{OLD[:12]}")
    back = bring(
        dataclasses.replace(DESIRED, digest=OLD), Found(dataclasses.replace(DESIRED, size=7), retired, USERS)
    )
    assert (back.steps, back.recovery) == ((), "undo")
    assert back.stored == (
        f"name hello of image hello@{OLD[:12]} (sha256:{OLD[:12]}): it is the desired one now",
        f"name hello@{NEW[:12]} of image hello (sha256:{NEW[:12]}): {', '.join(USERS)} use it",
    )


def test_one_tarball_has_one_name() -> None:
    other = dataclasses.replace(HELLO, name="other")
    with pytest.raises(SkerryError, match="is on this host as image 'other'") as caught:
        bring(dataclasses.replace(DESIRED, digest=OLD), Found(None, other))
    assert caught.value.code == Code.EXISTS


def test_a_build_does_not_know_its_digest_yet() -> None:
    unknown = dataclasses.replace(DESIRED, digest="")
    tarball = DebianTarball("trixie", "d" * 64, Recipe("trixie"))
    made = plan.prepare("image_build", unknown, None, tarball, "why")
    assert (made.titles(), made.lasting, made.recovery) == (
        ["build tarball of Debian trixie: why"],
        False,
        "undo",
    )
    file, _mount = plan.bring("image_build", unknown, Found(None), "why").titles()
    assert file == "make image hello (its digest is not known yet): why"


def test_a_build_that_comes_out_as_before_leaves_no_tarball_and_changes_nothing() -> None:
    tarball = DebianTarball("trixie", "d" * 64)
    same = dataclasses.replace(DESIRED, digest=OLD, recipe="d" * 64)
    kept = plan.bring("image_build", same, Found(HELLO, HELLO), "why")
    assert (kept.steps, kept.lasting, kept.changed) == ((), False, True)
    cleaned = plan.clean("image_build", dataclasses.replace(same, digest=""), HELLO, tarball)
    assert (cleaned.recovery, cleaned.lasting) == ("finish", False)
    assert [(step.action, step.part) for step in cleaned.steps] == [("remove", tarball)]


def test_the_same_recipe_keeps_the_image() -> None:
    assert not plan.keep("image_build", dataclasses.replace(DESIRED, digest=""), HELLO).changed


def test_a_plan_survives_the_journal_without_the_bytes_that_it_writes() -> None:
    recipe = Recipe("trixie", ("nginx",))
    tarball = DebianTarball("trixie", recipe.digest(), recipe)
    for one in (
        bring(DESIRED, Found(HELLO, users=USERS)),
        dataclasses.replace(
            plan.prepare("image_build", dataclasses.replace(DESIRED, digest=""), HELLO, tarball, "why"),
            lasting=True,
        ),
        dataclasses.replace(plan.give_way(HELLO, [OLD]), aside=False),
    ):
        assert KIND.load(KIND.dump(one)) == one
    assert "nginx" not in str(KIND.dump(one))


def test_delete() -> None:
    gone = plan.delete("hello", Found(HELLO, own=[OLD]), ["hello"])
    assert (gone.after, gone.recovery) == (None, "finish")
    assert [(step.action, step.part.kind) for step in gone.steps] == [
        ("remove", "image_mount"),
        ("remove", "image_file"),
    ]


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        (["hello", "web"], "The nearest name is 'hello'. Images here: hello, web"),
        (["web"], "Images here: web"),
        ([], "Images here: none yet"),
    ],
)
def test_delete_of_what_is_not_there_names_what_is(known: list[str], hint: str) -> None:
    with pytest.raises(SkerryError) as caught:
        plan.delete("hallo", Found(None), known)
    assert (caught.value.code, caught.value.message) == (Code.NOT_FOUND, "there is no image hallo")
    assert caught.value.hint == hint


def test_delete_of_what_is_in_use_names_who_uses_it() -> None:
    users = [f"default/default/c{number}" for number in range(7)]
    with pytest.raises(SkerryError, match=r"c0, .*c4 and 2 more") as caught:
        plan.delete("hello", Found(HELLO, users=users), ["hello"])
    assert caught.value.code == Code.BUSY


SOURCE = "registry.example.org/web:1"
PULLED = Pulled(Manifest(Blob("c" * 64, 1), (Blob("d" * 64, 1),)), "e" * 64, b"{}")
LAYERS = OciLayers(SOURCE, "e" * 64, PULLED, Login("who", "hunter2"))
BASE, REST = OciLower("web", "1" * 64, 0, 2, last=False), OciLower("web", "2" * 64, 2, 5, last=True)
WEB = Image("c" * 64, "web", 0, layers=("2" * 64, "1" * 64), reference=SOURCE, manifest="e" * 64)


def pull(found: Found, desired: Image = WEB, lowers: Sequence[OciLower] = (BASE, REST)) -> Plan[Image]:
    return plan.pull("image_pull", desired, found, LAYERS, lowers)


def test_an_oci_image_is_brought_and_becomes_two_files() -> None:
    made = pull(Found(None))
    assert (made.recovery, made.after) == ("undo", WEB)
    assert made.titles() == [
        f"bring and check layers of {SOURCE} (sha256:{'e' * 12}): this host has not all of them",
        "make file of layers 1 to 2 of image web: no image on this host has it",
        "make file of layers 3 to 5 of image web: no image on this host has it",
        f"make mount of image web (sha256:{'1' * 12}): its containers stand on it",
        f"make mount of image web (sha256:{'2' * 12}): its containers stand on it",
    ]


def test_of_an_oci_image_whose_base_is_here_only_the_rest_is_made() -> None:
    assert [step.part.kind for step in pull(Found(None), lowers=[REST]).steps] == [
        "image_layers",
        "image_lower",
        "image_mount",
    ]


def test_an_oci_image_of_the_same_layers_brings_nothing() -> None:
    made = pull(Found(None), lowers=[])
    assert (made.steps, made.after, made.changed) == ((), WEB, True)


def test_an_oci_image_that_is_here_keeps_its_files_and_notes_where_it_came_from() -> None:
    here = dataclasses.replace(WEB, size=7, layers=("9" * 64,), created="then")
    assert not pull(Found(here, here), dataclasses.replace(WEB, created="now")).changed
    moved = pull(Found(here, here), dataclasses.replace(WEB, manifest="f" * 64))
    assert (moved.steps, moved.stored) == ((), (f"manifest of image web: {'f' * 64}",))
    assert moved.after == dataclasses.replace(here, manifest="f" * 64)


def test_no_credential_and_no_document_of_an_oci_image_is_journaled() -> None:
    made = pull(Found(None))
    assert "hunter2" not in str(KIND.dump(made)) + repr(made) + str(made.titles())
    loaded = KIND.load(KIND.dump(made))
    assert loaded == made
    with pytest.raises(SkerryError, match="are not known any more"):
        loaded.steps[0].part.make(HostConfig(domain="example.org"))


def test_prune_says_what_it_frees() -> None:
    gone = plan.prune(WEB, ["2" * 64], 3 << 19)
    assert (gone.verb, gone.after, gone.recovery, gone.aside) == ("image_prune", None, "finish", True)
    assert gone.stored == ("image web gives 1.5 MiB of the pool back",)
    assert [step.action for step in gone.steps] == ["remove", "remove"]
