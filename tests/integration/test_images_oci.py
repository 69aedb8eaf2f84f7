"""OCI images from a registry of Debian's, from one that lies, and from files: pulled, run, shared, killed, pruned."""

import dataclasses
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from skerry.resources.images import oci_manifest
from tests.integration.image_lab import INCOMING, ImageLab
from tests.integration.playbooks import play
from tests.integration.test_images_crash import KILL
from tests.unit.resources.images import oci_images
from tests.unit.resources.images.oci_images import Made
from tests.unit.resources.images.tarballs import ROOT, folder, member, packed

REGISTRY, STRANGE = "127.0.0.1:5000", "127.0.0.1:5001"
_PROGRAM = Path(__file__).parent / "on_host" / "strange_registry.py"
_CONFIGURATION = f"""
version: 0.1
storage: {{filesystem: {{rootdirectory: /run/test-registry/data}}}}
http: {{addr: "{REGISTRY}"}}
"""
_NGINX = b"""daemon off; user root; pid /run/nginx.pid; error_log stderr; events {}
http { access_log off; server { listen 8080; root /srv/web; } }
"""


@pytest.fixture(scope="module")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture(scope="module")
def registry(images: ImageLab) -> Iterator[str]:
    """Debian's registry on loopback, empty."""
    images.run(
        "dpkg -s docker-registry >/dev/null 2>&1 || { apt-get -qq update; apt-get -qq install docker-registry; }"
    )
    images.run("systemctl disable --now docker-registry; mkdir -p /run/test-registry")
    images.run("cat >/run/test-registry/config.yml", _CONFIGURATION.encode())
    images.run("systemd-run --unit=test-registry docker-registry serve /run/test-registry/config.yml")
    yield REGISTRY
    images.run("systemctl stop test-registry; rm -rf /run/test-registry")


@pytest.fixture
def name(images: ImageLab) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    yield name
    images.run(f"rm -f {INCOMING}/{name}*")
    for one in images.ask("image_list").ok()["images"]:
        if one["name"].startswith(name):
            images.ask("image_delete", name=one["name"]).ok()


def base() -> bytes:
    """A layer that no other test has."""
    return packed(
        *ROOT, member("etc/base", data=uuid.uuid4().hex.encode()), member("usr/big", data=os.urandom(8 << 20))
    )


def top(mark: str) -> bytes:
    return packed(
        member("etc/mark", data=mark.encode()),
        member("usr/bin/.wh.true"),
        member("usr/own", data=os.urandom(1 << 20)),
    )


def put(images: ImageLab, name: str, image: Made) -> str:
    """Bring an image to the host as a tarball; the source of it."""
    data = oci_images.tarred(oci_images.layout(oci_images.index(it=image), image))
    return f"oci-archive:{images.put(f'{name}.tar', data)['path']}"


def push(images: ImageLab, registry: str, name: str, image: Made) -> str:
    """Bring an image into the registry; the reference of it."""
    target = f"{registry}/test/{name}:1"
    images.run(
        f"skopeo --insecure-policy copy -q --dest-tls-verify=false {put(images, name, image)} docker://{target}"
    )
    return target


def pull(images: ImageLab, name: str, source: str, **fields: object) -> dict[str, object]:
    return images.ask("image_pull", name=name, source=source, tls_verify=False, **fields).ok()


def lowers(image: Made, below: int = 1) -> tuple[str, ...]:
    return oci_manifest.lowers(
        oci_manifest.chain([oci_images.digest(layer) for layer in image.layers]), below
    )


def test_four_beats_of_a_pull(images: ImageLab, registry: str, name: str) -> None:
    image = Made(
        [base(), top(name)], {"Cmd": ["/usr/own"], "Env": ["A=secret"], "ExposedPorts": {"53/udp": {}}}
    )
    source = push(images, registry, name, image)
    request = {"verb": "image_pull", "name": name, "source": source, "tls_verify": False}
    before = images.traces()
    planned = images.plan(**request)
    assert planned["changed"]
    assert images.traces() == before
    made = images.ask(**request).ok()
    assert made["plans"] == planned["plans"]
    assert (made["after"]["digest"], made["after"]["reference"]) == (
        oci_images.digest(image.configuration),
        source,
    )
    assert made["after"]["manifest"] == oci_images.digest(image.manifest)
    assert any("53/udp" in text for text in made["warnings"])
    assert "secret" not in json.dumps(made)
    for again in (images.ask(**request).ok(), images.plan(**request)):
        assert (again["changed"], again["plans"]) == (False, [])
    by_digest = f"{source.removesuffix(':1')}@sha256:{oci_images.digest(image.manifest)}"
    moved = images.ask(**{**request, "source": by_digest}).ok()
    assert moved["plans"][0]["steps"] == []  # its reference only


