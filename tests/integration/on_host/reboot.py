"""End the engine and every container, and let the engine come as after a boot of the host."""

import sqlite3
import subprocess

ENGINE = ("skerry-engine.socket", "skerry-engine.service")
subprocess.run(["systemctl", "stop", *ENGINE, "skerry-" + "[0-9a-f]" * 24 + ".service"], check=True)
with sqlite3.connect("/var/lib/skerry/state.db") as database:
    database.execute("UPDATE meta SET value = 'another' WHERE key = 'boot_id'")
database.close()
subprocess.run(["systemctl", "start", *ENGINE], check=True)
