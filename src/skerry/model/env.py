"""In words, what differs between two environments. No value is shown, nor anything that is made of one."""

from collections.abc import Iterator, Mapping


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Which variables are added, changed and removed."""
    return f"env ({', '.join(_variables(old, new))})"


def _variables(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{name} added" for name in new if name not in old)
    yield from (f"{name} changed" for name in new if name in old and old[name] != new[name])
    yield from (f"{name} removed" for name in old if name not in new)
