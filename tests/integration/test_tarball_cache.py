"""A tarball that is kept on the controller: one that was cut off is never unpacked on a server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
RECIPE = {"packages": ["ca-certificates"]}


def look(cache: Path) -> dict:
    """What skerry_image_tarball would do, in check mode."""
    options = json.dumps({"name": "base", "recipe": RECIPE, "cache": str(cache)})
    program = Path(sys.executable).parent / "ansible"
    command = [program, "localhost", "-i", "localhost,", "-c", "local", "--check", "-m"]
    done = subprocess.run(
        [*command, "skerry.host.skerry_image_tarball", "-a", options],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "ANSIBLE_PYTHON_INTERPRETER": sys.executable},
    )  # fmt: skip
    told: dict = yaml.safe_load(done.stdout.partition("=>")[2])
    return told


def test_one_that_was_cut_off_is_made_anew(tmp_path):
    missing = look(tmp_path)
    assert missing["changed"]
    tarball = Path(missing["path"])
    packed = subprocess.run(["zstd", "-q", "-c"], input=os.urandom(300_000), capture_output=True, check=True)
    tarball.write_bytes(packed.stdout)
    assert not look(tmp_path)["changed"]
    tarball.write_bytes(packed.stdout[:-1000])
    assert look(tmp_path)["changed"]
