"""What is said of lines that did not take effect; the answers are Kconfig's own, recorded from Linux 6.12.118."""

import pytest

from skerry_kernel import kconfig
from skerry_kernel.fragment import Line

ANSWERS = """\
CFI_CLANG\tneeds\tn
PSTORE\tselected\tACPI_APEI && ACPI && HAVE_ACPI_APEI
INIT_STACK_NONE\tchoice\tINIT_STACK_ALL_ZERO
SUNRPC\tneeds\tNETWORK_FILESYSTEMS, which is n
SUNRPC\tfixed
USB_STORAGE\tneeds\tUSB_SUPPORT, which is n
USB_STORAGE\tneeds\tUSB, which is n
KVM_INTEL\tneeds\tKVM, which is m
"""
DOT_CONFIG = """\
# Linux/x86 6.12.118 Kernel Configuration
CONFIG_PSTORE=y
CONFIG_KVM_INTEL=m
# CONFIG_USB_SUPPORT is not set
CONFIG_LSM="lockdown,yama"
CONFIG_LOG_BUF_SHIFT=25
"""


def line(symbol: str, value: str) -> Line:
    return Line(symbol, value, "", "", "my.config:1")


def complaint(symbol: str, value: str, answers: str = ANSWERS, names: tuple[str, ...] = ()) -> str:
    got = kconfig.values(DOT_CONFIG)
    said = kconfig.complaint([line(symbol, value)], got, kconfig.reasons(answers), names)
    return said.removeprefix("    my.config:1: ")


def test_what_is_in_force_is_not_missed() -> None:
    wanted = [
        line("PSTORE", "y"),
        line("USB_SUPPORT", "n"),
        line("LSM", '"lockdown,yama"'),
        line("GONE", "n"),
    ]
    assert kconfig.missed(wanted, kconfig.values(DOT_CONFIG)) == []


@pytest.mark.parametrize(
    ("symbol", "value"),
    [("PSTORE", "n"), ("PSTORE", "m"), ("USB_STORAGE", "m"), ("LSM", '"yama"'), ("LOG_BUF_SHIFT", "99")],
)
def test_what_is_not_in_force_is_missed(symbol: str, value: str) -> None:
    wanted = line(symbol, value)
    assert kconfig.missed([wanted], kconfig.values(DOT_CONFIG)) == [wanted]


@pytest.mark.parametrize(
    ("asked", "is_now", "reason"),
    [
        ("USB_STORAGE=m", "n", "it depends on USB_SUPPORT, which is n; it depends on USB, which is n"),
        ("PSTORE=n", "y", "it is switched on by ACPI_APEI && ACPI && HAVE_ACPI_APEI"),
        ("INIT_STACK_NONE=y", "n", "of this choice CONFIG_INIT_STACK_ALL_ZERO is taken"),
        ("CFI_CLANG=y", "n", "it depends on a test of the compiler or the architecture, which says no"),
        (
            "SUNRPC=m",
            "n",
            "it depends on NETWORK_FILESYSTEMS, which is n; nobody is asked for it: other symbols decide",
        ),
        ("KVM_INTEL=y", "m", "it depends on KVM, which is m"),
        (
            "LOG_BUF_SHIFT=99",
            "25",
            "Kconfig does not take this value: y, m, n, a number in its range, or a text in quotes",
        ),
    ],
)
def test_the_reason_is_named(asked: str, is_now: str, reason: str) -> None:
    symbol, value = asked.split("=")
    assert complaint(symbol, value) == f"CONFIG_{asked} did not take effect: it is {is_now}; {reason}"


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("IO_URINGG", "CONFIG_IO_URINGG: this Linux has no such symbol; did you mean CONFIG_IO_URING?"),
        ("io_uring", "CONFIG_io_uring: this Linux has no such symbol; did you mean CONFIG_IO_URING?"),
        ("CONFIG_KSM", "CONFIG_CONFIG_KSM: this Linux has no such symbol; did you mean CONFIG_KSM?"),
        ("IO_DELAY_NONE", "CONFIG_IO_DELAY_NONE: not on this architecture"),
        ("FLUX_CAPACITOR", "CONFIG_FLUX_CAPACITOR: this Linux has no such symbol"),
    ],
)
def test_a_symbol_that_is_not_there_is_named_with_one_that_is(symbol: str, said: str) -> None:
    assert complaint(symbol, "n", f"{symbol}\tunknown\n", ("IO_URING", "IO_DELAY_NONE", "KSM")) == said
