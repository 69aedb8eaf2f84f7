"""Builds the hardened kernel: from Debian's signed source to packages in the cache.

It stands on the lab's cache, progress and programs (`skerry_lab`), which needs nothing but Python's standard library.
"""
