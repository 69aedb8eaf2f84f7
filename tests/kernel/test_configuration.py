"""The configuration, by the kernel's own Kconfig in the clean root: what is refused, and what the checker says."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.keys import key_and_certificate

WRONG = {
    "CONFIG_IO_URINGG=n": "CONFIG_IO_URINGG: this Linux has no such symbol; did you mean CONFIG_IO_URING?",
}
SWITCHED_OFF = {
    "CONFIG_USB_STORAGE=m": "it is n; it depends on USB_SUPPORT, which is n; it depends on USB, which is n",
    "CONFIG_PSTORE=n": "it is y; it is switched on by ACPI_APEI && ACPI && HAVE_ACPI_APEI",
    "CONFIG_CFI_CLANG=y": "it is n; it depends on a test of the compiler or the architecture, which says no",
}


def kernel(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "skerry_kernel", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)


def refused(folder: Path, rows: list[str]) -> list[str]:
    path = folder / "my.config"
    path.write_text("\n".join(rows) + "\n")
    answer = kernel("config", "lab", "--fragment", str(path))
    assert answer.returncode == 1, answer.stdout
    assert answer.stdout == ""
    first, *said = answer.stderr.partition("skerry_kernel: ")[2].splitlines()
    assert first == "the configuration was refused:"
    return sorted(line.strip() for line in said)


def test_a_symbol_that_linux_does_not_have_is_refused_even_where_it_would_be_off(tmp_path: Path) -> None:
    assert refused(tmp_path, list(WRONG)) == [f"my.config:1: {said}" for said in WRONG.values()]


def test_each_line_that_did_not_take_effect_is_named_with_what_keeps_it(tmp_path: Path) -> None:
    wanted = [
        f"my.config:{number}: {row} did not take effect: {said}"
        for number, (row, said) in enumerate(SWITCHED_OFF.items(), 1)
    ]
    assert refused(tmp_path, list(SWITCHED_OFF)) == wanted


@pytest.mark.parametrize("flavour", ["metal", "lab"])
def test_the_checker_fails_what_is_on_the_list_of_deviations_and_nothing_else(flavour: str) -> None:
    answer = kernel("score", flavour)
    print(answer.stdout)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (stock,) = (line.split() for line in answer.stdout.splitlines() if line.startswith("Debian amd64"))
    (ours,) = (line.split() for line in answer.stdout.splitlines() if line.startswith("ours"))
    assert int(ours[-1]) <= 12 < int(stock[-1])


def test_a_certificate_of_another_key_is_refused(tmp_path: Path) -> None:
    key, certificate = key_and_certificate(tmp_path)
    other = key_and_certificate(tmp_path)[1]
    pair = tmp_path / "pair.pem"
    for second, refusal in ((other, "pair.pem: the certificate in it is of another key"), (certificate, "")):
        pair.write_text(key + second)
        answer = kernel("plan", "metal", "--key", str(pair))
        assert answer.returncode == bool(refusal), answer.stderr
        assert refusal in answer.stderr
    pair.write_text("-----BEGIN PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n")
    assert (
        "pair.pem: openssl can't read its private key" in kernel("plan", "metal", "--key", str(pair)).stderr
    )


@pytest.mark.parametrize("name", ["linux-source-*", "linux-image-amd64", "", "-o", "linux-source-6.12; true"])
def test_what_is_no_source_of_linux_never_reaches_apt(name: str) -> None:
    answer = kernel("plan", "lab", f"--source={name}")
    assert answer.returncode == 1
    assert f"{name!r} is no package with a source: it is as linux-source-6.12" in answer.stderr


def test_a_source_that_debian_does_not_have_is_refused_with_those_it_has() -> None:
    answer = kernel("plan", "lab", "--source", "linux-source-9.9")
    assert answer.returncode == 1
    assert "Debian has no package linux-source-9.9; alike are: linux-source-6.12" in answer.stderr