def test_when_the_tag_moves_the_image_is_a_newer_one(images: ImageLab, registry: str, name: str) -> None:
    below = base()
    pull(images, name, push(images, registry, name, Made([below, top("old")])))
    newer = Made([below, top("new")])
    assert pull(images, name, push(images, registry, name, newer))["changed"]
    assert images.image(name)["layers"] == list(lowers(newer))


def test_a_second_image_on_the_same_base_adds_only_its_own_layers(
    images: ImageLab, registry: str, name: str
) -> None:
    below = base()
    one, other = Made([below, top("one")]), Made([below, top("other")], {"Cmd": ["/x"]})
    pull(images, name, push(images, registry, name, one))
    before = images.traces()
    pull(images, f"{name}-b", push(images, registry, f"{name}-b", other))
    added = set(images.traces()["files"]) - set(before["files"])
    assert added == {f"/var/lib/skerry/pool/images/{lowers(other)[0]}.erofs"}
    assert int(images.run(f"stat --format %s {added.pop()}")) < 2 << 20
    assert lowers(one)[1] == lowers(other)[1]
    images.ask("image_delete", name=name).ok()
    assert images.run(f"cat {images.mounted(lowers(other)[1])}/etc/base")  # the other one has it still
    images.ask("image_delete", name=f"{name}-b").ok()
    assert lowers(one)[1] not in str(images.traces())


def test_the_same_image_from_a_layout_and_from_docker_save(images: ImageLab, name: str) -> None:
    image = Made([base(), top(name)])
    saved = images.put(f"{name}-saved.tar", oci_images.tarred(oci_images.saved(image)))["path"]
    assert pull(images, name, f"docker-archive:{saved}")["changed"]
    assert pull(images, name, put(images, name, image))["plans"][0]["steps"] == []  # type: ignore[index]
    images.run(f"mkdir {INCOMING}/{name} && tar -C {INCOMING}/{name} -xf {INCOMING}/{name}.tar")
    again = pull(images, name, f"oci:{INCOMING}/{name}:it")
    images.run(f"rm -r {INCOMING}/{name}")
    assert again["plans"][0]["steps"] == []  # type: ignore[index]


def test_three_hundred_layers_packed_by_zstd_are_one_image(images: ImageLab, name: str) -> None:
    layers = [
        base(),
        *(packed(member(f"etc/{number % 7}", data=str(number).encode())) for number in range(299)),
    ]
    pull(images, name, put(images, name, Made(layers)))
    image = Made(layers)
    shown = [images.run(f"cat {images.mounted(lowers(image)[0])}/etc/{number}") for number in range(7)]
    assert shown == ["294", "295", "296", "297", "298", "292", "293"]


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (Made([packed(*ROOT)], platform=("linux", "arm64")), "it is for linux/arm64"),
        (
            Made([packed(*ROOT), packed(member("../../root/PWNED", data=b"x"))]),
            "layer 2: member '../../root/PWNED'",
        ),
        (Made([packed(folder("."))]), "it is empty"),
        (
            Made([packed(*ROOT)], layer_type="application/vnd.oci.image.layer.v1.tar+encrypted"),
            "is of the type",
        ),
    ],
    ids=["arm64", "hostile", "empty", "encrypted"],
)
def test_what_cannot_be_an_image_is_refused_and_leaves_nothing(
    images: ImageLab, name: str, image: Made, said: str
) -> None:
    before = images.traces()
    refused = images.ask("image_pull", name=name, source=put(images, name, image)).error
    assert said in refused["message"]
    assert images.traces() == before


@pytest.mark.parametrize(
    "seen",
    ["work/scratch/image", "work/layers/0", "work/scratch/erofs", "{base}.erofs", "{rest}.erofs"],
    ids=["download", "unpack", "mkfs", "base", "mount"],
)
def test_killed_in_the_middle_a_pull_leaves_nothing(
    images: ImageLab, registry: str, name: str, seen: str
) -> None:
    before = images.traces()
    for attempt in range(5):  # on a busy machine the kill may come when all is done
        image = Made([base(), top(f"{name}{attempt}")])
        source = push(images, registry, name, image)
        rest, below = lowers(image)
        path = f"/var/lib/skerry/pool/images/{seen.format(base=below, rest=rest)}"
        request = {"verb": "image_pull", "name": name, "source": source, "tls_verify": False}
        said = images.python(KILL, json.dumps(request), path)
        if said != "it was done before":
            break
        images.ask("image_delete", name=name).ok()
    assert "the engine ended" in said
    assert images.traces() == before
    assert images.ask(**request).ok()["changed"]


