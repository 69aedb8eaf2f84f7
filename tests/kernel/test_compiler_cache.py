"""The compiler's cache, in the clean root: what it must never answer."""

import subprocess
from pathlib import Path

import pytest

from skerry_kernel.build import own_archive
from skerry_kernel.toolchain import Places, Toolchain, toolchain, toolchain_key
from skerry_lab.lab import Labs

CACHED = Path(__file__).parents[2] / "src/skerry_kernel/cached_gcc.sh"
# As the kernel's own build compiles certs/system_certificates.S and another file, twice, each time with another key.
TWICE = """
set -eu
cd /build
echo '.incbin "key"' >key.S
echo 'int one;' >one.c
for key in first second; do
    printf $key >key
    for file in key.S one.c; do
        rm -f ${file%.*}.o
        $1 -Wp,-MMD,${file%.*}.d -c -o ${file%.*}.o $file
    done
    grep -c $key key.o
done
ccache --print-stats | grep '^direct_cache_hit'
"""


@pytest.fixture(scope="module")
def tools() -> Toolchain:
    cache = Labs.of_this_user().cache
    with own_archive(cache) as archive:
        archive.update()
        key = toolchain_key(archive)
    return toolchain(cache, key)


def test_what_assembler_takes_in_whole_is_never_an_older_one(tools: Toolchain, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("source", "build", "ccache", "private")]
    for folder in folders:
        folder.mkdir()
    (folders[1] / CACHED.name).write_bytes(CACHED.read_bytes())
    (folders[1] / CACHED.name).chmod(0o755)
    command = tools.command(Places(*folders), ["sh", "-c", TWICE, "sh", f"/build/{CACHED.name}"])
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    # What is C is compiled once.
    assert done.stdout.split() == ["1", "1", "direct_cache_hit", "1"]
