"""Power lost at ten random moments of an installation: the next one begins over what was left; the last one boots.

In the order of their moments: each run begins with what the one before has left, the last one goes to its end.
"""

import re
import tempfile
from pathlib import Path

from tests.install.installing import in_rescue, install, start
from tests.install.rescue_lab import Machine, machine
from tests.proofs.cuts import CUTS, chooser, switch, unlocks, wait

# Of an installation: its last moments are those of one that is done, and waits for its reboot.
UNFINISHED = 0.95
MOST_CPU_S = 220  # of an installation, from the rescue system's first login to the reboot, on quiet cores
TASK = re.compile(r"^TASK \[(.*)\]", re.MULTILINE)


def test_ten_cuts_at_random_moments(tmp_path: Path) -> None:
    choose = chooser("install")
    with machine("cuts-install", tmp_path, ["--firmware", "uefi", "--disks", "1"]) as bare:
        switch(bare, "power", "cut")
        switch(bare, "save", "blank")
        switch(bare, "rescue")
        whole = install(bare)
        assert whole.code == 0, whole.output[-4000:]
        print(f"an installation that nobody disturbs: {whole.cpu_seconds:.0f} processor seconds")
        assert whole.cpu_seconds <= MOST_CPU_S
        switch(bare, "power", "cut")
        switch(bare, "restore", "blank")
        switch(bare, "rescue")
        moments = sorted(choose.uniform(0, whole.cpu_seconds * UNFINISHED) for _ in range(CUTS))
        for number, moment in enumerate(moments, 1):
            task = lose_power(bare, moment)
            print(f"installation {number}: power lost after {moment:.1f} s, in: {task}", flush=True)
            switch(bare, "rescue")
        done = install(bare)
        assert done.code == 0, done.output[-4000:]
        unlocks(bare)
        print(f"then one to its end, over what they left, in {done.cpu_seconds:.0f} s: boots and unlocks")


def lose_power(bare: Machine, moment: float) -> str:
    """The task in which it was lost."""
    with tempfile.NamedTemporaryFile() as log:
        begin = bare.lab.cpu_seconds()
        with start(bare, log.fileno()) as process:
            assert wait(bare, begin, moment, ended=lambda: process.poll() is not None)
            assert in_rescue(bare)
            switch(bare, "power", "cut")
            process.terminate()
        return str(TASK.findall(Path(log.name).read_text())[-1])
