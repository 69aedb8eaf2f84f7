"""What the host's end of Ansible's connection plugin asks: a program in C (packaging/skerry-launch/src/connect.c).

Both ways go zero-ended strings and JSON as base64, so that it needs to read neither.
"""

from typing import Annotated, ClassVar, Literal, TypedDict

from pydantic import AfterValidator, Base64Bytes, Field

from skerry.model.base import Frozen
from skerry.model.container import ContainerKey
from skerry.model.program import check_user
from skerry.protocol.core import Request


class Asked(Frozen):
    """One command in a container, as the plugin says it.

    Attributes:
        mark: what begins the line of a refusal; the program's business.
        container: realm, project, name.
        id: empty, or the id that it must have.
        user: whom to run it as.
        command: text for a shell. Without one it is only checked that one could be run now.
        age: and that the container has been running for so many seconds.
    """

    mark: str = ""
    container: ContainerKey
    id: str = ""
    user: Annotated[str, AfterValidator(check_user)]
    command: str
    age: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class Connect(Request):
    """Tell how lxc-attach is called for one command of Ansible's."""

    for_people: ClassVar[bool] = False
    verb: Literal["connect"]
    asked: Base64Bytes


class Connection(TypedDict):
    """The answer to ``connect``.

    Attributes:
        words: as base64, zero-ended: why it is refused, or nothing; how many words call lxc-attach; these; what it reads
            as descriptor 3, word by word.
    """

    words: str
