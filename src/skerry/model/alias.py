"""What an alias is: a friendly name below the host's domain that leads to a container, and later to another one."""

import dataclasses
import re
from typing import Annotated

from pydantic import Field, StringConstraints

ALIAS_LABEL = r"^[a-z0-9][a-z0-9-]{1,59}[a-z0-9]$"
AliasName = Annotated[
    str,
    StringConstraints(pattern=ALIAS_LABEL),
    Field(description="The name: its URL is https://NAME.DOMAIN/."),
]

# The host's own, and those that programs trust without being told: none of them is for a tenant.
RESERVED = frozenset({
    "admin", "administrator", "api", "auth", "autoconfig", "autodiscover", "dns", "host", "isatap", "localhost", "login",
    "mail", "mta-sts", "ns1", "ns2", "ntp", "openpgpkey", "postmaster", "proxy", "root", "security", "skerry", "smtp",
    "sso", "status", "wpad", "www",
})  # fmt: skip
OF_A_CONTAINER = re.compile(r"[0-9a-f]{24}-[0-9a-f]{24}(-[a-z0-9-]*)?")


def reserved(name: str) -> bool:
    """Whether a name is the host's, looks like a container's own, or has dashes where DNS keeps them (RFC 5891)."""
    return name in RESERVED or name[2:4] == "--" or OF_A_CONTAINER.fullmatch(name) is not None


@dataclasses.dataclass(frozen=True)
class Alias:
    """One alias as the store knows it.

    Attributes:
        name: unique on the host; its host name is this below the host's domain.
        realm: name of the tenant.
        project: name of the project, which its container is in as well.
        project_id: the project's id.
        container: name of the container.
        container_id: id of the container.
        service: the container's service; empty for its plain URL.
        created: when it was made, UTC.
        streams: an operation with it is about what is open through the alias, and not about where it leads.
    """

    name: str
    realm: str
    project: str
    project_id: str
    container: str
    container_id: str
    service: str = ""
    created: str = ""
    streams: bool = False

    @property
    def key(self) -> str:
        """How a person names it."""
        return f"{self.realm}/{self.project}/{self.name}"

    def host_name(self, domain: str) -> str:
        """The host name of its URL."""
        return f"{self.name}.{domain}"

    def target(self, domain: str) -> str:
        """The host name of the container's URL that it leads to."""
        service = f"-{self.service}" if self.service else ""
        return f"{self.project_id}-{self.container_id}{service}.{domain}"
