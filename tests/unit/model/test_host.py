"""The host's configuration: what is wrong in it is said, with the file."""

from pathlib import Path

import pytest

from skerry.model.errors import SkerryError
from skerry.model.host import load_host_config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("garbage[[", "is not valid TOML"),
        ("", "'domain' is missing"),
        ('domain = "x"\nbrige = "br0"', "unknown key 'brige'"),
        ('domain = "x"\nreserve_memory = -5', "-5 is not a size"),
        ('domain = "x"\nlog_disk = "much"', "is not a size"),
        ('domain = "x"\nipv4 = "nope"', "'nope' does not appear to be an IPv4 or IPv6 network"),
        ('domain = "x"\nipv6 = "fd00::1/64"', "fd00::1/64 has host bits set"),
        (
            'domain = "x"\npublish_ports = ["1024-99999"]',
            "'1024-99999' must be a port such as 5432, or a range",
        ),
        ('domain = "x"\nown_ports = ["ssh"]', "'ssh' must be a port"),
        ('domain = "x"\ntls_ports = ["0"]', "'0' must be a port"),
        ('domain = "x"\npublish_ports = 5432', "publish_ports is 5432; give a list"),
    ],
)
def test_a_bad_configuration_names_the_file_and_the_value(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "engine.toml"
    path.write_text(text)
    with pytest.raises(SkerryError) as caught:
        load_host_config(str(path))
    assert str(path) in caught.value.message
    assert said in caught.value.message
