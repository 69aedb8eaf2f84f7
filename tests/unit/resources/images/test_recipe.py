"""What an image.toml says, and that the same recipe is the same bytes."""

import os
import re
import tarfile
from pathlib import Path

import pytest

from skerry.resources.images.recipe import EPOCH, File, Recipe, RecipeError, from_folder, from_mapping

HELLO = Path(__file__).parents[4] / "images" / "hello"
APP = File("/srv/app.py", 0o644, b"print()")


def write(folder: Path, text: str) -> Path:
    (folder / "image.toml").write_text(text)
    return folder


def test_the_sample_app_is_a_recipe() -> None:
    recipe, settings = from_folder(HELLO)
    assert recipe.packages == ("python3-minimal",)
    assert [file.target for file in recipe.files] == ["/srv/hello/app.py", "/srv/hello/index.html"]
    assert settings["command"][-1] == recipe.files[0].target


def test_the_example_of_the_page_is_whole(tmp_path: Path) -> None:
    """Every file that its image.toml names is printed there."""
    page = (HELLO.parents[1] / "docs" / "how-to" / "images.md").read_text()
    printed = re.findall(r'^```\w+ title="web/([^"]+)"\n(.*?)^```$', page, re.MULTILINE | re.DOTALL)
    for name, text in printed:
        (tmp_path / name).write_text(text)
    recipe, _settings = from_folder(tmp_path)
    assert len(recipe.files) == len(printed) - 1


def test_the_digest_follows_all_that_decides() -> None:
    recipes = [
        Recipe("trixie"),
        Recipe("bookworm"),
        Recipe("trixie", ("nginx",)),
        Recipe("trixie", (), (APP,)),
        Recipe("trixie", (), (File("/srv/app.py", 0o755, APP.data),)),
        Recipe("trixie", (), (File("/srv/app.py", 0o644, b"print(1)"),)),
        Recipe("trixie", (), (File("/srv/other.py", 0o644, APP.data),)),
    ]
    assert len({recipe.digest() for recipe in recipes}) == len(recipes)
    assert Recipe("trixie", (), (APP,)).digest() == recipes[3].digest()


def test_mmdebstrap_takes_no_empty_list() -> None:
    assert not [word for word in Recipe("trixie").arguments("x", "-", "root") if word.startswith("--include")]
    assert "--include=a,b" in Recipe("trixie", ("a", "b")).arguments("x", "-", "root")


def test_a_path_with_spaces_is_one_word_to_the_hook() -> None:
    assert "--customize-hook=tar-in '/a b/x' /" in Recipe("trixie").arguments("/a b/x", "-", "root")


