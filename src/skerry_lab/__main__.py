"""`python -m skerry_lab`."""

import sys

from skerry_lab.cli import main

sys.exit(main())
