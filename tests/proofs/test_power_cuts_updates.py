"""Power lost at ten random moments of an initramfs update: the machine boots and unlocks, with the old or the new image."""

from pathlib import Path

from tests.install.installing import install
from tests.install.rescue_lab import Machine, machine
from tests.proofs.cuts import CUTS, PATIENCE_S, chooser, switch, unlocks, wait

LOOK_S = 5.0  # each look takes the machine half a processor second
UPDATE = "rm -f /run/updated; setsid --fork sh -c 'update-initramfs -u; touch /run/updated' </dev/null >/run/update 2>&1"
IMAGE = "stat --format='%i %Y' /boot/initrd.img-*-amd64"


def test_ten_cuts_at_random_moments(tmp_path: Path) -> None:
    choose, cuts = chooser("update"), 0
    with machine("cuts-update", tmp_path, ["--firmware", "uefi", "--disks", "1"]) as bare:
        done = install(bare)
        assert done.code == 0, done.output[-4000:]
        unlocks(bare)
        begin = bare.lab.cpu_seconds()
        bare.lab.login.run(["update-initramfs", "-u"], timeout=PATIENCE_S)
        length = bare.lab.cpu_seconds() - begin
        print(f"installed in {done.cpu_seconds:.0f} processor seconds, its initramfs updated in {length:.0f}")
        while cuts < CUTS:
            before, moment = bare.run(IMAGE), choose.uniform(0, length)
            if not lose_power(bare, moment):
                length = min(length, moment)
                print(f"an update ended before {moment:.1f} s: once more, at an earlier moment", flush=True)
                continue
            cuts += 1
            unlocks(bare)
            state = "old" if bare.run(IMAGE) == before else "new"
            print(
                f"update {cuts}: power lost after {moment:.1f} s: boots and unlocks with the {state} image",
                flush=True,
            )


def lose_power(bare: Machine, moment: float) -> bool:
    """Begin an update and cut the power then; false, and no cut, where it has ended before."""
    begin = bare.lab.cpu_seconds()
    bare.run(UPDATE)
    if not wait(bare, begin, moment, lambda: "yes" in bare.run("test ! -e /run/updated || echo yes"), LOOK_S):
        return False
    switch(bare, "power", "disks")
    return True
