"""Booting: initramfs, kernels and their trials, network before the root is open, rescue. The command skerry-boot."""
