from tests.unit.engine_fixtures import container, db, host, shelf

__all__ = ["container", "db", "host", "shelf"]
