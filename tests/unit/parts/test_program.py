"""What a start is told: each text arrives as it is, and there is nothing that it could end or begin."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.model.container import Spec
from skerry.model.program import Capability, check_env
from skerry.parts import program

ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
HEADER = Path("/usr/include/linux/capability.h")


def words(data: bytes) -> list[str]:
    """As enter.c and start.c read them."""
    assert data.endswith(b"\0")
    return data[:-1].decode().split("\0")


@given(
    st.lists(ANY, min_size=1), st.dictionaries(st.from_regex(r"[A-Za-z_]\w*", fullmatch=True), ANY), ANY, ANY
)
def test_whatever_it_holds_it_is_told_apart(command, env, user, workdir):
    entries = [f"{name}={value}" for name, value in env.items()]
    found = words(program.description(command, entries, user=user, workdir=workdir, groups=("a", "b")))
    assert found == [user, "a,b", workdir, "0", str(len(entries)), *entries, *command]


@given(st.text())
def test_what_the_model_lets_pass_has_no_zero_byte(value):
    try:
        check_env({"A": value})
    except ValueError:
        return
    assert len(words(program.description(["/app"], [f"A={value}"]))) == 7


def test_capabilities_are_the_kernels_numbers():
    assert (
        words(program.description(["/app"], [], capabilities=("chown", "setuid")))[3]
        == f"{1 << 0 | 1 << 7:x}"
    )
    assert set(program.CAPABILITIES) == set(Capability.__args__)
    if HEADER.exists():
        lines = [line.split() for line in HEADER.read_text().splitlines() if line.startswith("#define CAP_")]
        defined = {words[1]: words[2] for words in lines}
        assert all(
            defined[f"CAP_{name.upper()}"] == str(number) for name, number in program.CAPABILITIES.items()
        )


def test_a_start_names_its_layers_and_mounts():
    found = words(
        program.start_file("id", "/run/c", "/pool", 65536, ["/top", "/base"], [("/v", "/data", "ro")])
    )
    assert found == ["id", "/run/c", "/pool", "65536", "2", "/top", "/base", "/v", "/data", "ro"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("user", ""), ("user", "a b"), ("user", "a:b:c"), ("user", "-x"), ("user", "a\nb"), ("groups", ["a,b"]),
        ("groups", [""]), ("workdir", "srv"), ("workdir", "/a\0b"), ("capabilities", ["sys_admin"]),
        ("env", {"A": "b\0c"}), ("command", ["a\0b"]),
    ],
)  # fmt: skip
def test_what_names_nothing_is_refused(option, value):
    with pytest.raises(ValueError, match=option):
        Spec(image="hello", **{option: value})


def test_capabilities_are_a_set():
    assert Spec(image="hello", capabilities=["fowner", "chown", "fowner"]).capabilities == ("chown", "fowner")


def test_who_may_become_another_user_may_signal_it() -> None:
    """Init hands the stop signal on to a program that has become one."""
    assert Spec(image="hello", capabilities=["setuid"]).capabilities == ("kill", "setuid")
    assert Spec(image="hello", capabilities=["setgid"]).capabilities == ("setgid",)


def test_a_whole_debian_is_told_from_an_app_by_what_its_root_may():
    assert program.description(["/sbin/init"], [], profile="system").split(b"\0")[3] == b"system"
    assert program.description(["/x"], [], capabilities=["chown"]).split(b"\0")[3] == b"1"


def test_a_build_is_told_from_an_app_by_the_filter_that_it_wants():
    rights = program.description(["/x"], [], profile="build").split(b"\0")[3].decode()
    assert rights[0] == "+"
    assert int(rights[1:], 16).bit_count() == len(program.BUILD)


@pytest.mark.parametrize(
    "option", [{"user": "a"}, {"groups": ["a"]}, {"workdir": "/"}, {"capabilities": ["chown"]}]
)
def test_a_whole_debian_has_none_of_an_apps_options(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} do not go with profile system"):
        Spec(image="debian", profile="system", **option)
