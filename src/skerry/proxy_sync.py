"""What ``skerry-proxy.service`` calls: give HAProxy the store's routes after a start, and with every reload.

``python3 -m skerry.proxy_sync load|reload``
"""

import sys
import time
from pathlib import Path

from skerry.model.errors import SkerryError
from skerry.model.host import CONFIG_PATH, HostConfig, load_host_config
from skerry.parts import proxy

_ACTIONS = {"load": proxy.load, "reload": proxy.reload}


def main(arguments: list[str]) -> int:
    """Load or reload, and say in one line what came of it. Returns the exit code."""
    if len(arguments) != 1 or arguments[0] not in _ACTIONS:
        sys.stderr.write(f"usage: python3 -m skerry.proxy_sync {'|'.join(_ACTIONS)}\n")
        return 2
    started = time.monotonic()
    try:
        # A host without the engine has no store, hence no routes: where they would be does not matter.
        host = load_host_config() if Path(CONFIG_PATH).exists() else HostConfig(domain="")
        count = _ACTIONS[arguments[0]](host)
    except SkerryError as error:
        sys.stderr.write(f"skerry-proxy: {error}\n")
        return 1
    milliseconds = (time.monotonic() - started) * 1000
    sys.stdout.write(f"skerry-proxy: {count} routes, {arguments[0]}ed in {milliseconds:.0f} ms\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
