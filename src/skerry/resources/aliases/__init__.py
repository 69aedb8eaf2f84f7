"""Aliases: friendly names, each of which leads to a container and is switched to another one in one step."""
