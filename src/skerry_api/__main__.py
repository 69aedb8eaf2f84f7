"""The program of ``skerry-api.service``: it serves the socket that systemd hands over."""

import logging
import os
import sys

import uvicorn

from skerry_api.app import make
from skerry_api.programs import LARGEST

_LISTEN_FD = 3  # sd_listen_fds(3)


def main() -> int:
    """Serve until systemd ends us. No line a request: the proxy writes those."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    if os.environ.get("LISTEN_FDS") != "1":
        print("error: systemd hands over no socket: start skerry-api.socket", file=sys.stderr)  # noqa: T201
        return 1
    uvicorn.run(
        make(),
        fd=_LISTEN_FD,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=60,
        limit_concurrency=400,
        ws="websockets",
        ws_max_size=LARGEST,
        ws_per_message_deflate=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
