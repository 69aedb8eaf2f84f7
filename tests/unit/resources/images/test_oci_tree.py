"""Layers laid over one another: what Docker and containerd would unpack, and what an overlay of two files shows."""

import io
import tarfile
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.model.errors import SkerryError
from skerry.resources.images import oci_layers, tarball
from skerry.resources.images.oci_layers import Budget
from skerry.resources.images.oci_tree import Tree, common
from tests.unit.resources.images.tarballs import Member, folder, member, packed

Files = dict[str, str]
Layer = list[tuple[Member, bytes]]


def link(name: str, target: str) -> tuple[Member, bytes]:
    return member(name, tarfile.SYMTYPE, linkname=target)


def hard(name: str, target: str) -> tuple[Member, bytes]:
    return member(name, tarfile.LNKTYPE, linkname=target)


def ignore(_count: int) -> None:
    return None


def applied(sources: Sequence[io.BytesIO], count: int) -> Tree:
    tree, budget = Tree(), Budget()
    for number, source in enumerate(sources[:count]):
        oci_layers.apply(tree, source, number, budget, ignore)
    return tree


def read(data: bytes) -> Files:
    """The paths of a tarball: of a file its bytes, of a link its target, of a folder a slash."""
    found: Files = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for one in tar:
            path = one.name.strip("./") if one.name == "." else one.name
            if one.islnk():
                found[path] = found[one.linkname]
            elif one.isdir():
                found[path] = f"/{one.mode:o}"
            elif one.issym():
                found[path] = f"-> {one.linkname}"
            else:
                file = tar.extractfile(one)
                found[path] = "" if file is None else file.read().decode()
    return found


def flat(*layers: Layer, base: int = 0) -> list[Files]:
    """The one tarball of layers; or, with a base, the two of it."""
    sources = [io.BytesIO(packed(*layer)) for layer in layers]
    tree = applied(sources, len(layers))
    below = applied(sources, base) if base else None
    found = []
    for laid in [below.everything(), tree.beyond(below)] if below else [tree.everything()]:
        oci_layers.write(laid, sources, target := io.BytesIO(), ignore)
        found.append(read(target.getvalue()))
    return found


def overlay(lower: Files, upper: Files) -> Files:
    """What an overlay shows of two trees, the upper one with AUFS's whiteouts."""
    shown = dict(lower)
    for path, what in upper.items():
        above, slash, name = path.rpartition("/")
        gone = f"{above}{slash}{name.removeprefix('.wh.')}"
        if name.startswith(".wh.") or not (what.startswith("/") and lower.get(path, "").startswith("/")):
            shown = {one: w for one, w in shown.items() if one != gone and not one.startswith(f"{gone}/")}
        if not name.startswith(".wh."):
            shown[path] = what
    return shown


def everything(*layers: Layer) -> Files:
    return flat(*layers)[0]


BASE: Layer = [
    folder("usr"),
    folder("usr/lib"),
    member("usr/lib/a", data=b"1"),
    link("lib", "usr/lib"),
    folder("etc"),
]


def test_a_newer_file_takes_the_place_of_an_older_one() -> None:
    assert everything(BASE, [member("usr/lib/a", data=b"2")])["usr/lib/a"] == "2"


def test_a_whiteout_hides_a_file_and_a_folder_with_all_below() -> None:
    assert set(everything(BASE, [member("usr/.wh.lib")])) == {"", "usr", "lib", "etc"}
    assert "usr/lib/a" not in everything(BASE, [member("usr/lib/.wh.a")])


def test_a_whiteout_hides_only_what_is_older_wherever_it_stands_in_its_layer() -> None:
    for order in (1, -1):
        layer = [member("usr/.wh.lib"), member("usr/lib/new", data=b"n")][::order]
        assert [path for path in everything(BASE, layer) if path.startswith("usr/lib/")] == ["usr/lib/new"]


def test_an_opaque_folder_hides_what_is_older_in_it() -> None:
    layer = [member("usr/lib/new", data=b"n"), member("usr/lib/.wh..wh..opq")]
    assert [path for path in everything(BASE, layer) if path.startswith("usr/lib")] == [
        "usr/lib",
        "usr/lib/new",
    ]


