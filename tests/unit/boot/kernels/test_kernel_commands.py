"""What the commands about kernels are given."""

import pytest

from skerry_base.boot import cli
from skerry_base.boot.kernels import tables


@pytest.mark.parametrize(
    ("option", "value", "least"),
    [
        ("--unlock", "-5", 10),
        ("--unlock", "0", 10),
        ("--prove", "9" * 400, 60),
        ("--prove", "x", 60),
        ("--watchdog", "1", 30),
        ("--watchdog", "601", 30),
    ],
)
def test_seconds_that_would_end_a_trial_at_once_are_refused(capsys, option, value, least):
    with pytest.raises(SystemExit):
        cli.main(["trial", f"{option}={value}"])
    assert f"argument {option}: {value!r}: {least} to " in capsys.readouterr().err


def test_a_copy_of_an_image_is_no_kernel(tmp_path):
    (tmp_path / "boot").mkdir()
    (tmp_path / "lib/modules/6.13").mkdir(parents=True)
    for name in ("vmlinuz-6.13", "vmlinuz-6.13.bak", "vmlinuz-6.14 evil"):
        (tmp_path / "boot" / name).touch()
    assert tables.installed_kernels(tmp_path) == ["6.13"]
