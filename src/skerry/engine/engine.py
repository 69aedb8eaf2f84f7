"""Dispatch: from a request to its kind, and one loop for what it asks for: find, decide, do, answer."""

import collections
import contextlib
import dataclasses
import functools
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from skerry import __version__
from skerry.engine import admission, executor
from skerry.engine.admission import Asker
from skerry.engine.executor import Running
from skerry.engine.locks import Locks
from skerry.engine.repeats import Repeats
from skerry.model.errors import Code, SkerryError
from skerry.parts.base import Progress, journaled_title
from skerry.protocol import core, hosts
from skerry.protocol.core import Request, Table
from skerry.resources.kind import (
    Alone,
    Answer,
    Client,
    Context,
    Decide,
    Kind,
    Kinds,
    Looking,
    Observer,
    Plan,
    Still,
    lock,
)
from skerry.store import operations


def _unheard(_event: dict[str, Any]) -> None:
    return None


@dataclasses.dataclass
class _Work:
    """One request on its way: what is found, which decisions are left, which plans are made and done."""

    context: Context
    kind: Kind[Any]
    request: Any
    found: Any
    left: collections.deque[Decide[Any]] = dataclasses.field(default_factory=collections.deque)
    plans: list[Plan[Any]] = dataclasses.field(default_factory=list)
    timings: list[list[float]] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    def hear(self, progress: Progress, event: dict[str, Any]) -> None:
        """Pass progress on, and keep what a part warns of for the answer."""
        if event["event"] == "warning":
            self.warnings.append(event["text"])
        else:
            progress(event)

    def look(self) -> None:
        """Find out what the decisions that are left need and takes long. Outside a transaction: nobody waits for it."""
        for decide in self.left:
            if isinstance(decide, Looking):
                decide.look(self._found())

    def begin_next(self) -> Running | None:
        """Decide, from what is there now, and begin the next plan that changes something. Inside a transaction.

        In a dry run what is there now is what the plan before would have left.
        """
        self.found = self._found()
        while self.left:
            plan = self.left.popleft()(self.found)
            if plan is not None and plan.changed:
                self.plans.append(plan)
                return executor.begin(self.context, self.kind, plan, chained=bool(self.left))
        return None

    def _found(self) -> Any:
        if not self.context.dry_run:
            return self.kind.find(self.context, self.request)
        if self.plans and not self.plans[-1].aside:
            return self.plans[-1].after
        return self.found

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """No two operations get the same name, id or slot: what is decided is written in one transaction."""
        return contextlib.nullcontext() if self.context.dry_run else self.context.db.transaction()


