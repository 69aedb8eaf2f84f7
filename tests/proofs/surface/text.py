"""How many bytes of code the running kernel has, from its file in /boot. On the host, as root; Python's standard library.

/proc/iomem tells the range that code lies in, and parts of it begin at whole 2 MiB: megabytes of it are int3, and nothing
else. They are left out here: every run of them that is as long as a page.
"""

import os
import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = {b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\0": "xz"}
EXECUTABLE = 4
PADDING = re.compile(rb"\xcc{4096,}")


def unpacked(image: bytes) -> Iterator[bytes]:
    """What may be the kernel within a boot image; something follows it, which the programs complain about."""
    for magic, program in PROGRAMS.items():
        for found in re.finditer(re.escape(magic), image):
            command = [program, "--decompress", "--stdout", "--quiet"]
            yield subprocess.run(
                command, input=image[found.start() :], capture_output=True, check=False
            ).stdout


def text(kernel: bytes) -> bytes:
    """The section .text of an ELF file, the first one there is."""
    table, size = struct.unpack_from("<Q10xH", kernel, 40)
    flags, offset, length = struct.unpack_from("<Q8xQQ", kernel, table + size + 8)
    assert flags & EXECUTABLE
    return kernel[offset : offset + length]


def main() -> None:
    image = Path(f"/boot/vmlinuz-{os.uname().release}").read_bytes()
    code = text(next(one for one in unpacked(image) if one.startswith(b"\x7fELF")))
    print(len(code) - sum(len(run) for run in PADDING.findall(code)))


if __name__ == "__main__":
    main()
