"""Programs on a lab's host: their images are made there, and their lives are seen."""

import dataclasses
import json
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from skerry.model.container import Spec
from tests.integration import kept_ssh
from tests.integration.image_lab import INCOMING, ImageLab
from tests.programs.declared import Program
from tests.unit.resources.images import oci_images, tarballs

PLACE = "/run/build"
LONGEST = 1800.0  # seconds that an installation of packages may take on a busy computer
GRACE = 10.0  # seconds that a container's program has by default
_SCRIPTS = Path(__file__).parent / "on_host"
_HEAD = (
    f"{'':<12}{'capabilities asked for':<38}{'idle':>8}{'start to answer':>17}{'clean stop':>12}{'exit':>6}"
)


@dataclasses.dataclass(frozen=True)
class Lived:
    """What was seen of a program: on_host/life.py says what the fields of ``report`` are."""

    program: Program
    report: Mapping[str, Any]

    def check(self) -> None:
        """It had what it asked for and no more, was somebody else where it should be, ended as it should, kept its data.

        Raises:
            AssertionError: it did not.
        """
        program, report = self.program, self.report
        given = Spec(image="it", capabilities=program.capabilities).capabilities
        assert (tuple(report["bounding"]), report["others"]) == (given, 0), report
        assert not program.drops_to or program.drops_to in report["users"], report
        assert report["code"] == program.ends, report
        assert max(report["end"], report["stop"]) < GRACE, report
        assert report.get("kept") == ("still here" if program.write else None), report

    def row(self) -> str:
        """A line of the table: idle memory in MiB (PSS), seconds from create to the first right answer, of a stop."""
        report = self.report
        asked = " ".join(self.program.capabilities) or "-"
        return (
            f"{self.program.name:<12}{asked:<38}{report['pss'] / 1024:>4.0f} MiB{report['start']:>15.1f} s"
            f"{report['stop']:>10.2f} s{report['code']:>6}"
        )


def table(lived: Iterable[Lived]) -> str:
    """What was seen of all of them."""
    return "\n".join(["", _HEAD, *(one.row() for one in lived)])


class Programs:
    """Makes the images of some programs, one after another, while those that are made already live.

    Args:
        lab: the lab's name.
        programs: in the order in which they will be needed.
    """

    def __init__(self, lab: str, programs: Iterable[Program]) -> None:
        self._host = ImageLab(lab)
        self._programs = list(programs)
        self._builder = ThreadPoolExecutor(1)
        self._built: dict[str, Future[str]] = {}

    def __enter__(self) -> Self:
        helpers = [Path(str(module.__file__)) for module in (oci_images, tarballs)]
        self._host.run(f"mkdir -p {PLACE}")
        for path in [*_SCRIPTS.glob("*.py"), *helpers]:
            self._host.run(f"cat >{PLACE}/{path.name}", path.read_bytes())
        for program in self._programs:
            self._built[program.name] = self._builder.submit(
                self._run, f"build.py {program.name}", program.to_build()
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._builder.shutdown(cancel_futures=True)
        self._host.run(f"umount /run/programs; rm -rf {PLACE} /run/programs {INCOMING}/program-*")

    def live(self, program: Program) -> Lived:
        """Import the images of a program, and see its life; nothing of it is left."""
        self._built[program.name].result()
        names = {"it": f"p-{program.name}", "next": f"p-{program.name}-next"}
        try:
            for tag, name in names.items():
                source = f"oci:{INCOMING}/program-{program.name}:{tag}"
                self._host.ask("image_pull", name=name, source=source).ok()
            said = json.loads(self._run("life.py", dataclasses.asdict(program)))
        finally:
            for name in names.values():
                self._host.ask("image_delete", name=name)
            self._host.run(f"rm -rf {INCOMING}/program-{program.name}")
        return Lived(program, said)

    def _run(self, words: str, said: Mapping[str, Any]) -> str:
        script, *arguments = words.split()
        command = shlex.join(["python3", f"{PLACE}/{script}", *arguments])
        done = subprocess.run(
            kept_ssh.command(self._host.name, command),
            input=json.dumps(said),
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout
