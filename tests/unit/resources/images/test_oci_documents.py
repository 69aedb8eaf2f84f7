"""What an image says of itself: index, manifest, configuration; wherever it lies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skerry.model import oci
from skerry.model.ends import Health
from skerry.model.errors import SkerryError
from skerry.resources.images import oci_config, oci_file, oci_manifest
from tests.unit.resources.images import oci_images
from tests.unit.resources.images.oci_images import Made, layout, saved, tarred, written
from tests.unit.resources.images.tarballs import folder, member, packed

LAYERS = [packed(folder("usr"), member("usr/a", data=b"a")), packed(member("usr/b", data=b"b"))]
IMAGE = Made(LAYERS, {"Cmd": ["/usr/a"]})
OTHER = Made(LAYERS[:1], {"Cmd": ["/usr/b"]})


def one(image: Made = IMAGE, **changed: bytes | None) -> dict[str, bytes]:
    files = layout(oci_images.index(web=image), image) | {k: v for k, v in changed.items() if v is not None}
    return {name: data for name, data in files.items() if name not in changed or changed[name] is not None}


def seen(path: Path, tag: str = "") -> tuple[tuple[bytes, ...], bytes, str]:
    """The layers, the configuration, the manifest's digest."""
    with oci_file.opened(oci.Source("", str(path), tag)) as image:
        layers = []
        for blob in image.manifest.layers:
            file, size = image.open(blob)
            with file:
                layers.append(file.read())
            assert len(layers[-1]) == size
        return tuple(layers), image.config, image.manifest_digest


