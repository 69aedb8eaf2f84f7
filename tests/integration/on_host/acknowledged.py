"""Transactions of a PostgreSQL, each acknowledged before the next one: ``acknowledged.py CONTAINER FILE``.

Writes the number and the time of each into the file, until the server is gone.
"""

import itertools
import subprocess
import sys
import time

SESSION = ("--user", "postgres", "--", "/usr/bin/psql", "-qAtX")


def main(container: str, path: str) -> None:
    argv = ["skerry", "exec", container, *SESSION]
    with (
        open(path, "w", buffering=1) as said,
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as psql,
    ):
        assert psql.stdin
        assert psql.stdout
        for number in itertools.count(1):
            try:
                psql.stdin.write(f"insert into acknowledged values ({number}) returning number;\n")
            except BrokenPipeError:
                return
            if psql.stdout.readline().strip() != f"{number}":
                return
            said.write(f"{number} {time.monotonic_ns()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
