"""``python3 -m skerry.volume_files WHAT``: write or read the files of one volume or container, and nothing else.

Runs as root in a unit of its own that sees one folder, has no network, and may do with files what root may
(:mod:`skerry.host.sandbox`).
"""

import errno
import json
import os
import sys
from collections.abc import Sequence

from skerry.host import inside
from skerry.model.errors import Code, SkerryError
from skerry.volume_files import root
from skerry.volume_files.copy import FOLDER, fill, settle
from skerry.volume_files.rules import ROOT, VOLUME
from skerry.volume_files.unpack import unpack

_TOP = "/mnt"  # skerry.host.sandbox.SCRATCH; that module would bring the bus along


def _refuse(code: Code, message: str, hint: str) -> int:
    """Say on one line of JSON what was wrong; the exit code."""
    sys.stderr.write(json.dumps({"code": code, "message": message, "hint": hint}) + "\n")
    return 1


def main(argv: Sequence[str]) -> int:
    """Do one thing with the files in a folder of the sandbox; the exit code."""
    what, *sources = argv
    top = os.open(_TOP, FOLDER)
    try:
        match what:
            case "unpack":
                unpack(sys.stdin.buffer, top)
            case "unpack-root":
                root.unpack_root(sys.stdin.buffer, top)
            case "pack-root":
                root.pack(sys.stdin.buffer.read(), top, sources)
            case "settle":
                settle(top)
            case "fill":
                path = sys.stdin.buffer.read().decode()
                found = [inside.folder(source, path) for source in sources]
                fill([one for one in found if one is not None], top)
    except SkerryError as error:
        return _refuse(error.code, error.message, error.hint)
    except OSError as error:
        if error.errno in {errno.EDQUOT, errno.ENOSPC}:
            rules = ROOT if what == "unpack-root" else VOLUME
            return _refuse(Code.INVALID, "there is no room for its files", rules.room)
        return _refuse(Code.HOST, str(error), "The host's log says more")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
