"""Ask the engine by a token, as the user that this runs as: ``by_token.py TOKEN REQUEST...`` prints a line an answer.

TOKEN is a token, or - for none. Each REQUEST is JSON. All go through one connection. What comes is printed as it comes, and
``{"ended": SECONDS}`` where the connection ends before the answer.
"""

import hashlib
import json
import socket
import sys
import time


def main() -> int:
    token, *requests = sys.argv[1:]
    source = "192.0.2.7"
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(120)
        channel.connect("/run/skerry/tokens.sock")
        with channel.makefile("rb") as lines:
            for request in requests:
                asked = {"version": 3, **json.loads(request)}
                source = asked.pop("from", source)
                if token != "-":
                    digest = hashlib.sha256(token.encode()).hexdigest()
                    asked["asker"] = {"token": digest, "source": source}
                started = time.monotonic()
                channel.sendall(json.dumps(asked).encode() + b"\n")
                for line in lines:
                    print(line.decode().rstrip(), flush=True)
                    if "ok" in json.loads(line):
                        break
                else:
                    print(json.dumps({"ended": round(time.monotonic() - started, 2)}), flush=True)
                    return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