def test_a_file_below_a_link_of_an_older_layer_lies_where_that_leads_inside_the_image() -> None:
    shown = everything(BASE, [member("lib/b", data=b"b")])
    assert (shown["usr/lib/b"], shown["lib"]) == ("b", "-> usr/lib")


@pytest.mark.parametrize("target", ["/usr/lib", "../../../usr/lib", "./usr/../usr/lib", "/../usr//lib/"])
def test_a_link_leads_nowhere_outside(target: str) -> None:
    shown = everything([*BASE, link("x", target)], [member("x/b", data=b"b"), member("x/.wh.a")])
    assert shown["usr/lib/b"] == "b"
    assert "usr/lib/a" not in shown


def test_a_folder_takes_the_place_of_a_link_as_docker_has_it() -> None:
    shown = everything(BASE, [folder("lib"), member("lib/b", data=b"b")])
    assert (shown["lib"], shown["lib/b"], "usr/lib/b" in shown) == ("/755", "b", False)


def test_a_file_takes_the_place_of_a_folder() -> None:
    shown = everything(BASE, [member("usr", data=b"file")])
    assert shown["usr"] == "file"
    assert not [path for path in shown if path.startswith("usr/")]


def test_a_folder_that_comes_again_keeps_what_is_in_it() -> None:
    shown = everything(BASE, [folder("usr/lib", mode=0o700)])
    assert (shown["usr/lib"], shown["usr/lib/a"]) == ("/700", "1")


def test_a_hard_link_to_an_older_layer_is_the_same_file() -> None:
    assert everything(BASE, [hard("b", "lib/a")])["b"] == "1"
    below, rest = flat(BASE, [hard("b", "lib/a")], base=1)
    assert (below["usr/lib/a"], rest["b"], "usr/lib/a" in rest) == ("1", "1", False)


def test_a_hard_link_in_one_layer_stays_one() -> None:
    source = io.BytesIO(packed(*BASE, member("x", data=b"x"), hard("y", "x"), hard("a", "x")))
    tree = applied([source], 1)
    oci_layers.write(tree.everything(), [source], target := io.BytesIO(), ignore)
    with tarfile.open(fileobj=io.BytesIO(target.getvalue())) as tar:
        kinds = {one.name: (one.type, one.linkname) for one in tar if one.name in {"a", "x", "y"}}
    assert kinds == {"a": (tarfile.REGTYPE, ""), "x": (tarfile.LNKTYPE, "a"), "y": (tarfile.LNKTYPE, "a")}


def test_device_nodes_of_dev_are_dropped_and_attributes_but_one() -> None:
    said = {
        "SCHILY.xattr.user.x": "1",
        "SCHILY.xattr.trusted.overlay.opaque": "y",
        "SCHILY.xattr.security.capability": "cap",
    }
    source = io.BytesIO(
        packed(*BASE, folder("dev"), member("dev/sda", tarfile.BLKTYPE), member("dev/tty", tarfile.CHRTYPE),
               member("ping", data=b"p", pax_headers=said))
    )  # fmt: skip
    oci_layers.write(applied([source], 1).everything(), [source], target := io.BytesIO(), ignore)
    with tarfile.open(fileobj=io.BytesIO(target.getvalue())) as tar:
        assert "dev/sda" not in tar.getnames()
        assert "dev/tty" not in tar.getnames()
        assert set(tar.getmember("ping").pax_headers) == {"SCHILY.xattr.security.capability"}


HOSTILE: dict[str, tuple[Layer, str]] = {
    "above the root": ([member("../../etc/shadow")], "'..' in its name"),
    "absolute": ([member("/root/x")], "begins with a slash"),
    "hard link out": ([hard("h", "../../etc/shadow")], "'..' in its name"),
    "hard link to nothing": ([hard("h", "etc/none")], "does not come before it"),
    "hard link to a folder": ([hard("h", "etc")], "is a folder"),
    "device": ([member("etc/sda", tarfile.BLKTYPE)], "is a block device"),
    "character device": ([member("x", tarfile.CHRTYPE)], "character device outside dev/"),
    "whiteout of ..": ([member("a/.wh...")], "whiteout of no name"),
    "whiteout of .": ([member("a/.wh..")], "whiteout of no name"),
    "whiteout of nothing": ([member("a/.wh.")], "whiteout of no name"),
    "link to itself": ([link("x", "x"), member("x/y")], "more than 40 links"),
    "two links in a ring": ([link("x", "y"), link("y", "x"), member("x/y")], "more than 40 links"),
    "below a file": ([member("f", data=b"1"), member("f/x")], "not a folder"),
    "too deep": ([member("d/" * 300 + "x")], "deeper than 250 folders"),
    "deep by a link": ([folder("a/" * 200), link("l", "a/" * 200), member("l/" + "b/" * 100 + "x")], "deeper than"),
    "long name": ([member("x" * 300)], "a name that no file can have"),
    "user": ([member("x", uid=70_000)], "belongs to user 70000"),
    "root is a file": ([member(".", data=b"x")], "is the root itself"),
}  # fmt: skip


