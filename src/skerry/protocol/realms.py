"""What is asked about realms, and how it is answered."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import Field

from skerry.model.base import Frozen
from skerry.model.tenants import Quota, RealmKey
from skerry.protocol.core import Change, OptionsOf, Request, Resource

MergeMemory = Annotated[
    bool | None,
    Field(
        description="Keep equal memory of its containers once (KSM). Who shares it can measure what others have, so one "
        "realm of a host may, and others where lxc_host_merge_memory_realms names them. It holds from a container's next "
        "start on. A new realm does not.",
    ),
]


class _OneRealm(Frozen):
    realm: RealmKey


class _Options(_OneRealm, Change):
    merge_memory: MergeMemory = None
    quota: Annotated[dict[str, Any], OptionsOf(Quota)] = {}


class RealmCreate(_Options):
    """Make a realm that must not exist yet. It has no project."""

    verb: Literal["realm_create"]


class RealmUpdate(_Options):
    """Change options of a realm. What is not named stays as it is; 'none' takes a quota away."""

    verb: Literal["realm_update"]


class RealmDelete(_OneRealm, Change):
    """Delete a realm with its logs; one that has a project or a token is refused."""

    verb: Literal["realm_delete"]


class RealmEnsure(_Options):
    """Bring a realm to a state, whatever it is in now: what the Ansible module asks for."""

    verb: Literal["realm_ensure"]
    state: Annotated[
        Literal["present", "absent"],
        Field(description="Whether it shall be there. Deleting one that has a project is refused."),
    ]


class RealmInfo(_OneRealm, Request):
    """Tell all about one realm."""

    verb: Literal["realm_info"]


class RealmList(Request):
    """Tell about every realm."""

    verb: Literal["realm_list"]


class OneRealm(TypedDict):
    """The answer to ``realm_info``: the realm, its projects, its quotas, and what is promised of them."""

    realm: dict[str, Any]


class Realms(TypedDict):
    """The answer to ``realm_list``."""

    realms: list[dict[str, Any]]


RESOURCE = Resource(
    "realm",
    1,
    (RealmCreate, RealmUpdate, RealmDelete, RealmEnsure, RealmInfo, RealmList),
    ("name", "projects", "merge_memory", "quota", "used"),
)
