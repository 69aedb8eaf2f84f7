"""The figures as tables that fit a terminal and, as they are, a Markdown page."""

import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SiteRun:
    """One run of site.yml.

    Attributes:
        strategy: Ansible's own, or Mitogen.
        which: first or second on that lab.
        changed: results that changed something.
    """

    strategy: str
    which: str
    seconds: float
    tasks: int
    changed: int


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, its columns as wide as they must be; all but the first are figures."""
    lines = [tuple(header), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    shown = ["| " + " | ".join(cells) + " |" for cells in (_cells(lines[0], widths), rule)]
    shown += ["| " + " | ".join(_cells(line, widths)) + " |" for line in lines[1:]]
    return "\n".join([f"\n{title} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)\n", *shown, ""])


def _cells(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        line[0].ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
    ]


def p50(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """The value that 99 of 100 do not exceed; of fewer than 100 values, the largest."""
    return sorted(values)[-(-99 * len(values) // 100) - 1]


def percentiles(title: str, found: Mapping[str, Sequence[float]]) -> str:
    """p50, p99 and the count of each of ``found``, in milliseconds."""
    rows = [(what, f"{p50(each):.1f}", f"{p99(each):.1f}", f"{len(each)}") for what, each in found.items()]
    return table(title, ("ms", "p50", "p99", "rounds"), rows)


def ratios(found: Mapping[str, Sequence[float]], pairs: Iterable[tuple[str, str, str]]) -> str:
    """Ours over bare, of the medians; each pair with the goal, if there is one."""
    rows = [
        (f"{ours} / {bare}", f"{p50(found[ours]) / p50(found[bare]):.2f}", goal) for ours, bare, goal in pairs
    ]
    return table("Ours over bare", ("medians", "ratio", "goal"), rows)


@dataclass(frozen=True)
class Goal:
    """What a figure of ours shall be, beside another one, or by itself.

    Attributes:
        ours: what was measured of ours.
        other: what of others; empty where ours stands for itself.
        most: the largest that holds: a ratio, or milliseconds.
        ratio: ours divided by the other one, not less the other one.
    """

    ours: str
    other: str
    most: float
    ratio: bool = True

    @property
    def title(self) -> str:
        """What is compared."""
        return f"{self.ours} {'/' if self.ratio else 'less'} {self.other}" if self.other else self.ours

    def of(self, ours: float, other: float) -> float:
        """The figure that the goal is for."""
        return ours / other if self.ratio else ours - other


def goals(title: str, found: Mapping[str, Sequence[float]], wanted: Iterable[Goal]) -> str:
    """Each goal with its figure, of the medians and as the median of the rounds, and whether the first one holds.

    Raises:
        ValueError: the two were not measured in the same rounds.
    """
    rows = []
    for goal in wanted:
        ours = found[goal.ours]
        other = found[goal.other] if goal.other else [0.0] * len(ours)
        if len(ours) != len(other):
            raise ValueError(f"{goal.title}: {len(ours)} rounds and {len(other)}")
        medians, rounds = goal.of(p50(ours), p50(other)), p50([*map(goal.of, ours, other)])
        bound = f"≤ {goal.most:.3g}" + ("" if goal.ratio else " ms")
        held = "yes" if medians <= goal.most else "no"
        rows.append((goal.title, f"{medians:.3g}", f"{rounds:.3g}", bound, held))
    return table(title, ("", "of medians", "median of rounds", "goal", "held"), rows)


def memory(title: str, held: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Of several each, KiB by PSS and of that without the page cache: medians, in MiB."""
    rows = [
        (who, *(f"{p50([one[way] for one in each]) / 1024:.1f}" for way in ("Pss", "Pss_Anon")))
        for who, each in held.items()
    ]
    return table(title, ("MiB", "PSS", "without page cache"), rows)
