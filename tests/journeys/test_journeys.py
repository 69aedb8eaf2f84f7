"""What a newcomer does: a fresh clone, one command, a URL; then the container's end."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from skerry_kernel.score import Subject, score_machines
from skerry_lab import mitogen
from skerry_lab.demo import get
from skerry_lab.lab import Labs
from skerry_lab.state import Lab, LabStore
from tests.journeys import reboots
from tools.files import listed

ROOT = Path(__file__).parents[2]
URL = re.compile(r"^https://\S+", re.MULTILINE)
CURL = re.compile(r"curl --cacert (\S+) https://")
UNKNOWN = "0" * 24
# The last rows of the table: what the whole way took, and what site.yml was made of.
ALL = re.compile(r"^  all +([\d.]+) s$", re.MULTILINE)
STAGE = re.compile(r"^    (\w[\w ]*?) +([\d.]+) s$", re.MULTILINE)
MOST_S = {"try": 5 * 60, "lab": 25 * 60}
INSTALLING_S = 15
MOST_FAILED = 18
WALLS, TRIAL = 23, 6
OLD = "6.0.1-old"
OLD_KERNEL = f"""
umask 022
cd "$(mktemp -d)"
mkdir -p old/DEBIAN old/boot old/usr/lib/modules/{OLD}
echo old >old/boot/vmlinuz-{OLD}
cat >old/DEBIAN/control <<'END'
Package: linux-image-{OLD}
Version: 1
Architecture: amd64
Maintainer: the tests <root@localhost>
Description: a kernel that nobody needs
END
dpkg-deb --build --root-owner-group old
dpkg --install old.deb
"""
# As `sysctl -a`, which a small Debian does not have.
SYSCTL = """
from pathlib import Path
home = Path("/proc/sys")
for path in sorted(home.rglob("*")):
    try:
        first = path.read_text().partition("\\n")[0]
    except OSError:
        continue
    print(".".join(path.relative_to(home).parts), "=", first)
"""


@dataclass(frozen=True)
class Journey:
    """A fresh clone in which `make try` or `make lab` ran, and what it said."""

    clone: Path
    state: Path
    command: str
    output: str

    @property
    def url(self) -> str:
        return URL.findall(self.output)[-1]

    @property
    def ca(self) -> Path:
        return Path(CURL.findall(self.output)[-1])

    @property
    def lab(self) -> Lab:
        return LabStore(self.state / "skerry").get(self.command)

    def on_machine(self, *words: str, stdin: str = "") -> str:
        """Run a command on the lab's machine; what it printed."""
        return self.lab.login.run(words, stdin=stdin)

    def run(self, *words: str, **settings: str) -> str:
        """Run a command in the clone; what it printed."""
        return run_in(self.clone, self.state, *words, **settings)


def subject(journey: Journey) -> Subject:
    """What kernel-hardening-checker reads of the machine."""
    config, words = (
        journey.on_machine("cat /boot/config-$(uname -r)"),
        journey.on_machine("cat /proc/cmdline"),
    )
    return Subject(config, words, journey.on_machine("python3", "-", stdin=SYSCTL))


