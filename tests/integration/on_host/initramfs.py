"""Makes real initramfs images in a Debian tree, in ways that do happen, and says what skerry-boot finds in them.

    initramfs.py tree FOLDER            make the tree
    initramfs.py check FOLDER <CASE     one image; CASE is JSON: before, after (shell), machine; prints the defects

Each image is made in an overlay, so that the tree stays as it was.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PACKAGES = (
    "btrfs-progs,busybox,cryptsetup-initramfs,dropbear-initramfs,firmware-realtek,initramfs-tools,"
    "iproute2,kmod,linux-image-amd64,lz4,mdadm,openssh-client,python3,zstd"
)
# As base_system and remote_unlock set a machine up, but hardly compressed.
GOOD = """
printf 'UMASK=0077\\nRESUME=none\\nKEYMAP=n\\nMODULES=most\\nCOMPRESSLEVEL=1\\n' >/etc/initramfs-tools/conf.d/skerry
printf '%s\\n' btrfs raid1 dm_crypt xts nvme r8169 >>/etc/initramfs-tools/modules
echo 'root_crypt UUID=5d1ba9f1-1c0e-4c9f-9a11-6c1d1d1f4a01 none luks,initramfs' >/etc/crypttab
ssh-keygen -q -t ed25519 -N '' -f /root/operator
echo update_initramfs=no >/etc/initramfs-tools/update-initramfs.conf
install -m 0600 /root/operator.pub /etc/dropbear/initramfs/authorized_keys
mkdir -p /etc/ssh && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
"""
CHECK = """
import json, sys
from pathlib import Path
from skerry_base.boot.initramfs.checks import check
from skerry_base.boot.initramfs.image import read_image
from skerry_base.boot.initramfs.machine import Device, Machine
from skerry_base.boot.initramfs.needs import needs_of
facts, version = json.load(sys.stdin), sys.argv[1]
device = lambda name: Device(name, tuple(facts[name]["aliases"]), tuple(facts[name]["drivers"]))
machine = Machine(facts["luks"], facts["filesystem"], facts["mirrored"], (device("disk"),), device("card"), facts["mac"])
found = check(read_image(Path("/boot/initrd.img-" + version)), needs_of(machine, Path("/"), version))
print(json.dumps([[defect.name, defect.text + ". " + defect.hint] for defect in found]))
"""


def run(*argv: str, stdin: str = "") -> str:
    done = subprocess.run(argv, input=stdin, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(argv)[:200]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def make_tree(tree: Path) -> None:
    components = ["--components=main,non-free-firmware", "--variant=minbase"]
    lean = ['--aptopt=Apt::Install-Recommends "false"', "--dpkgopt=path-exclude=/usr/share/doc/*"]
    lean.append("--dpkgopt=force-unsafe-io")  # nothing of it has to outlive a power cut
    # In mounts of its own: it makes all that it sees private, and the engine would see no more what the host mounts.
    # INITRD: the image that the kernel's package makes would be thrown away.
    environment = ["unshare", "--mount", "env", "INITRD=No"]
    run(*environment, "mmdebstrap", *components, *lean, f"--include={PACKAGES}", "trixie", str(tree))
    run("chroot", str(tree), "sh", "-ec", GOOD)
    make_image(tree)


def version_in(root: Path) -> str:
    return next((root / "lib/modules").iterdir()).name


def make_image(root: Path) -> None:
    version = version_in(root)
    run("chroot", str(root), "mkinitramfs", "-o", f"/boot/initrd.img-{version}", version)


@contextmanager
def overlay(tree: Path) -> Iterator[Path]:
    """The tree, to be changed; what was changed is gone at the end."""
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        def mount(*words: str) -> None:
            run("mount", *words)
            stack.callback(run, "umount", "--recursive", words[-1])

        mount("-t", "tmpfs", "tmpfs", str(work))
        for name in ("upper", "work", "root"):
            (work / name).mkdir()
        root = work / "root"
        layers = f"lowerdir={tree},upperdir={work}/upper,workdir={work}/work"
        mount("-t", "overlay", "overlay", "-o", layers, str(root))
        mount("-t", "proc", "proc", str(root / "proc"))
        yield root


def defects(tree: Path, case: dict) -> str:
    with overlay(tree) as root:
        inside = ["chroot", str(root)]
        if case["before"]:
            # Only what the list names: a third of the time.
            run(
                *inside,
                "sh",
                "-ec",
                f"sed -i s/MODULES=most/MODULES=list/ /etc/initramfs-tools/conf.d/skerry; {case['before']}",
            )
            make_image(root)
        run(*inside, "sh", "-ec", case["after"])
        return run(*inside, "python3", "-c", CHECK, version_in(root), stdin=json.dumps(case["machine"]))


if __name__ == "__main__":
    if sys.argv[1] == "tree":
        make_tree(Path(sys.argv[2]))
    else:
        print(defects(Path(sys.argv[2]), json.load(sys.stdin)))
