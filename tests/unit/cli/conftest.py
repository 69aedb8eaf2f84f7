from tests.unit.client.conftest import engine

__all__ = ["engine"]