@pytest.mark.parametrize(("layer", "said"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_layer_is_refused_by_name(layer: Layer, said: str) -> None:
    with pytest.raises(SkerryError, match=said) as caught:
        everything(BASE, layer)
    assert caught.value.message.startswith("layer 2: ")


def test_what_is_cut_off_or_no_tarball_is_refused() -> None:
    whole = packed(*BASE)
    for data in (whole[:700], whole[:3072], b"x" * 2048, b""):
        with pytest.raises(SkerryError, match="layer 1: "):
            oci_layers.apply(Tree(), io.BytesIO(data), 0, Budget(), ignore)


@pytest.mark.parametrize(
    ("budget", "said"),
    [(Budget(members=3), "members"), (Budget(characters=9), "characters"), (Budget(size=0), "8G")],
)
def test_all_layers_together_have_bounds(budget: Budget, said: str) -> None:
    with pytest.raises(SkerryError, match=said):
        oci_layers.apply(Tree(), io.BytesIO(packed(*BASE)), 0, budget, ignore)


def test_many_links_on_many_ways_end() -> None:
    """Each path is walked by 39 links of 100 parts: 40,000 of them would take minutes."""
    links = [link(f"l{n}", f"{'./' * 1900}l{n + 1}") for n in range(38)] + [link("l38", ".")]
    with pytest.raises(SkerryError, match="too many folders and links"):
        everything(BASE, [*links, *(member(f"l0/{n}") for n in range(1500))])


def test_an_image_without_a_file_or_with_a_link_for_dev_is_refused() -> None:
    empty = applied([io.BytesIO(packed(folder(".")))], 1)
    empty.imply(tarball.MOUNTED_UPON)
    with pytest.raises(SkerryError, match="it is empty"):
        oci_layers.check_root(empty)
    with pytest.raises(SkerryError, match="'dev' at its top is not a folder"):
        oci_layers.check_root(applied([io.BytesIO(packed(*BASE, link("dev", "/etc")))], 1))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [("abc", "abx", 2), ("abc", "abc", 3), ("ab", "abc", 2), ("abc", "", 0), ("xbc", "abc", 0)],
)
def test_how_many_layers_two_chains_have_in_common(one: str, other: str, alike: int) -> None:
    assert common(one, other) == alike


names = st.sampled_from(["a", "b", "c"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
members = st.one_of(
    paths.map(folder),
    st.tuples(paths, names).map(lambda pair: member(pair[0], data=pair[1].encode())),
    paths.map(lambda path: member("/".join([*path.split("/")[:-1], f".wh.{path.split('/')[-1]}"]))),
    paths.map(lambda path: member(f"{path}/.wh..wh..opq")),
    st.tuples(paths, paths).map(lambda pair: link(pair[0], f"/{pair[1]}")),
    st.tuples(paths, paths).map(lambda pair: hard(*pair)),
    paths.map(lambda path: folder(path, mode=0o700)),
)
layers_of_any_kind = st.lists(st.lists(members, max_size=6), min_size=2, max_size=4)


@settings(max_examples=300, deadline=None)
@given(layers_of_any_kind, st.integers(min_value=1, max_value=3))
def test_an_overlay_of_base_and_rest_shows_what_all_layers_together_are(
    layers: list[Layer], base: int
) -> None:
    base = min(base, len(layers) - 1)
    try:
        whole = everything(*layers)
    except SkerryError:
        return  # refused by name: a hard link to nothing, a path below a file
    below, rest = flat(*layers, base=base)
    assert overlay(below, rest) == whole
