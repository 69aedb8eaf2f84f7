"""``python3 -m skerry.pki internal|own --domain DOMAIN [--check]``: what the role and the daily timer call.

``own`` reads certificate, chain and private key as PEM from standard input. The answer is one line of JSON.
"""

import argparse
import datetime
import json
import sys
from pathlib import Path

from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.pki.files import Place, ensure_internal, ensure_own


def _arguments() -> argparse.Namespace:
    paths = HostConfig(domain="")
    parser = argparse.ArgumentParser(prog="python3 -m skerry.pki", description=__doc__)
    parser.add_argument("source", choices=["internal", "own"], help="who issues the certificate")
    parser.add_argument(
        "--domain", required=True, help="the certificate is for it and all names right below it"
    )
    parser.add_argument("--check", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--folder", type=Path, default="/etc/skerry/pki", help="where the files are")
    parser.add_argument("--socket", default=paths.proxy_socket, help="HAProxy's master socket")
    parser.add_argument("--map", default=paths.routes_map, help="HAProxy's map; its lock is beside it")
    return parser.parse_args()


def main() -> int:
    """Make the files right. Returns the exit code."""
    given = _arguments()
    place = Place(given.folder, given.socket, given.map, given.check)
    now = datetime.datetime.now(datetime.UTC)
    try:
        if given.source == "internal":
            changes = ensure_internal(place, given.domain, now)
        else:
            changes = ensure_own(place, sys.stdin.read(), given.domain, now)
    except SkerryError as error:
        print(f"skerry-pki: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"changed": bool(changes), "changes": changes}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