class Engine:
    """All verbs of all kinds. Safe to call from several threads.

    Raises:
        ValueError: a verb of the table has nobody who answers it.
    """

    def __init__(self, context: Context, kinds: Kinds, table: Table) -> None:
        self.context, self.kinds, self.table = context, kinds, table
        self._locks = Locks()
        self._repeats = Repeats(self._told)
        self._own: dict[str, Callable[[Context, Any], Answer]] = {
            "operations": self._operations,
            "status": self._status,
        }
        for verb in table.verbs():
            self._check(verb)

    def _check(self, verb: core.Verb) -> None:
        for kind in verb.request.answered_by or (verb.resource.name,):
            if kind == hosts.RESOURCE.name:
                answered = verb.name in self._own
            else:
                found = next((one for one in self.kinds if one.name == kind), None)
                reads = {} if found is None else {**found.readers(), **found.streamers()}
                answered = found is not None and verb.name in (found.planners() if verb.changes else reads)
            if not answered:
                raise ValueError(f"nobody answers the verb {verb.name!r} of {kind}")

    def answer(
        self,
        request: Request | core.PlanOnly,
        progress: Progress = _unheard,
        asker: Asker | None = None,
        client: Client | None = None,
    ) -> Answer:
        """Answer one request, whatever its kind.

        Args:
            request: what is asked.
            progress: is told each step that is done.
            asker: the token that asks; None where root does.
            client: gets the lines of a stream.

        Raises:
            SkerryError: it was refused or failed.
        """
        context = self.context
        if asker is not None:
            token = admission.admit(context.db, asker, request)
            context = dataclasses.replace(
                context, asker=token, if_match=asker.if_match, request=secrets.token_hex(12)
            )
        if isinstance(request, core.PlanOnly):
            return self._apply(context, request.of, progress, dry_run=True)
        verb = self.table.verb_of(request)
        if verb.name in self._own:
            return self._own[verb.name](context, request)
        if isinstance(request, core.Change):
            apply = functools.partial(self._apply, request=request, progress=progress, dry_run=False)
            key = asker.key if asker else ""
            return self._repeats.answer(context, request, key, apply) if key else apply(context)
        kind = self.kinds[verb.resource.name]
        if client is not None and verb.name in kind.streamers():
            return kind.streamers()[verb.name](context, request, client)
        return kind.readers()[verb.name](context, request)

    def goes_on(self, request: Request | core.PlanOnly) -> bool:
        """Whether a request is answered by a stream."""
        if isinstance(request, core.PlanOnly) or request.verb in self._own:
            return False
        return request.verb in self.kinds[self.table.verb_of(request).resource.name].streamers()

    def is_good(self, request: Request | core.PlanOnly, asker: Asker) -> bool:
        """Whether a token may still ask what it was answered, or is just being."""
        return admission.is_good(self.context.db, asker, request)

    def by_itself(self, request: Request, still: Still, patience: float | None = None) -> None:
        """Carry out a request that no client sent, unless it is out of date when its turn has come.

        Args:
            request: what is to be done.
            still: whether it is still wanted, asked while no other operation runs on the resource.
            patience: seconds to wait for another operation; by default as many as a client waits.

        Raises:
            SkerryError: it was refused or failed.
        """
        self._apply(self.context, request, _unheard, dry_run=False, still=still, patience=patience)

    def observers(self) -> list[Observer]:
        """What looks after the resources of all kinds."""
        return [
            one
            for kind in self.kinds
            for one in kind.observers(self.context, self._alone(kind), self.by_itself)
        ]

    def _apply(
        self,
        context: Context,
        request: Request,
        progress: Progress,
        *,
        dry_run: bool,
        still: Still = lambda _found: True,
        patience: float | None = None,
    ) -> Answer:
        """What a request asks for, done; where ``dry_run``, only decided: nothing is written, nobody waits."""
        verb = self.table.verb_of(request)
        kind = self.kinds[request.kind() or verb.resource.name]
        if dry_run:
            context = dataclasses.replace(context, dry_run=True)
            return self._loop(_Work(context, kind, request, kind.find(context, request)), verb.name, _unheard)
        names = (verb.resource.plural,) if kind.serial else kind.locks(request)
        wait = kind.patience if patience is None else patience
        with contextlib.ExitStack() as locked:
            for name in sorted(names):  # in the same order as everybody else
                locked.enter_context(self._locks.only(name, wait, progress))
            if context.asker is not None:
                admission.check_unchanged(context.db, context.asker)
            found = self._settled(context, kind, request)
            if not still(found):
                return {}
            return self._loop(_Work(context, kind, request, found), verb.name, progress)

    def _alone(self, kind: Kind[Any]) -> Alone:
        """How an observer of a kind keeps operations away from one of its resources, if none runs there now."""
        return lambda name: self._locks.only(lock(kind.name, name), 0.0, _unheard)

    def _loop(self, work: _Work, verb: str, progress: Progress) -> Answer:
        """Each plan of a request, done before the next one is decided.

        The next one begins in the transaction that closes the one before it: the plans of a request are one chain.
        """
        context, kind = work.context, work.kind
        before = None if work.found is None else kind.view(context, work.found)
        admission.check_state(context.if_match, kind.name, before)
        work.left.extend(kind.planners()[verb](context, work.request, work.found))
        work.look()
        with work.transaction():
            running = work.begin_next()
        while running is not None:
            told = {"verb": running.plan.verb, "steps": running.plan.titles(), "operation": running.id}
            progress({"event": "plan", **told})
            hear = functools.partial(work.hear, progress)
            done = executor.run(running, hear, work.begin_next, look=work.look)
            work.timings.append(done.timings)
            if isinstance(done.following, SkerryError):
                raise done.following
            running = done.following
        return self._answer(work, before)

    def _settled(self, context: Context, kind: Kind[Any], request: Any) -> Any:
        """The resource, after what an earlier operation could not write down (a full disk) has been settled."""
        found = kind.find(context, request)
        if kind.serial:
            left = operations.unfinished(self.context.db, kind.name)
        elif found is not None:
            left = operations.unfinished(self.context.db, kind.name, kind.about(found)[0])
        else:
            return None
        for operation in left:
            executor.recover(self.context, kind, operation)
        return kind.find(context, request) if left else found

    def _told(self, context: Context, found: Sequence[operations.Operation]) -> Answer:
        """The answer to a request that was carried out, from its operations."""
        kind = self.kinds[found[0].kind]
        plans = [kind.load(one.plan) for one in found]
        work = _Work(context, kind, None, plans[-1].after, plans=plans)
        work.timings.extend(one.timings for one in found)
        first = plans[0].before
        return self._answer(work, None if first is None else kind.view(context, first))

    def _answer(self, work: _Work, before: Answer | None) -> core.Changed:
        context, kind, plans = work.context, work.kind, work.plans
        changed = any(plan.lasting for plan in plans)
        after = None if work.found is None else kind.view(context, work.found)
        once = {} if context.dry_run else {k: v for plan in plans for k, v in plan.once.items()}
        promised = kind.warnings(context, plans[0].before, work.found) if plans else ()
        answer: core.Changed = {
            "changed": changed,
            "before": None if before is None else dict(before),
            "after": None if after is None else dict(after),
            "plans": [_shown(plan) for plan in plans] if changed else [],
            "timings_ms": work.timings if changed and not context.dry_run else [],
            "warnings": [*work.warnings, *(text for plan in plans for text in plan.warnings), *promised],
            "missing": "" if before or after else kind.missing(context, work.request),
        }
        if once:
            answer["once"] = once
        return answer

    def _operations(self, context: Context, request: hosts.Operations) -> hosts.Journal:
        """The newest operations: what each planned, how long its steps took, how it ended, which token asked."""
        token = context.asker
        if token is None or token.operators:
            found, own = operations.recent(context.db, request.count, request.id), ""
        else:
            found = operations.recent_of(
                context.db, request.count, token.realm_id, token.project_ids, request.id
            )
            own = f"{token.key.realm}/"
        if request.id is not None and not found:
            raise SkerryError(
                Code.NOT_FOUND,
                f"there is no operation {request.id}",
                "The verb operations shows those there are",
            )
        return {
            "operations": [
                {
                    "id": item.id,
                    "verb": item.verb,
                    "kind": item.kind,
                    "resource": item.resource,
                    "resource_id": item.resource_id,
                    "state": item.state,
                    "error": item.error,
                    "started": item.started,
                    "done": item.done,
                    "steps": [journaled_title(step) for step in item.plan["steps"]],
                    "stored": item.plan.get("stored", []),
                    "timings_ms": item.timings,
                    "token": item.token if item.token.startswith(own) else "",
                    "token_id": item.token_id if item.token.startswith(own) else "",
                    "next": item.next,
                }
                for item in found
            ]
        }

    def _status(self, context: Context, _request: hosts.Status) -> hosts.Figures:
        """The host in a few figures: its own, then those of each kind, which are the operator's business."""
        found = {
            "version": __version__,
            "wire_version": core.WIRE_VERSION,
            "kinds": {resource.name: resource.version for resource in self.table.resources},
            "domain": self.context.host.domain,
            "fences": self.context.host.fences,
        }
        if context.asker is None or context.asker.operators:
            for kind in self.kinds:
                found |= kind.figures(context)
        return found


def _shown(plan: Plan[Any]) -> core.ShownPlan:
    return {
        "verb": plan.verb,
        "steps": plan.titles(),
        "stored": list(plan.stored),
        "restart_required": list(plan.restart_required),
    }
