"""What is wrong with values of the inventory, before anything is changed."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from plugins.filter.setting_problems import setting_problems


def public(private) -> str:
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def blob(kind: str, *parts: bytes) -> str:
    whole = b"".join(len(part).to_bytes(4, "big") + part for part in (kind.encode(), *parts))
    return f"{kind} {base64.b64encode(whole).decode()}"


def setting_problem(value, kind) -> str:
    return "; ".join(setting_problems({"it": kind}, [value]))


GOOD = public(ed25519.Ed25519PrivateKey.generate())
RSA = public(rsa.generate_private_key(65537, 2048))
ECDSA = public(ec.generate_private_key(ec.SECP384R1()))
SECURITY_KEY = blob("sk-ssh-ed25519@openssh.com", bytes(range(32)), b"ssh:")
NO_POINT = blob("ecdsa-sha2-nistp256", b"nistp256", b"\4" + bytes(range(64)))
SHORT = blob("ssh-ed25519", bytes(range(31)))
PRIVATE = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{'secret' * 12}\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("public_keys", []),
        ("public_keys", [GOOD, f"{GOOD} you@home\n", f'from="192.0.2.1",no-pty {GOOD} two words']),
        ("public_keys", [RSA, ECDSA, SECURITY_KEY]),
        ("hostname", "isle"),
        ("hostname", "Isle-2"),
        ("timezone", "Etc/UTC"),
        ("timezone", "Europe/Berlin"),
        ("serial_console", ""),
        ("serial_console", "ttyS1"),
        ("words", ["systemd.default_device_timeout_sec=900", "quiet"]),
        ("texts", ["0.debian.pool.ntp.org"]),
        ("port", 2222),
        ("port", "65535"),
        ("writable", ""),
    ],
)
def test_good(kind, value):
    assert setting_problem(value, kind) == ""


@pytest.mark.parametrize(
    ("kind", "value", "wrong"),
    [
        ("public_keys", GOOD, "is no list of keys"),
        ("public_keys", None, "is no list of keys"),
        (
            "public_keys",
            ["~/.ssh/id_ed25519.pub"],
            "no. 1 (~/.ssh/id_ed25519.pub) is none: it is one line of a file",
        ),
        ("public_keys", [GOOD, GOOD[:-3]], "no. 2 (ssh-ed25519 AAAAC3NzaC1l…) is cut off or mistyped"),
        ("public_keys", [GOOD[:40]], "is none"),
        ("public_keys", [GOOD.replace("ssh-ed25519", "ssh-rsa")], "is cut off or mistyped"),
        ("public_keys", [NO_POINT], "is cut off or mistyped"),
        ("public_keys", [SHORT], "is cut off or mistyped"),
        ("public_keys", [RSA.replace("ssh-rsa", "ssh-ed25519")], "is cut off or mistyped"),
        ("public_keys", [f"{GOOD}\n{GOOD}"], "no. 1 has more than one line"),
        ("public_keys", [f"# {GOOD[:20]}"], "is none"),
        ("public_keys", ["ssh-dss " + "A" * 80], "is none"),
        ("public_keys", [""], "is none"),
        ("hostname", "", "must be one label"),
        ("hostname", "my_host", "must be one label"),
        ("hostname", "isle.example.org", "without dots"),
        ("hostname", "isle\n", "must be one label"),
        ("hostname", "a" * 64, "must be one label"),
        ("hostname", 203, "is only a number (203)"),
        ("timezone", "Europe/Berln", "is no time zone"),
        ("timezone", "../../etc/passwd", "is no time zone"),
        ("timezone", "", "is no time zone"),
        ("serial_console", "ttyS0 init=/bin/sh", "must be a serial line's name"),
        ("serial_console", True, "must be a serial line's name"),
        ("words", "quiet", "is no list"),
        ("words", ['dyndbg="file x"'], "has no blank, quote"),
        ("words", ["a$(reboot)"], "has no blank, quote"),
        ("words", [""], "has ''"),
        ("texts", "vim", "is no list"),
        ("texts", [1], "is no list of words"),
        ("port", 0, "from 1 to 65535"),
        ("port", 65536, "from 1 to 65535"),
        ("port", "abc", "from 1 to 65535"),
        ("writable", "/proc/nosuch/known_hosts", "nothing can be written"),
        ("writable", "/tmp", "that is no file"),
    ],
)
def test_what_is_wrong_is_said(kind, value, wrong):
    assert wrong in setting_problem(value, kind)


def test_a_private_key_is_refused_and_never_shown():
    said = setting_problem([GOOD, PRIVATE], "public_keys")
    assert "no. 2 is a PRIVATE key" in said
    assert "secret" not in said


def test_a_file_is_tried_and_stays_as_it_is(tmp_path):
    there = tmp_path / "known_hosts"
    there.write_text("a line\n")
    assert setting_problem(str(there), "writable") == ""
    assert setting_problem(str(tmp_path / "new/folder/known_hosts"), "writable") == ""
    assert there.read_text() == "a line\n"
    assert list(tmp_path.iterdir()) == [there]


def test_all_that_is_wrong_is_said_at_once_by_name():
    kinds = {"name": "hostname", "port": "port", "zone": "timezone"}
    said = setting_problems(kinds, ["isle", 0, "Nowhere"])
    assert [line.split()[0] for line in said] == ["port", "zone"]
