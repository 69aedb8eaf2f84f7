"""Rebuild a lost store from what stands beside the files of containers and volumes."""

from collections.abc import Sequence

from skerry.model.backup import HostState
from skerry.model.errors import Code, SkerryError
from skerry.model.kept_spec import KeptSpec
from skerry.protocol.state import StateRecover
from skerry.resources import names
from skerry.resources.kind import Context, Decide, Looking, Plan
from skerry.resources.state import specs
from skerry.store.kept_specs import Outcome

RECOVER = "state_recover"


def recover(
    context: Context, _request: StateRecover, _found: HostState | None
) -> Sequence[Decide[HostState]]:
    """What can be rebuilt is written in one transaction when the plan is done; it needs no step."""
    outcomes: list[Outcome] = []

    def look(_found: HostState | None) -> None:
        outcomes.append(specs.tried(context))

    def decide(found: HostState | None) -> Plan[HostState] | None:
        outcome = outcomes[-1]
        if found is None:
            raise ValueError("a host remembers something always")
        if not outcome.rebuilt:
            if outcome.left:
                raise _nothing(outcome)
            return None
        return Plan(
            RECOVER,
            found,
            _after(found, outcome.rebuilt),
            (),
            "undo",
            stored=(
                *map(_told, outcome.rebuilt),
                "a higher epoch: no id comes twice; the engine starts anew",
            ),
            warnings=tuple(_warnings(outcome)),
        )

    return [Looking(look, decide)]


def _nothing(outcome: Outcome) -> SkerryError:
    told = names.listed([f"{what} ({why})" for what, why in outcome.left])
    return SkerryError(
        Code.INVALID,
        f"nothing can be rebuilt of what the pool has and this host does not know: {told}",
        "'skerry state info' lists all of it as recoverable, each with the reason",
    )


def _after(found: HostState, rebuilt: Sequence[KeptSpec]) -> HostState:
    def all_of(kind: str, known: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted({*known, *(one.name for one in rebuilt if one.kind == kind)}))

    aliases = [str(row["name"]) for one in rebuilt for row in one.rows.get("alias", ())]
    return HostState(
        domain=found.domain,
        epoch=0,
        containers=all_of("container", found.containers),
        volumes=all_of("volume", found.volumes),
        secrets=all_of("secret", found.secrets),
        aliases=tuple(sorted({*found.aliases, *aliases})),
        images=all_of("image", found.images),
    )


def _told(spec: KeptSpec) -> str:
    """One of the rebuilt, in a line: ``container default/default/blog, with 2 snapshots, alias shop``."""
    rows = spec.rows
    count = len(rows.get("snapshot", ()))
    beside = [f"{count} snapshot{'s' * (count != 1)}"] if count else []
    beside += [f"alias {row['name']}" for row in rows.get("alias", ())]
    return f"{spec}, with {', '.join(beside)}" if beside else str(spec)


def _warnings(outcome: Outcome) -> Sequence[str]:
    """What a person should know of it."""
    return (
        *(f"not rebuilt: {what}: {why}" for what, why in outcome.left),
        *(f"lost: {text}" for text in outcome.lost),
        "the journal of before is lost, and with it what was done when",
    )
