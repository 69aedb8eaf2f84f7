"""A container's variables are its program's, and nobody else's: no program of the host obeys them or carries them."""

import base64
import json
import uuid

import pytest

from tests.integration.image_lab import ImageLab
from tests.integration.on_host import environment
from tests.unit.resources.images.tarballs import folder, member, with_root


@pytest.fixture(scope="module")
def image_with_variables(lab):
    """An image whose own environment is hostile: one static program that waits."""
    images, name = ImageLab(lab), f"t-{uuid.uuid4().hex[:8]}"
    pause = images.run("base64 -w0 /usr/bin/catatonit")
    data = with_root(folder("./bin"), member("./bin/pause", data=base64.b64decode(pause), mode=0o755))
    images.bring(name, data, command=["/bin/pause", "-P"], env=environment.hostile()).ok()
    yield name
    images.ask("image_delete", name=name).ok()


@pytest.fixture(scope="module")
def report(hello, on_host, image_with_variables):
    done = on_host("environment.py", hello, image_with_variables)
    assert done.rc == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_no_process_of_the_host_carries_them(report):
    assert report["looks"] > 20
    assert report["carriers"] == []


def test_no_loader_of_the_host_obeys_them(report):
    assert report["traces_outside"] == []
    assert report["traces_inside"] > 0, "the control: inside they are in force"
    assert report["image_runs"] == "running"


def test_each_arrives_unchanged(report):
    assert report["changed"] == {}
    assert report["delivered"] == len(environment.hostile() | environment.every_byte())


def test_a_zero_byte_is_refused_by_the_variables_name(host, hello):
    """No program can be given one; a command line can't hold it either, so the engine is asked."""
    ask = (
        "from skerry.client import EngineClient; "
        f"spec = {{'image': '{hello}', 'env': {{'KEY': 'a\\0b'}}}}; "
        "EngineClient().call('create', container={'name': 'zero'}, spec=spec)"
    )
    refused = host.run(f'python3 -c "{ask}"')
    assert refused.rc
    assert "the value of KEY must be text without a zero byte" in refused.stderr
    assert host.run("skerry info zero").rc == 3
