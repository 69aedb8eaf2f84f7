"""Problems (RFC 9457): what the engine refuses, or HTTP does, with the message and hint of the command line."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "application/problem+json"
WHERE = "/api/v1/problems"  # the page of all codes; each type of problem is a fragment of it


@dataclasses.dataclass(frozen=True)
class Kind:
    """A class of problems: its status, and what it means."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    "invalid": Kind(400, "The request is wrong"),
    "unauthorized": Kind(401, "No token, or one that is none here"),
    "forbidden": Kind(403, "The token has not the right"),
    "not_found": Kind(404, "There is no such thing"),
    "not_allowed": Kind(405, "The path has not this method"),
    "too_slow": Kind(408, "The body did not come"),
    "exists": Kind(409, "There is one of that name"),
    "busy": Kind(409, "Another operation is under way"),
    "stale": Kind(412, "The resource is in another state than If-Match says"),
    "too_large": Kind(413, "The body is too large"),
    "media_type": Kind(415, "The body is no JSON"),
    "reused": Kind(422, "Another request had this Idempotency-Key"),
    "upgrade": Kind(426, "The path is a WebSocket"),
    "unconditional": Kind(428, "If-Match is missing"),
    "too_many": Kind(429, "The token asks too much"),
    "failed": Kind(500, "A step failed"),
    "host": Kind(503, "The host lacks something"),
}
"""Every class of problems, by its code."""
_HEADERS = {
    "unauthorized": {"www-authenticate": "Bearer"},
    "busy": {"retry-after": "5"},
    "too_many": {"retry-after": "1"},
    "upgrade": {"upgrade": "websocket"},
    "host": {"retry-after": "10"},
}


class ProblemError(Exception):
    """A request that is refused or failed.

    Args:
        code: one of :data:`KINDS`.
        message: what was wrong, and where.
        hint: what would be right, or what to do next.
        headers: headers of the answer besides those of its kind.
    """

    def __init__(
        self, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code if code in KINDS else "failed", message, hint
        self._headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The status of the answer."""
        return KINDS[self.code].status

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer, besides its type."""
        return _HEADERS.get(self.code, {}) | self._headers

    def body(self) -> bytes:
        """The answer. Nothing of it differs between two requests that are refused for the same."""
        found: dict[str, Any] = {
            "type": f"{WHERE}#{self.code}",
            "title": KINDS[self.code].title,
            "status": self.status,
            "code": self.code,
            "detail": self.message,
            "hint": self.hint,
        }
        return json.dumps(found, ensure_ascii=False).encode()


def of(found: Mapping[str, Any]) -> ProblemError:
    """The problem whose body was made before."""
    return ProblemError(found["code"], found["detail"], found["hint"])


def every() -> dict[str, Any]:
    """The page of all codes."""
    return {"problems": [{"code": code, **dataclasses.asdict(kind)} for code, kind in KINDS.items()]}
