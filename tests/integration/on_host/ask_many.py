"""Ask the API many things by one connection: ``ask_many.py TOKEN FILE`` reads lines of JSON, and prints one for each.

A line has ``method``, ``path``, ``headers`` and ``body``; an answer ``status``, ``raw``, and ``headers`` without the date.
"""

import http.client
import json
import ssl
import sys
import time
from pathlib import Path


def main() -> int:
    token, path = sys.argv[1:]
    context = ssl.create_default_context(cafile="/etc/skerry/pki/ca.crt")
    api = http.client.HTTPSConnection("api.skerry.localhost", context=context, timeout=90)
    for line in Path(path).read_text().splitlines():
        asked = json.loads(line)
        headers = {"Authorization": f"Bearer {token}", **asked["headers"]}
        while True:
            api.request(asked["method"], asked["path"], asked["body"], headers)
            answer = api.getresponse()
            raw = answer.read().decode()
            if answer.status != 429:
                break
            time.sleep(1)
        told = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "date"}
        print(json.dumps({"status": answer.status, "raw": raw, "headers": told}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
