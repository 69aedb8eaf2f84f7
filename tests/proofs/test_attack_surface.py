"""What a container can reach of the kernel: Debian's own kernel and lxc, and ours, each on a machine that runs.

Ours is installed as `make lab` does it: encrypted, on the hardened `lab` kernel, site.yml with the roles' defaults, and a
container of Skerry's. Stock is the same Debian with its cloud kernel, as installed, and an unprivileged container as its
package lxc sets one up. Both containers have the same root file system; the same probe runs in both (surface/inside.py).
How each figure is counted, and why some are above a third: docs/explanation/hardening.md.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from skerry_base.hardening.read import refused_modules
from tests.install.conftest import play_on
from tests.install.installing import install
from tests.install.rescue_lab import ROOT, Machine, machine

PROBE = Path(__file__).parent / "surface"
LONG_S = 5400
HARDWARE = ["--firmware", "uefi", "--disks", "1"]
DEFAULTS = json.dumps({"hardening_lock_modules": False})  # the lab's own inventory has it on
MODULE = re.compile(r"([^/]+)\.ko(?:\.\w+)?$")
KERNEL_CODE = re.compile(r"^\s*([0-9a-f]+)-([0-9a-f]+) : Kernel code$", re.MULTILINE)
BOUND = 1 / 3
ARGUED = {
    "system calls": "what a Debian's programs are made of stays, three quarters of the 64-bit ones; all the 32-bit ones go",
    "kernel text, KiB": "what each host needs is built in where Debian has modules, and the checks of its own take room",
}


@dataclass(frozen=True)
class Surface:
    """What one machine offers."""

    release: str
    figures: Mapping[str, int]
    parts: Mapping[str, int]
    """What some of the figures are made of."""
    autoloaded: frozenset[str]
    asked: int


def test_each_figure_is_smaller_and_what_is_above_a_third_is_argued(
    stock: Surface, ours: Surface, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(table(stock, ours))
    # A probe that reaches nothing anywhere proves nothing.
    assert all(stock.figures.values())
    ratios = {name: ours.figures[name] / figure for name, figure in stock.figures.items()}
    assert {name for name, ratio in ratios.items() if ratio >= 1} == set()
    assert {name for name, ratio in ratios.items() if ratio > BOUND} == ARGUED.keys()


def table(stock: Surface, ours: Surface) -> str:
    """Both, beside each other."""
    lines = [f"\nstock: Linux {stock.release}; ours: Linux {ours.release}"]
    lines += [f"asked for: {stock.asked} names of modules in stock, {ours.asked} in ours"]
    lines += [f"{'':<36}{'stock':>9}{'ours':>9}{'ratio':>8}"]
    for name, figure in [*stock.figures.items(), *stock.parts.items()]:
        own = {**ours.figures, **ours.parts}[name]
        ratio = f"{own / figure:8.2f}" if figure else f"{'-':>8}"
        lines.append(f"{name:<36}{figure:>9}{own:>9}{ratio}  {ARGUED.get(name, '')}".rstrip())
    for what, one in (("stock", stock), ("ours", ours)):
        lines.append(f"autoloaded, {what}: {' '.join(sorted(one.autoloaded)) or 'none'}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def stock(root_file_system: Path, tmp_path_factory: pytest.TempPathFactory) -> Surface:
    options = ["--image", "plain"]
    with machine("surface-stock", tmp_path_factory.mktemp("stock"), options) as found:
        bring_probe(found)
        command = found.lab.login.command(["sh", "/run/surface/stock.sh"])
        with root_file_system.open("rb") as tarball:
            done = subprocess.run(command, stdin=tarball, capture_output=True, timeout=LONG_S, check=False)
        assert done.returncode == 0, done.stderr.decode()[-4000:]
        return measure(found, done.stdout.decode())


@pytest.fixture(scope="module")
def ours(stock: Surface, tmp_path_factory: pytest.TempPathFactory) -> Surface:
    """After the other one: each has the computer for itself."""
    build = [sys.executable, "-m", "skerry_kernel", "build", "lab"]
    kernel = subprocess.run(build, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    hardware = [*HARDWARE, "--kernel", kernel]
    with machine("surface-ours", tmp_path_factory.mktemp("ours"), hardware) as found:
        done = install(found, "--extra-vars", DEFAULTS)
        assert done.code == 0, done.output[-4000:]
        for words in (["site.yml", "--extra-vars", DEFAULTS], ["playbooks/image/hello.yml"]):
            answer = play_on(found, *words)
            assert answer.returncode == 0, answer.stdout[-4000:]
        bring_probe(found)
        surface = measure(found, found.lab.login.run(["python3", "/run/surface/ours.py"], timeout=LONG_S))
        # It could load modules all the while, and had our kernel.
        assert found.run("cat /proc/sys/kernel/modules_disabled") == "0\n"
        assert "-skerry-lab-" in surface.release
        return surface


@pytest.fixture(scope="module")
def root_file_system() -> Path:
    """The tarball of the image that both containers are made of."""
    command = ["ansible-playbook", "playbooks/image/build.yml", "-e", "image=hello"]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Path(re.findall(r"(/\S+\.tar\.zst) sha256:", said)[-1])


def bring_probe(found: Machine) -> None:
    """To /run/surface, ready for a container."""
    files = [path.name for path in PROBE.iterdir() if path.is_file()]
    pack = subprocess.run(["tar", "-C", PROBE, "-cf", "-", *files], check=True, capture_output=True).stdout
    unpack = "mkdir -p /run/surface && tar -C /run/surface -xf - && sh /run/surface/pack.sh"
    subprocess.run(found.lab.login.command([unpack]), input=pack, check=True, timeout=600)


def measure(found: Machine, said: str) -> Surface:
    """What the probe said, and what the host has to add."""
    inside = json.loads(said)
    loaded = {
        name: found.run(f"cut -d ' ' -f 1 {name}").split()
        for name in ("/run/surface/modules.before", "/proc/modules")
    }
    before, after = map(frozenset, loaded.values())
    begin, end = (int(one, 16) for one in KERNEL_CODE.findall(found.run("cat /proc/iomem"))[0])
    release = found.run("uname -r").strip()
    modules = loadable(
        found.run(f"cat /lib/modules/{release}/modules.dep"), found.run("modprobe --showconfig")
    )
    calls, entries = inside["calls"], inside["entries"]
    figures = {
        "modules that can be loaded": len(modules),
        "autoloaded from a container": len(after - before),
        "system calls": sum(map(len, calls.values())),
        "writable entries of /proc and /sys": len(entries),
        "kernel text, KiB": int(found.run("python3 /run/surface/text.py")) // 1024,
    }
    parts = {f"  calls, {name}": len(numbers) for name, numbers in calls.items()}
    parts |= {
        f"  entries, {top}": sum(one.startswith(f"{top}/") for one in entries) for top in ("/proc", "/sys")
    }
    parts["  with padding (/proc/iomem), KiB"] = (end + 1 - begin) // 1024
    return Surface(release, figures, parts, after - before, inside["asked"])


def loadable(dependencies: str, config: str) -> set[str]:
    """The modules that modprobe loads for whoever asks by name: neither they nor what they need is refused.

    `blacklist` alone does not count: it hides a module's aliases, not its name.
    """
    needs = {}
    for line in dependencies.splitlines():
        module, _, others = line.partition(":")
        needs[plain(module)] = {plain(one) for one in others.split()}
    refused = {name.replace("-", "_") for name in refused_modules(config)}
    return {module for module, others in needs.items() if not refused & {module, *others}}


def plain(path: str) -> str:
    """A module's name, from its file's."""
    found = MODULE.search(path)
    assert found, path
    return found[1].replace("-", "_")
