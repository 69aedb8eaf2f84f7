#!/usr/bin/env python3
"""The running labs, for Ansible; `SKERRY_LAB=name[,name]` chooses. The rest is in group_vars."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from skerry_lab.cli import main

sys.exit(main(["inventory", "--list"]))
