"""What makes one lab differ from another of the same image: keys, name, machine id."""

import base64
import io
import tarfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from skerry_lab.ssh import make_key
from skerry_lab.state import Lab


@dataclass(frozen=True)
class File:
    """A file of the machine's, to be written as root's."""

    path: str
    mode: int
    text: str


def make_identity(lab: Lab) -> list[File]:
    """New keys for a lab, its host key pinned here, and the files that carry them there."""
    make_key(lab.key, f"root@{lab.alias}")
    make_key(lab.host_key, lab.alias)
    lab.login.pin(lab.host_key.with_suffix(".pub"))
    return [
        File("etc/machine-id", 0o444, f"{uuid.uuid4().hex}\n"),
        File("etc/hostname", 0o644, f"{lab.name}\n"),
        File("etc/ssh/ssh_host_ed25519_key", 0o600, _read(lab.host_key)),
        File("etc/ssh/ssh_host_ed25519_key.pub", 0o644, _read(lab.host_key.with_suffix(".pub"))),
        File("root/.ssh/authorized_keys", 0o600, _read(lab.key.with_suffix(".pub"))),
    ]


def write_below(root: Path, files: list[File]) -> None:
    """Write the files into a new, empty folder that will be laid over a machine's root."""
    root.mkdir()
    root.chmod(0o755)
    for folder, mode in (("etc", 0o755), ("etc/ssh", 0o755), ("root", 0o700), ("root/.ssh", 0o700)):
        (root / folder).mkdir()
        (root / folder).chmod(mode)
    for file in files:
        place = root / file.path
        place.touch(mode=0o600)
        place.write_text(file.text, encoding="ascii")
        place.chmod(file.mode)


def archive(files: list[File]) -> str:
    """The files as a tar archive in base64, to be unpacked over ssh."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for file in files:
            member = tarfile.TarInfo(file.path)
            content = file.text.encode("ascii")
            member.mode, member.size, member.mtime = file.mode, len(content), int(time.time())
            tar.addfile(member, io.BytesIO(content))
    return base64.b64encode(out.getvalue()).decode("ascii")


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii")