@pytest.fixture(params=["folder", "tarball"])
def put(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    def write(files: dict[str, bytes]) -> Path:
        if request.param == "folder":
            return written(files, tmp_path / "layout")
        (tmp_path / "image.tar").write_bytes(tarred(files))
        return tmp_path / "image.tar"

    return write


Put = Callable[[dict[str, bytes]], Path]


def test_a_layout_is_read(put: Put) -> None:
    expected = (tuple(IMAGE.blobs), IMAGE.configuration, oci_images.digest(IMAGE.manifest))
    assert seen(put(one())) == expected


def test_a_docker_save_is_read(put: Put) -> None:
    assert seen(put(saved(IMAGE))) == (tuple(LAYERS), IMAGE.configuration, "")
    assert seen(put(saved(IMAGE)), "web:1")[1] == IMAGE.configuration


def test_the_same_layer_twice_is_two_layers(put: Put) -> None:
    twice = Made([LAYERS[0], LAYERS[1], LAYERS[1]])
    assert len(seen(put(one(twice)))[0]) == 3


def test_of_several_images_the_one_of_the_tag_is_read(put: Put) -> None:
    place = put(layout(oci_images.index(a=IMAGE, b=OTHER), IMAGE, OTHER))
    assert seen(place, "b")[1] == OTHER.configuration
    with pytest.raises(SkerryError, match="several here") as caught:
        seen(place)
    assert "a, b" in caught.value.hint
    with pytest.raises(SkerryError, match="none with the tag 'c'"):
        seen(place, "c")


def test_a_docker_save_without_that_tag_is_refused(put: Put) -> None:
    with pytest.raises(SkerryError, match="no image 'other'"):
        seen(put(saved(IMAGE)), "other")


def test_of_several_platforms_linux_amd64_is_read(put: Put) -> None:
    arm = Made(LAYERS, platform=("linux", "arm64"))
    said = oci_images.platforms(arm, IMAGE)
    assert seen(put(layout(said, arm, IMAGE)))[1] == IMAGE.configuration


def test_an_index_without_this_platform_is_refused_by_name(put: Put) -> None:
    arm, windows = Made(LAYERS, platform=("linux", "arm64")), Made(LAYERS, platform=("windows", "amd64"))
    with pytest.raises(SkerryError, match="it is for linux/arm64, windows/amd64"):
        seen(put(layout(oci_images.platforms(arm, windows), arm, windows)))


WRONG: dict[str, tuple[dict[str, bytes], str]] = {
    "nothing": ({"x": b""}, "neither index.json nor manifest.json"),
    "no JSON": (one(**{"index.json": b"{"}), "index.json is not JSON"),
    "a list": (one(**{"index.json": b"[]"}), "index.json is not a JSON object"),
    "deep": (one(**{"index.json": b'{"a":' + b"[" * 100_000}), "index.json is not JSON"),
    "a lying manifest": (
        one(**{f"blobs/sha256/{oci_images.digest(IMAGE.manifest)}": b"{}"}), "its manifest has the digest sha256:44136f"
    ),
    "a lying configuration": (
        one(**{f"blobs/sha256/{oci_images.digest(IMAGE.configuration)}": b"{}"}), "its configuration has the digest"
    ),
    "no manifest": (one(**{f"blobs/sha256/{oci_images.digest(IMAGE.manifest)}": None}), "its manifest .* is missing"),
    "no layer": (one(Made([])), "it has no layer"),
    "too many layers": (one(Made([b""] * 600)), "it has 600 layers"),
    "a chart": (one(Made(LAYERS, config_type="application/vnd.cncf.helm.config.v1+json")), "no image of a root file"),
    "encrypted": (one(Made(LAYERS, layer_type="application/vnd.oci.image.layer.v1.tar+encrypted")), "is of the type"),
    "a digest of another kind": (
        one(**{"index.json": json.dumps({"manifests": [{"digest": "md5:1", "size": 1}]}).encode()}), "no digest and size"
    ),
    "a path as digest": (
        one(**{"index.json": json.dumps({"manifests": [{"digest": "sha256:../../x", "size": 1}]}).encode()}),
        "no digest and size",
    ),
    "a path as layer": (
        {"manifest.json": json.dumps([{"Config": "../../etc/shadow", "Layers": ["x"]}]).encode()},
        "configuration .* is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_refused_by_name(put: Put, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(SkerryError, match=said):
        seen(put(files))


def test_a_missing_layer_is_refused_by_name(put: Put) -> None:
    with pytest.raises(SkerryError, match=r"its layer blobs/sha256/.* is missing"):
        seen(put(one(**{f"blobs/sha256/{oci_images.digest(IMAGE.blobs[0])}": None})))


@pytest.mark.parametrize("path", ["/none", "/dev/null"])
def test_what_is_no_image_at_all_is_refused(path: str) -> None:
    with pytest.raises(SkerryError, match=path):
        seen(Path(path))


def test_a_manifest_of_schema_1_is_refused() -> None:
    with pytest.raises(SkerryError, match="Docker's schema 1"):
        oci_manifest.manifest({"schemaVersion": 1, "fsLayers": []})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"os": "linux", "architecture": "arm64"}, "it is for linux/arm64"),
        ({"os": "linux", "architecture": "amd64"}, "names 0 layers, its manifest 1"),
        (
            {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ["x"]}},
            "names a layer by no digest",
        ),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(config: dict[str, Any], said: str) -> None:
    with pytest.raises(SkerryError, match=said):
        oci_manifest.diff_ids(config, 1)


def test_chains_are_named_as_the_specification_has_it() -> None:
    first, second = "1" * 64, "2" * 64
    assert oci_manifest.chain([first]) == (first,)
    assert oci_manifest.chain([first, second])[1] == oci_images.digest(
        f"sha256:{first} sha256:{second}".encode()
    )


def test_files_of_an_image_have_names_of_their_own() -> None:
    chain = oci_manifest.chain(["1" * 64, "2" * 64, "3" * 64])
    found = {name for base in (1, 2, 3) for name in oci_manifest.lowers(chain, base)}
    assert len(found) == 5  # three bases, two rests
    assert not found & {*chain}
    assert len(oci_manifest.lowers(chain, 3)) == 1
    assert oci_manifest.lowers(chain, 2)[-1] == oci_manifest.lowers(chain[:2], 2)[0]


def settings(**config: Any) -> oci_config.Settings:
    return oci_config.read({"config": config})


