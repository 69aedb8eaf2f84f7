"""The LXC configuration: nothing of a container's program is in it."""

import pytest

from skerry.model.addresses import FIRST_UID, addresses
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.parts import lxc, older, program

HOST = HostConfig(domain="example.org")
OWN = addresses(HOST, 1)


def render(*env: str) -> list[str]:
    """The lines of an older container's, as LXC's reader splits them: at line feeds and at carriage returns."""
    text = older.render(HOST, "web", "/rootfs", OWN, env)
    return text.replace("\r", "\n").split("\n")


def test_root_keeps_what_enter_needs_and_what_is_granted():
    lines = lxc.render("web", "/run/c", OWN, ("chown", "setuid")).splitlines()
    assert "lxc.cap.keep = chown setgid setpcap setuid" in lines
    assert not any("environment" in line or "seccomp" in line for line in lines)


def test_both_namespaces_are_those_that_were_handed_over():
    lines = lxc.render("web", "/run/c", OWN, ()).splitlines()
    assert {line for line in lines if "namespace" in line} == {
        "lxc.namespace.share.user = /proc/self/fd/3",
        "lxc.namespace.share.net = /proc/self/fd/4",
    }
    assert not any(line.startswith("lxc.net.") for line in lines)


def test_an_older_variable_is_a_value_in_quotes():
    assert 'lxc.environment = "A= b \'c\' " # "' in render("A= b 'c' \" # ")


@pytest.mark.parametrize("end", ["\n", "\r", "\0"])
def test_what_ends_a_line_is_no_value_of_an_older_one(end):
    with pytest.raises(SkerryError, match="the value of A must be one line of text"):
        render(f"A=b{end}lxc.hook.start = /evil")


def test_the_role_reserves_the_ids_that_the_model_gives_out(pytestconfig):
    text = (pytestconfig.rootpath / "roles/lxc_host/vars/main.yml").read_text()
    assert f"_lxc_host_first_uid: {FIRST_UID} " in text


def test_a_whole_debian_has_cgroups_and_rights_and_is_not_started_again_by_lxc():
    lines = lxc.render("web", "/run/c", OWN, (), "system").splitlines()
    assert f"lxc.cap.keep = {' '.join(program.SYSTEM)}" in lines
    assert "lxc.no_new_privs = 0" in lines
    assert "lxc.mount.auto = proc:mixed sys:ro cgroup:mixed" in lines
    assert "lxc.hook.start-host = /usr/bin/mkdir /run/c/begun" in lines
    assert not any("dev/console" in line for line in lines)


def test_a_build_makes_namespaces_and_gains_no_rights():
    lines = lxc.render("build", "/run/c", OWN, (), "build").splitlines()
    assert f"lxc.cap.keep = {' '.join(program.BUILD)}" in lines
    assert "lxc.no_new_privs = 1" in lines
    assert "lxc.mount.auto = proc:mixed sys:ro cgroup:mixed" in lines
    assert any("own/log dev/console" in line for line in lines)
    assert not {"net_admin", "net_raw", "sys_boot", "sys_module", "sys_ptrace"} & {*program.BUILD}


def test_an_app_keeps_its_walls():
    lines = lxc.render("web", "/run/c", OWN, ()).splitlines()
    assert "lxc.no_new_privs = 1" in lines
    assert not any("cgroup:" in line or "hook" in line or "fuse" in line for line in lines)
