"""The kinds of this Skerry. The engine takes them from here, and knows none by name."""

from skerry.resources.aliases.kind import Aliases
from skerry.resources.containers.kind import Containers
from skerry.resources.images.kind import Images
from skerry.resources.kind import Kinds
from skerry.resources.policies.kind import Policies
from skerry.resources.projects.kind import Projects
from skerry.resources.realms.kind import Realms
from skerry.resources.secrets.kind import Secrets
from skerry.resources.snapshots.kind import Snapshots
from skerry.resources.state.kind import States
from skerry.resources.tokens.kind import Tokens
from skerry.resources.volumes.kind import Volumes

KINDS = Kinds(
    (
        Realms(),
        Projects(),
        Images(),
        Volumes(),
        Secrets(),
        Containers(),
        Snapshots(),
        Aliases(),
        Policies(),
        Tokens(),
        States(),
    )
)
"""The kinds of this Skerry, in the order in which they are reconciled: each stands on those before it."""