def test_a_configuration_becomes_settings() -> None:
    found = settings(
        Entrypoint=["/start", "x y"],
        Cmd=["arg"],
        Env=["PATH=/bin", "A=b=c ", "EMPTY="],
        User="www-data:games",
        WorkingDir="/srv//w d/.",
        StopSignal="QUIT",
        ExposedPorts={"8080/tcp": {}, "80": {}},
        Volumes={"/data/": {}},
        Labels={"a": "b"},
    )
    assert found == oci_config.Settings(
        command=("/start", "x y", "arg"),
        env={"PATH": "/bin", "A": "b=c ", "EMPTY": ""},
        user="www-data:games",
        workdir="/srv/w d",
        stop_signal="SIGQUIT",
        ports=(80, 8080),
        volumes=("/data",),
        labels={"a": "b"},
    )


@pytest.mark.parametrize(
    "config", [{}, {"config": None}, {"config": []}, {"config": {"Cmd": None, "Env": [], "User": ""}}]
)
def test_an_image_that_says_nothing_has_no_settings(config: dict[str, Any]) -> None:
    assert oci_config.read(config) == oci_config.Settings()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"Env": ["SKERRY_ID=x"]}, "Env: 'SKERRY_ID' is not a name"),
        ({"Env": ["A\0=x"]}, "is not a name"),
        ({"Env": ["A=x\0y"]}, "the value of A"),
        ({"Env": {"A": "b"}}, "Env: it is no list of words"),
        ({"Cmd": [1]}, "Cmd: it is no list of words"),
        ({"Cmd": [""]}, "Entrypoint and Cmd: give the program"),
        ({"User": "a b"}, "User: give a name or a number"),
        ({"User": "-x"}, "User: give a name or a number"),
        ({"WorkingDir": "srv"}, "WorkingDir: 'srv' is not a path"),
        ({"WorkingDir": "/a/../b"}, "WorkingDir: '/a/../b' is not a path"),
        ({"StopSignal": "; reboot"}, "is no signal"),
        ({"StopSignal": "99"}, "StopSignal: 99 is not a valid Signals"),
        ({"StopSignal": "SIGSTOP"}, "ends no program"),
        ({"ExposedPorts": {"53/udp": {}}}, "53/udp"),
        ({"ExposedPorts": {"0/tcp": {}}}, "'0/tcp' is no port"),
        ({"ExposedPorts": {"99999": {}}}, "is no port"),
        ({"ExposedPorts": ["80"]}, "ExposedPorts: it is no object"),
        ({"Volumes": {"data": {}}}, "Volumes: 'data' is not a path"),
        ({"Labels": {"a": "b" * 5000}}, "Labels: a has more than 4096"),
        ({"Labels": {str(n): "" for n in range(65)}}, "Labels: it is no object with at most 64"),
        ({"Healthcheck": {"Test": ["CMD"]}}, "Healthcheck: Test: 'CMD' with 0 words"),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "a", "b"]}}, "Healthcheck: Test: 'CMD-SHELL' with 2 words"),
        ({"Healthcheck": {"Test": ["EVIL\x1b[2J", "b"]}}, "Healthcheck: Test: 'EVIL"),
        ({"Healthcheck": {"Test": ["CMD", 5]}}, "Healthcheck: it is no list of words"),
        ({"Healthcheck": {"Test": "x"}}, "Healthcheck: Test: '/bin/sh'"),
        ({"Healthcheck": ["CMD", "x"]}, "Healthcheck: it is no object"),
        ({"Healthcheck": {"Test": ["CMD", "a\0"]}}, "Healthcheck: entry 1 must be text without a zero byte"),
        ({"Healthcheck": {"Test": ["CMD", "a" * 20_000]}}, "Healthcheck: a command has at most 16 KiB"),
        (
            {"Healthcheck": {"Test": ["CMD", "x"], "Interval": "30s"}},
            "Healthcheck: Interval: '30s' is no number of nano",
        ),
        (
            {"Healthcheck": {"Test": ["CMD", "x"], "Timeout": -1}},
            "Healthcheck: Timeout: '-1' is no number of nano",
        ),
        (
            {"Healthcheck": {"Test": ["CMD", "x"], "Retries": True}},
            "Healthcheck: Retries: 'True' is no number",
        ),
        ({"OnBuild": ["RUN x"]}, "OnBuild: it has no meaning here"),
    ],
)
def test_what_has_no_place_here_is_named_and_left_out(config: dict[str, Any], said: str) -> None:
    found = settings(**config)
    assert any(said in text for text in found.ignored), found.ignored
    assert oci_config.Settings(ignored=found.ignored) == found


