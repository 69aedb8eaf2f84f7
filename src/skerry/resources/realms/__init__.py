"""Realms: tenants, who own projects, with quotas on all of them together."""
