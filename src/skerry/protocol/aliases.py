"""What is asked about aliases, and how it is answered."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import Field

from skerry.model.alias import AliasName
from skerry.model.base import InProject
from skerry.model.container import Name, ServiceName
from skerry.protocol.core import Change, Listing, Resource, Seconds


class _OneAlias(InProject):
    alias: AliasName
    realm: Annotated[Name, Field(description="Tenant that owns the alias.")] = "default"
    project: Annotated[
        Name, Field(description="Project of the realm, or REALM/PROJECT; its container is in the same.")
    ] = "default"


class AliasSet(_OneAlias, Change):
    """Let a name lead to a container: a new name, or one that leads to another container now."""

    verb: Literal["alias_set"]
    container: Annotated[Name, Field(description="Name of the container that it leads to.")]
    service: Annotated[
        ServiceName | None,
        Field(description="Service of the container. Where it is not given, the port behind its plain URL."),
    ] = None
    wait: Annotated[
        Literal["ready", "running"],
        Field(
            description="What to wait for before the switch: that the container's port answers, or nothing. "
            "A container that is stopped is not waited for."
        ),
    ] = "ready"
    timeout: Annotated[Seconds, Field(description="Seconds to wait for it.")] = 30.0


class AliasDrain(_OneAlias, Change):
    """End what is still open through a name to containers that it led to before."""

    verb: Literal["alias_drain"]
    within: Annotated[
        Seconds,
        Field(
            description="Seconds that requests and WebSockets have to end by themselves; then they are closed."
        ),
    ] = 30.0


class AliasDelete(_OneAlias, Change):
    """Delete a name; its URL is dead, and what is open through it is closed."""

    verb: Literal["alias_delete"]


class AliasList(Listing):
    """Tell about every alias, or those of one realm or project."""

    verb: Literal["alias_list"]


class Aliases(TypedDict):
    """The answer to ``alias_list``: each alias, with the container and the image behind it."""

    aliases: list[dict[str, Any]]


RESOURCE = Resource(
    "alias",
    1,
    (AliasSet, AliasDrain, AliasDelete, AliasList),
    ("alias", "project", "container", "service", "desired", "image", "url"),
)
