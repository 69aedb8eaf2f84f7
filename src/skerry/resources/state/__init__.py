"""All that a host remembers, as one resource: backed up, restored, told about."""
