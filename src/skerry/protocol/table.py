"""The verbs of this Skerry. The engine, the command line and the modules' options are made from this table."""

from skerry.protocol import (
    aliases,
    containers,
    hosts,
    images,
    policies,
    projects,
    realms,
    secrets,
    snapshots,
    state,
    tokens,
    volumes,
)
from skerry.protocol.core import Table

TABLE = Table(
    (
        containers.RESOURCE,
        images.RESOURCE,
        volumes.RESOURCE,
        secrets.RESOURCE,
        snapshots.RESOURCE,
        aliases.RESOURCE,
        policies.RESOURCE,
        realms.RESOURCE,
        projects.RESOURCE,
        tokens.RESOURCE,
        state.RESOURCE,
        hosts.RESOURCE,
    ),
)
"""Every verb, with its request and its kind."""