@pytest.fixture(scope="module")
def strange(images: ImageLab) -> Iterator[Made]:
    """A registry that misbehaves as the name of the repository says; the one image that it has."""
    image = Made([packed(*ROOT, member("etc/x", data=os.urandom(5000)))])
    files = oci_images.layout(oci_images.index(it=image), image)
    images.run("mkdir -p /run/strange/layout && tar -C /run/strange/layout -x", oci_images.tarred(files))
    images.run("cat >/run/strange/registry.py", _PROGRAM.read_bytes())
    port = STRANGE.rpartition(":")[2]
    images.run(f"systemd-run --unit=test-strange python3 /run/strange/registry.py /run/strange/layout {port}")
    images.run("systemd-run --unit=test-away python3 -m http.server --bind 10.90.0.1 5998")
    yield image
    images.run("systemctl stop test-strange test-away; rm -r /run/strange")


@pytest.mark.usefixtures("strange")
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("liar", "cannot be had|has another digest"),
        ("twisted", "digest"),
        ("away", "cannot be had"),
        ("private", "cannot be had"),
    ],
)
def test_a_registry_that_misbehaves_is_named_and_leaves_nothing(
    images: ImageLab, name: str, how: str, said: str
) -> None:
    before = images.traces()
    request = {"name": name, "source": f"{STRANGE}/{how}/app:1", "tls_verify": False}
    refused = images.ask("image_pull", **request).error
    assert any(word in refused["message"] for word in said.split("|")), refused
    assert images.traces() == before
    if how == "away":
        assert "private address" in refused["hint"]
        assert "GET" not in images.run("journalctl --unit=test-away --output=cat --no-pager")


@pytest.mark.usefixtures("strange")
def test_credentials_reach_the_registry_and_nothing_else(images: ImageLab, name: str) -> None:
    word = "secret-of-the-test"
    request = {"name": name, "source": f"{STRANGE}/private/app:1", "tls_verify": False, "username": "who"}
    answer = images.ask("image_pull", **request, password=word)
    assert answer.ok()["changed"]
    assert word not in json.dumps(dataclasses.asdict(answer))
    encoded = "d2hvOnNlY3JldC1vZi10aGUtdGVzdA"
    places = (
        "/var/lib/skerry/state.db* /var/lib/skerry/pool/images /run/skerry /run/systemd /run/log /var/log"
    )
    for text in (word, encoded):
        images.run(f"sync; ! grep -rqsa {text} {places}")
    wrong = images.ask("image_pull", **request, password="another")
    assert "another" not in json.dumps(dataclasses.asdict(wrong))
    assert "username and password" in wrong.error["hint"]


# Makes, on the host, an image of a Debian layer and of one of ours.
_MAKE = f"""
import sys; sys.path.insert(0, "/run/oci")
from pathlib import Path
from oci_images import Made, index, layout, written
from tarballs import folder, member, packed
page = member("srv/web/index.html", data=b"from an image", mode=0o644)
nginx = member("etc/nginx/nginx.conf", data={_NGINX!r}, mode=0o644)
config = {{
    "Entrypoint": ["sh", "-c", 'id -u; pwd\\nexec "$@"', "-"], "Cmd": ["nginx"],
    "WorkingDir": "/srv/web", "StopSignal": "SIGQUIT",
    "Env": ["PATH=/usr/sbin:/usr/bin"], "ExposedPorts": {{"8080/tcp": {{}}, "8443/tcp": {{}}}},
}}
image = Made([Path("/run/oci/debian.tar").read_bytes(), packed(folder("srv/web"), page, nginx)], config)
written(layout(index(it=image), image), Path("/run/oci/layout"))
"""


@pytest.fixture(scope="module")
def nginx(images: ImageLab, registry: str) -> Iterator[str]:
    """An image of Debian's nginx in the registry."""
    helpers = Path(oci_images.__file__).parent
    images.run("mkdir -p /run/oci")
    for module in ("oci_images.py", "tarballs.py"):
        images.run(f"cat >/run/oci/{module}", (helpers / module).read_bytes())
    built = images.ask("image_build", name="t-debian", packages=["nginx-light"]).ok()["after"]
    images.run(f"tar -C {images.mounted(built['digest'])} -cf /run/oci/debian.tar .")
    images.ask("image_delete", name="t-debian").ok()
    images.run("python3 -", _MAKE.encode())
    source = f"{registry}/library/nginx:1"
    images.run(
        f"skopeo --insecure-policy copy -q --dest-tls-verify=false oci:/run/oci/layout docker://{source}"
    )
    yield source
    images.run("rm -r /run/oci")