def run_in(clone: Path, state: Path, *words: str, **settings: str) -> str:
    # Labs of its own: whoever runs the tests may have a lab of the same name. The images are shared.
    outer = {"SKERRY_LAB", "ANSIBLE_CONFIG", "MAKEFLAGS", "MAKELEVEL"}
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    environment |= {"XDG_STATE_HOME": str(state), **settings}
    done = subprocess.run(words, cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone: the first command makes its Python, as a newcomer's does; the second finds it there.

    With the files as they are here, committed or not: the receipt of this suite is for these.
    """
    folder = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    for name in listed(ROOT):
        (folder / name).unlink(missing_ok=True)
        if (ROOT / name).is_symlink() or (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


# `lab` first: tests that are for it alone name it as their first, and find the same machine.
@pytest.fixture(scope="module", params=["lab", "try"])
def journey(
    request: pytest.FixtureRequest, clone: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Journey]:
    state = tmp_path_factory.mktemp("state")
    try:
        yield Journey(clone, state, request.param, run_in(clone, state, "make", request.param))
    finally:
        run_in(clone, state, "make", "lab-down", f"NAME={request.param}")


@pytest.fixture(scope="module")
def release(journey: Journey) -> str:
    """The kernel that the machine starts, as `make lab` left it."""
    return journey.on_machine("uname", "-r").strip()


@pytest.fixture(scope="module")
def as_site_left_it(journey: Journey) -> Subject:
    """Before a test locks the kernel's modules, or does anything else to the machine."""
    return subject(journey)


def fallback(journey: Journey) -> str:
    """Debian's kernel, which stays in the boot menu."""
    (image,) = journey.on_machine("ls /boot/vmlinuz-*+deb13*").split()
    return image.removeprefix("/boot/vmlinuz-")


def see_the_walls(journey: Journey) -> None:
    """tests/system passes on the machine that `make lab` made."""
    said = journey.run(".venv/bin/python", "-m", "pytest", "-q", "tests/system", SKERRY_LAB="lab")
    assert f"{WALLS} passed" in said


def web_socket(url: str, ca: Path) -> ClientConnection:
    """A web socket to the container; its name is one that only browsers and curl resolve."""
    parts = urlsplit(url)
    plain = socket.create_connection(("127.0.0.1", parts.port or 443), timeout=30)
    context = ssl.create_default_context(cafile=str(ca))
    return connect(
        f"wss://{parts.netloc}/ws", sock=plain, ssl=context, server_hostname=parts.hostname, proxy=None
    )


def test_the_whole_way_is_short_and_its_stages_are_shown(journey: Journey) -> None:
    assert float(ALL.findall(journey.output)[-1]) <= MOST_S[journey.command]
    stages = {name: float(seconds) for name, seconds in STAGE.findall(journey.output)}
    assert stages.keys() >= {
        "Configure the base system",
        "Configure the container host",
        "Configure the proxy",
    }
    # `make lab` begins with blank disks, `make try` with a Debian that is there.
    encrypted = journey.command == "lab"
    assert (stages.get("Install the servers", 0) > INSTALLING_S) == encrypted
    assert ("adopted: its disk is not encrypted" in journey.output) != encrypted


def test_a_second_site_changes_nothing(journey: Journey) -> None:
    said = journey.run(".venv/bin/ansible-playbook", "site.yml", **mitogen.environment())
    assert re.search(r"^\S+ .*\bchanged=0 .*\bunreachable=0 .*\bfailed=0 ", said, re.MULTILINE), said[-4000:]


ON_THE_LAB = pytest.mark.parametrize("journey", ["lab"], indirect=True)


@ON_THE_LAB
@pytest.mark.usefixtures("as_site_left_it")
def test_it_runs_on_the_hardened_kernel_started_by_uefi_from_the_encrypted_disk(
    journey: Journey, release: str
) -> None:
    assert re.fullmatch(r"6\.12\.\d+-skerry-lab-[0-9a-f]{8}", release)
    assert journey.on_machine("ls", "/sys/firmware/efi/runtime")
    root = "lsblk --inverse --noheadings --output TYPE $(findmnt --noheadings --nofsroot --output SOURCE /)"
    assert "crypt" in journey.on_machine(root).split()
    # Debian's is the fallback, and can be unlocked as well: both have an initramfs, which skerry-boot has checked.
    kernels = {
        name.removeprefix("/boot/initrd.img-") for name in journey.on_machine("ls /boot/initrd.img-*").split()
    }
    assert kernels == {release, fallback(journey)}


@ON_THE_LAB
def test_its_containers_are_fenced_and_cannot_lie_about_who_they_are(journey: Journey) -> None:
    see_the_walls(journey)
    # lxcfs mounts cgroups anew whenever it loads its library, which an upgrade of it has it do.
    kept = {"nosuid", "nodev", "noexec", "nsdelegate", "memory_recursiveprot", "favordynmods"}
    options = "findmnt --noheadings --output OPTIONS /sys/fs/cgroup"
    assert kept <= set(journey.on_machine(options).strip().split(","))
    journey.on_machine(
        "kill -USR1 $(systemctl show --value --property MainPID lxcfs.service)"
        " && cat /var/lib/lxcfs/proc/uptime"
        " && dpkg-trigger --by-package=lxcfs /usr/bin/lxcfs && dpkg --configure --pending"
    )
    assert kept <= set(journey.on_machine(options).strip().split(","))


def test_from_a_fresh_clone_to_a_url_and_to_its_end(journey: Journey) -> None:
    host = urlsplit(journey.url).hostname or ""
    identity = host.partition(".")[0].split("-")[1]
    never = journey.url.replace(host.partition(".")[0], f"{UNKNOWN}-{UNKNOWN}")

    status, page = get(journey.url, journey.ca)
    assert status == 200
    assert identity in page
    status, unknown = get(never, journey.ca)
    assert status == 404

    with web_socket(journey.url, journey.ca) as talk:
        talk.send("still here?")
        assert talk.recv(timeout=30)
        journey.run(
            ".venv/bin/ansible-playbook", "playbooks/container/delete.yml", "-e", "container_name=hello"
        )
        with pytest.raises(ConnectionClosed):
            talk.recv(timeout=30)

    assert get(journey.url, journey.ca) == (404, unknown)


@ON_THE_LAB
def test_another_kernel_is_tried_by_the_playbook_and_kept(journey: Journey, release: str) -> None:
    """From the hardened one to Debian's, with no hand on the machine, by a scenario; containers come back."""
    debian = fallback(journey)
    reboots.leave(journey)
    said = journey.run(
        ".venv/bin/molecule", "test", "--scenario-name", "kernel_trial",
        SKERRY_LAB="lab", PATH=f"{journey.clone}/.venv/bin:{os.environ['PATH']}", NO_COLOR="1", COLUMNS="160",
        MOLECULE_EPHEMERAL_DIRECTORY=str(journey.state / "molecule"), **mitogen.environment(),
    )  # fmt: skip
    assert f"starts kernel {debian} from now on" in " ".join(said.split())
    assert f"{TRIAL} passed" in said
    assert journey.on_machine("uname", "-r").strip() == debian != release
    reboots.came_back(journey)
    reboots.clear(journey)
    see_the_walls(journey)


@ON_THE_LAB
def test_a_kernel_that_is_not_needed_goes_with_its_package(journey: Journey) -> None:
    journey.on_machine("sh", "-eu", stdin=OLD_KERNEL)
    assert json.loads(journey.on_machine("skerry-boot", "prune", "--check", "--json")) == {"removed": [OLD]}
    assert json.loads(journey.on_machine("skerry-boot", "prune", "--json")) == {"removed": [OLD]}
    assert OLD not in journey.on_machine("ls /boot /usr/lib/modules")
    assert json.loads(journey.on_machine("skerry-boot", "prune", "--json")) == {"removed": []}


@ON_THE_LAB
def test_the_checker_fails_what_is_on_the_list_for_running_machines_and_nothing_else(
    journey: Journey, release: str, as_site_left_it: Subject, capsys: pytest.CaptureFixture[str]
) -> None:
    # Debian's own, as nobody has touched it: the rescue system that the machine was installed from.
    journey.run(".venv/bin/python", "-m", "skerry_lab", "rescue", "lab")
    score = score_machines(Labs.of_this_user().cache, release, as_site_left_it, subject(journey))
    with capsys.disabled():
        print(f"\n{score.table()}")
    assert score.problems() == []
    assert len(score.ours.failed) <= MOST_FAILED < len(score.stock.failed)