SECOND = 10**9
BASIC = {"interval": 30.0, "timeout": 30.0, "start_period": 30.0, "retries": 3, "restart": False}


@pytest.mark.parametrize(
    ("said", "health"),
    [
        ({"Test": ["CMD", "/check", "-v"]}, BASIC | {"command": ["/check", "-v"]}),
        ({"Test": ["CMD-SHELL", "curl -f /"]}, BASIC | {"command": ["/bin/sh", "-c", "curl -f /"]}),
        (
            {"Test": ["CMD", "x"], "Interval": 5 * SECOND, "Timeout": SECOND // 2,
             "StartPeriod": 60 * SECOND, "Retries": 1},
            {"command": ["x"], "interval": 5.0, "timeout": 0.5, "start_period": 60.0, "retries": 1, "restart": False},
        ),
        ({"Test": ["CMD", "x"], "Interval": 0, "Retries": 0}, BASIC | {"command": ["x"]}),
        ({"Test": ["CMD", "x"], "Interval": 2 * SECOND}, BASIC | {"command": ["x"], "interval": 2.0, "start_period": 2.0}),
        ({"Test": ["NONE"]}, {}),
        ({"Test": []}, {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_its_check_is_that_of_its_containers(said: dict[str, Any], health: dict[str, Any]) -> None:
    found = settings(Healthcheck=said)
    assert (found.health, found.ignored) == (health, ())
    assert Health.model_validate(found.health).checks == bool(health)


def test_its_shell_runs_its_check() -> None:
    found = settings(Healthcheck={"Test": ["CMD-SHELL", "true"]}, Shell=["/bin/bash", "-o", "pipefail", "-c"])
    assert found.health["command"] == ["/bin/bash", "-o", "pipefail", "-c", "true"]


def test_a_span_that_no_check_here_may_have_is_named() -> None:
    check = {
        "Test": ["CMD", "x"],
        "Interval": SECOND // 2,
        "Timeout": 300 * SECOND,
        "Retries": 1000,
        "StartInterval": 1,
    }
    found = settings(Healthcheck=check)
    assert (found.health["interval"], found.health["timeout"], found.health["retries"]) == (1.0, 60.0, 100)
    assert found.ignored == (
        "Healthcheck: Interval of 0.5 s; it is 1 s here",
        "Healthcheck: Timeout of 300 s; it is 60 s here",
        "Healthcheck: Retries 1000; it is 100 here",
        "Healthcheck: StartInterval; in the start period it is a second here",
    )


def test_labels_are_text_that_a_terminal_may_show() -> None:
    assert settings(Labels={"a": "\x1b[2J"}).labels == {"a": "\\x1b[2J"}


def test_a_blob_is_found_by_its_place_in_the_tarball_whatever_its_size(tmp_path: Path) -> None:
    big = Made([packed(*(member(f"f{n}", data=bytes([n]) * 100_000) for n in range(30)))], packed=False)
    (tmp_path / "x.tar").write_bytes(tarred(layout(oci_images.index(x=big), big)))
    assert seen(tmp_path / "x.tar")[0] == (big.layers[0],)


def test_no_link_in_an_image_s_folder_is_followed(tmp_path: Path) -> None:
    host, image = tmp_path / "host", tmp_path / "image"
    host.mkdir()
    (host / "shadow").write_text("x")
    (image / "real").mkdir(parents=True)
    (image / "real" / "file").write_text("x")
    (image / "way").symlink_to(host)
    store = oci_file._Folder(str(image))
    file, size = store.open("real/file")
    file.close()
    assert size == 1
    for name in ("way/shadow", "real/../way/shadow", "/etc/passwd", "../host/shadow", ""):
        with pytest.raises(KeyError):
            store.open(name)
