"""What the suite says at its end: what it ran, what it left out, and why."""

from collections.abc import Iterator, Sequence

from tests.docs.pages import Command
from tests.docs.playbooks import play
from tests.docs.reader import Ran
from tests.docs.rules import Rules

SHOWN = 88


def table(commands: Sequence[Command], ran: Sequence[Ran], rules: Rules) -> Iterator[str]:
    """Lines: a row a page, then what was left out, below its reason."""
    left = [command for command in commands if rules.reason(command)]
    yield f"{'page':<36}{'run':>5}{'left out':>10}{'seconds':>10}"
    for page in dict.fromkeys(command.page for command in commands):
        mine = [one for one in ran if one.command.page == page]
        out = sum(command.page == page for command in left)
        yield f"{page:<36}{len(mine):>5}{out:>10}{sum(one.seconds for one in mine):>10.1f}"
    yield f"{'all':<36}{len(ran):>5}{len(left):>10}{sum(one.seconds for one in ran):>10.1f}"
    for reason in sorted({rules.reason(command) for command in left}):
        yield f"\nleft out: {reason}"
        yield from (_row(command) for command in left if rules.reason(command) == reason)


def _row(command: Command) -> str:
    text = " ".join(command.text.partition("  #")[0].split())
    cut = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    checked = "syntax, variables" if play(command) else ""
    return f"  {command.where:<36}{cut:<{SHOWN}}  {checked}".rstrip()
