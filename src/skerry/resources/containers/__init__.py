"""Containers: what is asked of them, decided, stored and shown."""
