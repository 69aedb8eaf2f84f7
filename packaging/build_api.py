"""Build the Debian package skerry-api, as build_deb.py builds the others.

python3 packaging/build_api.py OUTPUT_FOLDER    prints the package's path
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import build_deb

NAME = "skerry-api"
build_deb.PACKAGES[NAME] = ("skerry_api",)
build_deb.ELSEWHERE[NAME] = {}


if __name__ == "__main__":
    print(build_deb.build(Path(sys.argv[1]), NAME))
