"""The state store: one SQLite file, the truth of one host. The only room that writes state."""
