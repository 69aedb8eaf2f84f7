"""Snapshots: the files of a container or volume as they were in one moment; taken, deleted, shown."""
