"""A real dropbear on loopback that stands for a machine's initramfs."""

import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@dataclass
class Dropbear:
    """Its folder holds host key, authorized_keys, the case that it plays and the passphrase that it received."""

    folder: Path
    port: int
    process: subprocess.Popen | None = None

    @classmethod
    def make(cls, folder, passphrase):
        """With a key of its own for the operator (`login`), and the host key as OpenSSH writes it (`known`)."""
        home = folder / "home/.ssh"
        home.mkdir(parents=True, mode=0o700)
        make_key(folder / "login")
        (home / "authorized_keys").write_text((folder / "login.pub").read_text())
        (folder / "passwd").write_text(f"root:*:0:0::{folder}/home:/bin/sh\n")
        said = subprocess.run(
            ["dropbearkey", "-t", "ed25519", "-f", folder / "host"],
            capture_output=True,
            text=True,
            check=True,
        )
        (folder / "right").write_text(passphrase)
        (folder / "case").write_text("")
        dropbear = cls(folder, free_port())
        key = next(line for line in said.stdout.splitlines() if line.startswith("ssh-ed25519"))
        dropbear.known.write_text(f"[127.0.0.1]:{dropbear.port} {key}\n")
        return dropbear

    @property
    def known(self):
        return self.folder / "known_hosts"

    @property
    def received(self):
        path = self.folder / "received"
        return path.read_text() if path.exists() else None

    def plays(self, case):
        (self.folder / "case").write_text(case)

    def start(self):
        # dropbear looks for authorized_keys in root's home: in a mount namespace of its own that is another folder.
        server = [
            "dropbear", "-F", "-E", "-s", "-j", "-k", "-r", self.folder / "host", "-P", self.folder / "pid",
            "-p", f"127.0.0.1:{self.port}", "-c", f"{HERE}/cryptroot-unlock {self.folder}",
        ]  # fmt: skip
        inside = 'mount --bind "$0" /etc/passwd && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", inside, self.folder / "passwd", *server]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None
