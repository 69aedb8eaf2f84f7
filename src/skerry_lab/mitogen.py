"""Mitogen for the lab's own runs: where every program is emulated, a task costs a tenth with it."""

import importlib.util
from pathlib import Path


def environment() -> dict[str, str]:
    """What to set for ansible-playbook; empty where Mitogen is not installed."""
    found = importlib.util.find_spec("ansible_mitogen")
    if found is None or found.origin is None:
        return {}
    plugins = Path(found.origin).parent / "plugins" / "strategy"
    return {
        "ANSIBLE_STRATEGY_PLUGINS": str(plugins),
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_TIMEOUT": "120",  # seconds; a first login on an emulated machine under load takes 20
        "ANSIBLE_DEPRECATION_WARNINGS": "False",  # it would say of each run that strategies will go one day
    }


if __name__ == "__main__":
    print("\n".join(f"{name}={value}" for name, value in environment().items()))
