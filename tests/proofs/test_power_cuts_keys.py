"""Ten power cuts at random moments of a change of passphrase: each time the old one or the new one opens the disk."""

import random
from pathlib import Path

from tests.install.conftest import play_on
from tests.install.in_rescue import Rescued, lab
from tests.install.installing import install
from tests.install.rescue_lab import machine
from tests.install.rotating import random_cuts

TIMES, NEW = 10, "the passphrase of tomorrow"
SAVED = "installed"


def test_ten_cuts_at_random_moments(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"\nseed {seed}\n\nseconds after the new key began to be stored; keys left; which passphrase opens")
    with machine("proof-keys", tmp_path, ["--firmware", "uefi", "--disks", "1"]) as found:
        installed = install(found)
        assert installed.code == 0, installed.output[-4000:]
        name = found.lab.name
        lab("power", name, "cut")
        lab("save", name, SAVED)
        lab("rescue", name)
        rescued = Rescued(found)
        for left in random_cuts(rescued, SAVED, NEW, TIMES, random.Random(seed)):
            opens = " and ".join(which for which in ("old", "new") if getattr(left, which))
            print(
                f"{left.after:6.1f}  {left.slots}  {opens}; the next run went on to the new one", flush=True
            )
        found.lab.passphrase.write_text(NEW)
        rescued.start_from_disks()
        unlocked = play_on(found, "playbooks/unlock.yml")
        assert unlocked.returncode == 0, unlocked.stdout
        assert " running " in play_on(found, "playbooks/status.yml").stdout
        print("booted, and unlocked with the new one", flush=True)
