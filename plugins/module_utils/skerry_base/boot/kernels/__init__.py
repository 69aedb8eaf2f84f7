"""Kernels: does one fit this machine, and has it proven itself? A new one is booted once, on trial."""
