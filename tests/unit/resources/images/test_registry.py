"""How skopeo is asked: no credential in an argument, no name that could be an option; and what its failures mean."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from skerry.host import sandbox
from skerry.model import oci
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.resources.images import oci_manifest, registry
from skerry.resources.images.registry import Login
from tests.unit.resources.images import oci_images
from tests.unit.resources.images.oci_images import Made
from tests.unit.resources.images.tarballs import ROOT, packed

IMAGE = Made([packed(*ROOT)])
ARM = Made([packed(*ROOT)], platform=("linux", "arm64"))
WHO = Login("who", "hunter2")


@pytest.fixture
def host(tmp_path: Path) -> HostConfig:
    return HostConfig(domain="example.org", pool=str(tmp_path), run=str(tmp_path))


class Skopeo:
    """Answers from an index, a manifest and a configuration; keeps what it was asked, and its credentials."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers, self.jobs, self.credentials = answers, [], []

    def run(self, job: sandbox.Job, _watch: Callable[[], None]) -> None:
        self.jobs.append(job)
        if job.credential:
            self.credentials.append(json.loads(Path(job.credential).read_text()))
            assert os.stat(job.credential).st_mode & 0o777 == 0o600
        what = "config" if "--config" in job.argv else job.argv[-1].rpartition("/")[2]
        Path(job.stdout).write_bytes(self.answers[what])


def asked(monkeypatch: pytest.MonkeyPatch, **answers: bytes) -> Skopeo:
    skopeo = Skopeo({name.replace("_", ":"): data for name, data in answers.items()})
    monkeypatch.setattr(sandbox, "run", skopeo.run)
    return skopeo


def test_of_an_index_the_manifest_of_this_platform_is_asked_by_its_digest(
    host: HostConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    by_digest = f"app@sha256:{oci_images.digest(IMAGE.manifest)}"
    skopeo = asked(monkeypatch, app_1=oci_images.platforms(ARM, IMAGE), config=IMAGE.configuration)
    skopeo.answers[by_digest] = IMAGE.manifest
    found = registry.look(host, oci.parse("r.example.org/app:1"), WHO)
    assert (found.manifest_digest, found.config) == (oci_images.digest(IMAGE.manifest), IMAGE.configuration)
    assert [job.argv[-1] for job in skopeo.jobs] == [
        "docker://r.example.org/app:1", f"docker://r.example.org/{by_digest}", f"docker://r.example.org/{by_digest}"
    ]  # fmt: skip
    word = base64.b64encode(b"who:hunter2").decode()
    assert skopeo.credentials == [{"auths": {"r.example.org": {"auth": word}}}] * 3
    for job in skopeo.jobs:
        assert not {"hunter2", word, "who"} & set(" ".join([*job.argv, *job.env]).replace("=", " ").split())
        assert (job.privileged, job.network) == (False, sandbox.reach.Network("r.example.org"))
        assert all(word.startswith(("-", "docker://")) for word in job.argv[2:] if word != "inspect")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
    assert list((tmp_path / "images").iterdir()) == []


@pytest.mark.parametrize("lie", ["manifest", "configuration"])
def test_a_registry_that_lies_is_refused(
    host: HostConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lie: str
) -> None:
    name = f"app@sha256:{oci_images.digest(IMAGE.manifest)}"
    skopeo = asked(monkeypatch, config=IMAGE.configuration + (b" " if lie == "configuration" else b""))
    skopeo.answers[name] = IMAGE.manifest + (b" " if lie == "manifest" else b"")
    with pytest.raises(SkerryError, match=f"its {lie} has the digest"):
        registry.look(host, oci.parse(f"r.example.org/{name}"), WHO)
    assert list((tmp_path / "images").iterdir()) == []


def test_an_index_of_indexes_ends(host: HostConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = json.dumps({"manifests": [{"digest": f"sha256:{'a' * 64}", "size": 1}]}).encode()
    monkeypatch.setattr(oci_manifest, "check_digest", lambda _what, data, _digest: data)
    skopeo = asked(monkeypatch, app_1=loop)
    skopeo.answers[f"app@sha256:{'a' * 64}"] = loop
    with pytest.raises(SkerryError, match="deeper than"):
        registry.look(host, oci.parse("r.example.org/app:1"), Login())


def test_without_credentials_skopeo_takes_none_from_elsewhere(
    host: HostConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    skopeo = asked(monkeypatch, app_1=IMAGE.manifest, config=IMAGE.configuration)
    registry.look(host, oci.parse("r.example.org/app:1"), Login(tls_verify=False))
    for job in skopeo.jobs:
        assert {"--no-creds", "--tls-verify=false"} <= set(job.argv)
        assert job.credential == ""


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("http: server gave HTTP response to HTTPS client", "tls_verify: false"),
        ("dial tcp 10.0.0.1:443: i/o timeout", "private address"),
        ("unauthorized: authentication required", "username and password"),
        ("manifest unknown", "Check the name and the tag"),
        ("x509: certificate signed by unknown authority", "update-ca-certificates"),
        ("something else", "Its journal says more"),
    ],
)
def test_a_failure_of_skopeo_is_told_with_a_hint(said: str, hint: str) -> None:
    journal = f'time="x" level=fatal msg="Error \\"it\\": {said}"'
    found = registry.failed(
        oci.parse("r.example.org/a:1"),
        "the image",
        sandbox.JobError(sandbox.Job(["x"]), "exit-code", journal),
    )
    assert found.message == f'the image of r.example.org/a:1 cannot be had: Error "it": {said}'
    assert hint in found.hint


def test_a_download_that_stands_still_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(registry.time, "monotonic", lambda: now[0])
    patience = registry._Patience(oci.parse("r.example.org/a:1"))
    for seconds, done in ((100, 1), (250, 2), (420, 3)):
        now[0] = seconds
        assert patience.look(done) == done
    now[0] = 601
    with pytest.raises(SkerryError, match="nothing more has come for 180 s, after 3 bytes"):
        patience.look(3)
