"""What is asked about policies, and how it is answered. No answer has a password, secret or key; a token one only, once."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import AfterValidator, Field

from skerry.model.container import Secret
from skerry.model.policy import MOST_GROUPS, Default, Group, PolicyKey, check_groups
from skerry.protocol.core import Change, Document, Listing, Request, Resource


class PolicySet(PolicyKey, Change):
    """Say who gets through to the URLs of a container, or of all containers of a project. What it said before is over."""

    verb: Literal["policy_set"]
    default: Annotated[Default, Field(description="What becomes of a request that no group is about.")] = (
        "deny"
    )
    enabled: Annotated[
        bool, Field(description="False is a kill switch: nobody gets through, whatever the groups say.")
    ] = True
    groups: Annotated[
        Annotated[tuple[Group, ...], Field(max_length=MOST_GROUPS), AfterValidator(check_groups)],
        Field(
            description="Group of conditions that must all hold. Any one lets through, and one that denies wins."
        ),
        Document(),
    ] = ()


class PolicyDelete(PolicyKey, Change):
    """Delete a policy. A container has that of its project then, or is open to all."""

    verb: Literal["policy_delete"]


class PolicyAbsent(PolicyKey, Change):
    """Delete a policy where there is one: what the Ansible module asks for."""

    verb: Literal["policy_absent"]


class PolicyInfo(PolicyKey, Request):
    """Tell about one policy; never a password, a secret or a token."""

    verb: Literal["policy_info"]


class PolicyList(Listing):
    """Tell about every policy, or those of one realm or project."""

    verb: Literal["policy_list"]


class PolicyExplain(Request):
    """Tell what becomes of a request to a URL, which group decides that, and which condition of each group fails."""

    verb: Literal["policy_explain"]
    url: Annotated[str, Field(max_length=2048, description="The URL, or its host name.")]
    ip: Annotated[str, Field(max_length=64, description="Address that the request comes from.")] = "127.0.0.1"
    headers: Annotated[
        Annotated[tuple[str, ...], Field(max_length=64)],
        Field(repr=False, description="Header of the request, as 'authorization: Bearer …'."),
        Secret(),
    ] = ()


class OnePolicy(TypedDict):
    """The answer to ``policy_info``."""

    policy: dict[str, Any]


class Policies(TypedDict):
    """The answer to ``policy_list``."""

    policies: list[dict[str, Any]]


class Explained(TypedDict):
    """The answer to ``policy_explain``.

    Attributes:
        container: realm, project and name of the container that the URL leads to.
        policy: whose policy decides; null where there is none, so all get through.
        status: 401 or 403; 200 for what the program answers.
        group: the group that decided; ``default``, ``none`` or ``off`` where none did.
        subject: who the program is told that it is; empty where nobody is known.
        groups: each group that was looked at, with its conditions.
    """

    container: str
    policy: str | None
    status: int
    group: str
    subject: str
    groups: list[dict[str, Any]]


RESOURCE = Resource(
    "policy",
    1,
    (PolicySet, PolicyDelete, PolicyAbsent, PolicyInfo, PolicyList, PolicyExplain),
    ("project", "name", "state", "default", "group_names", "changed"),
)
