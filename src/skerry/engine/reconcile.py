"""What the engine does when it starts: settle what a crash left open, bring the host to what the store says."""

import logging
from typing import Any

from skerry.engine import executor
from skerry.engine.engine import Engine
from skerry.model.errors import SkerryError
from skerry.resources.kind import Context, Kind
from skerry.store import operations
from skerry.store.operations import Operation

_log = logging.getLogger(__name__)


def reconcile(engine: Engine) -> None:
    """Settle and reconcile, kind by kind: what others stand on comes first.

    One resource that cannot be settled does not keep the others down; the log names it.

    Raises:
        SkerryError: the journal has an open operation of a kind or a part that is not registered.
    """
    context, left = engine.context, operations.unfinished(engine.context.db)
    for operation in left:  # before anything is touched
        engine.kinds[operation.kind].load(operation.plan)
    for kind in engine.kinds:
        for operation in left:
            if operation.kind == kind.name:
                _settle(context, kind, operation)
        kind.reconcile(context)


def _settle(context: Context, kind: Kind[Any], operation: Operation) -> None:
    try:
        outcome = executor.recover(context, kind, operation)
        _log.warning("%s of %s was cut off: %s", operation.verb, operation.resource, outcome)
    except (SkerryError, OSError):
        _log.exception("%s of %s was cut off and cannot be settled", operation.verb, operation.resource)
