"""Volumes: what is asked of them, decided, made, stored and shown."""
