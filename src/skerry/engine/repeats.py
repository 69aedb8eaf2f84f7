"""Requests with an Idempotency-Key: each is carried out once, however often it is sent, and whoever dies meanwhile."""

import contextlib
import dataclasses
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Sequence

from skerry.model.errors import Code, SkerryError
from skerry.protocol.core import Change
from skerry.resources.kind import Answer, Context
from skerry.store import kept_answers, operations
from skerry.store.operations import Operation

Apply = Callable[[Context], Answer]
Tell = Callable[[Context, Sequence[Operation]], Answer]


@dataclasses.dataclass(frozen=True)
class _Key:
    """A key of a token, with the fingerprint of the request that has it."""

    token_id: str
    key: str
    fingerprint: str


class Repeats:
    """The requests with a key that are being carried out.

    Args:
        tell: the answer to a request, from its operations that are done.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._running: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def answer(self, context: Context, request: Change, key: str, apply: Apply) -> Answer:
        """The answer to a request: the kept one where it was carried out before.

        Args:
            context: has the token that asks, and the id that the request's operations get.
            request: the request.
            key: its Idempotency-Key.
            apply: carries it out.

        Raises:
            SkerryError: the key is another request's, or that one is still carried out; or the request itself fails.
        """
        if context.asker is None:
            raise AssertionError("only a token has keys")
        if request.tells_once:
            raise SkerryError(
                Code.INVALID,
                f"Idempotency-Key: the answer to {request.verb} has a value that is kept nowhere, so it can't be repeated",
                "Leave the key out; where the answer is lost, ask for a new value",
            )
        mine = _Key(context.asker.id, key, _fingerprint(context.secret, request))
        with self._alone(mine):
            kept = kept_answers.find(context.db, mine.token_id, key)
            if kept is not None:
                _check_same(kept.fingerprint, mine)
                if (answer := kept.answer or self._after_a_crash(context, mine, kept.request)) is not None:
                    return answer
            return _carried_out(context, mine, apply)

    @contextlib.contextmanager
    def _alone(self, mine: _Key) -> Iterator[None]:
        """Within it, no other request of the token with that key is carried out."""
        place = (mine.token_id, mine.key)
        with self._lock:
            if place in self._running:
                raise SkerryError(
                    Code.BUSY,
                    "Idempotency-Key: the request with this key is still being carried out",
                    "Send the same again in some seconds",
                )
            self._running.add(place)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(place)

    def _after_a_crash(self, context: Context, mine: _Key, request: str) -> Answer | None:
        """What a request led to whose engine died before it was answered; None where it was undone, or never began."""
        found = operations.of_request(context.db, request)
        if not found or found[-1].state != "done":
            return None
        answer = self._tell(context, found)
        kept_answers.keep(context.db, mine.token_id, mine.key, answer)
        return answer


def _fingerprint(secret: bytes, request: Change) -> str:
    """Tells a request from another one. With the host's secret, as nobody shall find a value of it by trying."""
    fields = json.dumps(json.loads(request.model_dump_json()), sort_keys=True)
    return hmac.new(secret, fields.encode(), hashlib.sha256).hexdigest()


def _check_same(fingerprint: str, mine: _Key) -> None:
    if not hmac.compare_digest(fingerprint, mine.fingerprint):
        raise SkerryError(
            Code.REUSED,
            "Idempotency-Key: another request had this key in the last 24 hours",
            "Make a new key for each request; the same one is for sending the same again",
        )


def _carried_out(context: Context, mine: _Key, apply: Apply) -> Answer:
    db = context.db
    if not kept_answers.begin(db, mine.token_id, mine.key, mine.fingerprint, context.request):
        raise SkerryError(
            Code.BUSY,
            f"Idempotency-Key: {kept_answers.MOST} requests of this token are kept, and more are not allowed",
            "Ask without a key, or wait: each is kept for 24 hours",
        )
    try:
        answer = apply(context)
    except SkerryError:
        kept_answers.forget(db, mine.token_id, mine.key)
        raise
    kept_answers.keep(db, mine.token_id, mine.key, answer)
    return answer
