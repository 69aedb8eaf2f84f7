"""Skerry: isolated containers, each at a URL of its own, on an encrypted and hardened host."""

__version__ = "0.1.0"
