"""Where in a container a volume may be: what the host makes is covered by none, and each refusal names its rule."""

import pytest

from skerry.model.errors import SkerryError
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE

WRONG = [
    ("data", "is not a whole path. Begin with /"),
    ("", "is not a whole path"),
    ("/", "is not a plain path"),
    ("/srv/", "is not a plain path"),
    ("/srv//x", "is not a plain path"),
    ("/srv/../etc", "is not a plain path"),
    ("/./srv", "is not a plain path"),
    ("/srv/a\0b", "no folder can be called"),
    ("/" + "a" * 256, "no folder can be called"),
    ("/a" * 2048, "no folder can be called"),
    ("/proc", "would cover /proc, which the host makes"),
    ("/proc/sys/x", "would cover /proc"),
    ("/sys", "would cover /sys"),
    ("/dev/shm", "would cover /dev"),
    ("/etc", "would cover /etc/hosts"),
    ("/etc/hosts", "would cover /etc/hosts"),
    ("/etc/hostname", "would cover /etc/hostname"),
    ("/etc/resolv.conf", "would cover /etc/resolv.conf"),
    ("/run", "would cover /run/secrets"),
    ("/run/secrets/x", "would cover /run/secrets"),
]
RIGHT = [
    "/data",
    "/var/lib/postgresql",
    "/etc/nginx",
    "/etc/hosts.d",
    "/devices",
    "/run/postgresql",
    "/proc2",
    "/srv/ä b\n:x",
    "/" + "a" * 255,
]


def spec(*volumes: dict[str, object]) -> object:
    request = {
        "verb": "create",
        "container": {"name": "x"},
        "spec": {"image": "hello", "volumes": list(volumes)},
    }
    return TABLE.parse({"version": WIRE_VERSION, **request})


@pytest.mark.parametrize(("path", "said"), WRONG)
def test_a_wrong_path_is_refused_by_name(path: str, said: str) -> None:
    with pytest.raises(SkerryError, match=r"^volumes, entry 1, path: ") as refused:
        spec({"volume": "data", "path": path})
    assert said in str(refused.value)


@pytest.mark.parametrize("path", RIGHT)
def test_a_right_path_arrives_as_it_is(path: str) -> None:
    assert spec({"volume": "data", "path": path}).spec.volumes[0].path == path  # type: ignore[attr-defined]


def test_two_volumes_at_one_path_are_refused() -> None:
    with pytest.raises(SkerryError, match="volumes: the path '/data' is there twice"):
        spec({"volume": "a", "path": "/data"}, {"volume": "b", "path": "/data"})


@pytest.mark.parametrize(
    ("said", "read"), [("ro", True), ("rw", False), (True, True), ("true", True), (False, False)]
)
def test_read_only_is_said_as_people_say_it(said: object, read: bool) -> None:
    found = spec({"volume": "a", "path": "/data", "read_only": said})
    assert found.spec.volumes[0].read_only is read  # type: ignore[attr-defined]