@pytest.fixture
def others_kept(images: ImageLab, nginx: str) -> Iterator[None]:
    """What else is on the host has a container each: to prune leaves it."""
    every = [one["name"] for one in images.ask("image_list").ok()["images"] if not one["containers"]]
    keys = [{"name": f"kept-{number}"} for number, _name in enumerate(every)]
    for key, one in zip(keys, every, strict=True):
        images.ask("create", container=key, spec={"image": one, "command": ["/none"]}, start=False).ok()
    yield
    for key in keys:
        images.ask("delete", container=key).ok()


@pytest.mark.usefixtures("others_kept")
def test_a_container_runs_as_its_image_says(images: ImageLab, nginx: str, name: str) -> None:
    pull(images, name, nginx)
    key = {"name": name}
    try:
        made = images.ask("create", container=key, spec={"image": name}, wait="ready", timeout=60).ok()[
            "after"
        ]
        assert (made["port"], made["services"]) == (8080, [{"name": "p8443", "port": 8443}])
        address = images.ask("info", container=key).ok()["container"]["ipv4"]
        assert images.run(f"curl -s http://{address}:8080/") == "from an image"
        said = images.run(f"journalctl --namespace='*' --output=cat --no-pager --unit=skerry-{made['id']}")
        assert "0\n/srv/web\n" in said
        assert images.ask("image_prune").ok()["changed"] in {True, False}
        assert images.image(name)["containers"] == [
            f"default/default/{name}"
        ]  # pruning leaves what is in use
    finally:
        images.ask("delete", container=key)


@pytest.mark.usefixtures("others_kept")
def test_the_playbooks_import_and_prune(
    lab: str, images: ImageLab, nginx: str, name: str, tmp_path: Path
) -> None:
    options = ("-e", f"image={name}", "-e", f"source={nginx}", "-e", "registry_tls_verify=false")
    assert len(play(lab, "playbooks/image/import.yml", *options).ok().changed) == 1
    assert play(lab, "playbooks/image/import.yml", *options).ok().changed == []
    assert play(lab, "playbooks/image/import.yml", *options, "--check").ok().changed == []
    image = Made([base(), top(name)])
    (tmp_path / "x.tar").write_bytes(oci_images.tarred(oci_images.saved(image)))
    before = images.run(f"ls {INCOMING}")
    file = ("-e", f"image={name}-f", "-e", f"source=docker-archive:{tmp_path}/x.tar:web:1")
    play(lab, "playbooks/image/import.yml", *file).ok()
    assert images.image(f"{name}-f")["digest"] == oci_images.digest(image.configuration)
    assert images.run(f"ls {INCOMING}") == before
    planned = play(lab, "playbooks/image/prune.yml", "--check").ok().output
    assert f"image {name}-f gives" in planned
    assert images.image(f"{name}-f")["name"] == f"{name}-f"
    play(lab, "playbooks/image/prune.yml").ok()
    left = [one["name"] for one in images.ask("image_list").ok()["images"]]
    assert not [one for one in left if one.startswith(name)]
    assert play(lab, "playbooks/image/prune.yml").ok().changed == []


def test_images_leave_the_reserve_of_the_pool_to_containers(images: ImageLab, name: str) -> None:
    """What is free is reserved, and what the tests before are just giving back as well: no image more."""
    engine, saved = "/etc/skerry/engine.toml", "/run/engine.toml.saved"
    free = int(images.run("stat -f --format '%a*%S' /var/lib/skerry/pool | { read x; echo $((x)); }"))
    held = free + (1 << 28)
    images.run(
        f"cp -p {engine} {saved}; sed -i '/^reserve_disk/d' {engine}; echo 'reserve_disk = \"{held}\"' >>{engine}"
    )
    restart = "systemctl reset-failed skerry-engine; systemctl restart skerry-engine"
    try:
        images.run(restart)
        before = images.traces()
        refused = images.ask("image_pull", name=name, source=put(images, name, Made([base()]))).error
        assert "is for containers only" in refused["message"]
        assert images.traces() == before
    finally:
        images.run(f"mv {saved} {engine}; {restart}")