def test_files_are_packed_the_same_whoever_packs_them(tmp_path: Path) -> None:
    recipe = Recipe("trixie", (), (APP,))
    recipe.pack(tmp_path / "one")
    os.umask(os.umask(0o077))
    recipe.pack(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with tarfile.open(tmp_path / "one") as tar:
        member = tar.getmember("srv/app.py")
    assert (member.uid, member.gid, member.mode, member.size) == (0, 0, 0o644, 7)
    assert EPOCH - (1 << 24) < member.mtime <= EPOCH


def test_a_changed_file_has_another_date(tmp_path: Path) -> None:
    """A web server that marks files by date and size sees a change of the same length."""
    dates = []
    for data in (b"print(1)", b"print(2)"):
        Recipe("trixie", (), (File("/a", 0o644, data),)).pack(tmp_path / "tar")
        with tarfile.open(tmp_path / "tar") as tar:
            dates.append(tar.getmember("a").mtime)
    assert dates[0] != dates[1]


def test_programs_stay_programs(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    recipe, _settings = from_folder(write(tmp_path, '[files]\nrun = "/usr/bin/run"\n'))
    assert recipe.files == (File("/usr/bin/run", 0o755, b"#!/bin/sh\n"),)


def folder_of_packages(above: Path) -> Path:
    """What npm leaves: a package with a program, a link to it, and an empty folder."""
    package = above / "node_modules" / "tool"
    (package / "cache").mkdir(parents=True)
    (package / "cli.js").write_text("#!/usr/bin/node\n")
    (package / "cli.js").chmod(0o700)
    (package / "index.js").write_text("1\n")
    (package / "index.js").chmod(0o600)
    (above / "node_modules" / ".bin").mkdir()
    (above / "node_modules" / ".bin" / "tool").symlink_to("../tool/cli.js")
    (above / "node_modules" / "same").symlink_to("tool")
    return write(above, '[files]\nnode_modules = "/srv/app/node_modules"\n')


def test_a_folder_brings_everything_below_it(tmp_path: Path) -> None:
    recipe, _settings = from_folder(folder_of_packages(tmp_path))
    recipe.pack(tmp_path / "tar")
    with tarfile.open(tmp_path / "tar") as tar:
        found = [
            (one.name.removeprefix("srv/app/node_modules/"), one.mode, one.type, one.linkname) for one in tar
        ]
        assert tar.extractfile("srv/app/node_modules/.bin/tool").read() == b"#!/usr/bin/node\n"  # type: ignore[union-attr]
    assert found == [
        (".bin/tool", 0o777, tarfile.SYMTYPE, "../tool/cli.js"),
        ("same", 0o777, tarfile.SYMTYPE, "tool"),
        ("tool/cache", 0o755, tarfile.DIRTYPE, ""),
        ("tool/cli.js", 0o755, tarfile.REGTYPE, ""),
        ("tool/index.js", 0o644, tarfile.REGTYPE, ""),
    ]


def test_the_same_folder_is_the_same_recipe(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    one, two = (from_folder(folder_of_packages(folder))[0] for folder in folders)
    assert one.digest() == two.digest()
    link = folders[1] / "node_modules" / "same"
    link.unlink()
    link.symlink_to("tool/cache")
    assert from_folder(folders[1])[0].digest() != one.digest()


@pytest.mark.parametrize("leads_to", ["/etc/passwd", "../../secret", "..", "same/../../../secret"])
def test_a_link_that_leads_out_of_its_folder_is_refused(tmp_path: Path, leads_to: str) -> None:
    folder = folder_of_packages(tmp_path)
    (folder / "node_modules" / "bad").symlink_to(leads_to)
    with pytest.raises(
        RecipeError, match=r"files: node_modules/bad is a link that leads out of its folder, to "
    ):
        from_folder(folder)


def test_what_is_no_file_is_refused_by_its_name(tmp_path: Path) -> None:
    folder = folder_of_packages(tmp_path)
    os.mkfifo(folder / "node_modules" / "tool" / "pipe")
    with pytest.raises(RecipeError, match="files: node_modules/tool/pipe is a socket, a pipe or a device"):
        from_folder(folder)
    write(folder, '[files]\n"node_modules/tool/pipe" = "/srv/pipe"\n')
    with pytest.raises(RecipeError, match="files: node_modules/tool/pipe is a socket"):
        from_folder(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("packages = [", "image.toml: "),
        ('packets = ["nginx"]', "unknown key 'packets'; known are command, components, env, "),
        ('components = ["non free"]', "components: 'non free' is not such as non-free-firmware"),
        ('without = ["/etc/a; reboot"]', "without: '/etc/a; reboot' is not a whole path"),
        ('without = ["/"]', "without: '/' is not a whole path"),
        ('packages = "nginx"', "packages: 'nginx' is not a list of package names"),
        ('packages = ["a b"]', "packages: 'a b' is not the name of a package"),
        ('packages = ["--simulate"]', "packages: '--simulate' is not the name of a package"),
        ('suite = "a/b"', "suite: 'a/b' is not the code name of a Debian release"),
        ('command = "/bin/sh"', "command: '/bin/sh' is not a list of words"),
        ('[files]\nmissing = "/a"', "No such file"),
        ('[files]\n"image.toml" = "srv/a"', "files: 'srv/a' is not a path in an image"),
        ('[files]\n"image.toml" = "/srv/../a"', "files: '/srv/../a' is not a path in an image"),
        ("files = []", "files: [] is not a table [files]"),
        ("[env]\nPORT = 80", "env: PORT: 80 is not text"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        from_folder(write(tmp_path, text))
    assert message in str(caught.value)


def test_a_missing_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"image\.toml"):
        from_folder(tmp_path)


def test_a_root_for_machines_is_of_more_components_and_without_what_must_not_be_copied() -> None:
    said = {
        "components": ["non-free-firmware", "main"],
        "without": ["/etc/ssh/ssh_host_*", "/boot/initrd.img*"],
    }
    arguments = from_mapping(said, Path()).arguments("extra.tar", "-", "root")
    assert "--components=main,non-free-firmware" in arguments
    assert '--customize-hook=rm -rf "$1"/etc/ssh/ssh_host_*' in arguments
    assert from_mapping(said, Path()).digest() != from_mapping({}, Path()).digest()
