"""Labs for the tests of the lab."""

import os

from skerry_lab.process import ProcessIdentity
from skerry_lab.recipe import Flavour, Kind
from skerry_lab.state import Lab, LabStore


def make_lab(store: LabStore, name: str = "try", owner: str = "make", kind: Kind = Kind.FAST) -> Lab:
    """A lab that is written down, and does not run."""
    lab = Lab(name, kind, Flavour.HOST, owner, 2048, {"ssh": 20001, "https": 20002}, store.folder(name))
    store.save(lab)
    return lab


def run(lab: Lab) -> Lab:
    """This very process plays the machine."""
    ProcessIdentity.of(os.getpid()).save(lab.home / "process.json")
    return lab


def run_ready(lab: Lab) -> Lab:
    """The lab is up."""
    run(lab).mark_ready()
    return lab
