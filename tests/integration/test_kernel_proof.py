"""What a kernel on trial has to show of containers, shown by the one that runs. Where lies pass, it does not pass."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "plugins/module_utils/skerry_base"
PLACE = "/run/kernel-proof"
PROVE = (
    f"python3 -c 'import sys; sys.path.insert(0, \"{PLACE}\"); from skerry_base.boot.cli import main; sys.exit(main())' "
    "prove --only-look --json"
)


@pytest.fixture(scope="module")
def prove(lab, host, hello):
    """Runs the proof; how each of its checks went, by name."""
    with tarfile.open(fileobj=(archive := io.BytesIO()), mode="w") as tar:
        tar.add(SOURCE, SOURCE.name, filter=lambda item: None if "__pycache__" in item.name else item)
    unpack = f"mkdir -p {PLACE} && tar -C {PLACE} -xf -"
    subprocess.run(
        [sys.executable, "-m", "skerry_lab", "ssh", lab, unpack], input=archive.getvalue(), check=True
    )

    def proved():
        done = host.run(PROVE)
        assert done.rc in {0, 1}, done.stderr
        answer = json.loads(done.stdout)
        assert answer["proven"] == (done.rc == 0)
        return {one["name"]: (one["passed"], one["text"]) for one in answer["shown"]}

    yield proved
    host.run(f"rm -r {PLACE}")


def test_a_platform_that_works_passes_and_nothing_is_left(prove, host):
    shown = prove()
    assert shown["network"][0], shown
    assert shown["container"] == (True, shown["container"][1])
    assert shown["container"][1].endswith(" answers 200")
    assert shown["spoofing"] == (True, "3 lies were dropped, the honest frame after them came through")
    assert host.run("skerry info kernel-trial").rc == 3


@pytest.fixture
def lies_pass(host):
    """The bridge's filter is open."""
    chain = "bridge skerry prerouting"
    host.check_output(f"nft insert rule {chain} accept comment opened")
    yield
    found = host.check_output(f"nft --handle list chain {chain}")
    (handle,) = [line.rpartition(" ")[2] for line in found.splitlines() if '"opened"' in line]
    host.check_output(f"nft delete rule {chain} handle {handle}")


@pytest.mark.usefixtures("lies_pass")
def test_a_platform_that_lets_lies_pass_does_not(prove):
    shown = prove()
    assert shown["container"][0]
    assert not shown["spoofing"][0]
    assert "heard the container lie: a foreign IPv4 address" in shown["spoofing"][1]


@pytest.fixture
def no_proxy(host):
    """HAProxy does not run."""
    host.check_output("systemctl stop skerry-proxy.service")
    yield
    host.check_output("systemctl start skerry-proxy.service")


@pytest.mark.usefixtures("no_proxy")
def test_a_platform_without_its_proxy_does_not(prove):
    shown = prove()
    assert not shown["container"][0]
    assert "`skerry create` failed: " in shown["container"][1]
    assert "proxy" in shown["container"][1]
