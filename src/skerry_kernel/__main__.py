"""`python -m skerry_kernel`."""

import sys

from skerry_kernel.cli import main

if __name__ == "__main__":
    sys.exit(main())
