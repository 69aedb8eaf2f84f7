"""Keys that sign modules, as docs/how-to/build-a-kernel.md makes them."""

import subprocess
from pathlib import Path


def key_and_certificate(folder: Path) -> tuple[str, str]:
    """A private key and its certificate, as PEM; their files are left in the folder."""
    command = "openssl req -new -x509 -nodes -newkey rsa:4096 -days 36500 -subj /CN=modules -keyout key.pem -out crt.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return (folder / "key.pem").read_text(), (folder / "crt.pem").read_text()
