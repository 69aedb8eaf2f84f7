"""Names of tasks, handlers, blocks and plays begin with a verb of a closed list and hold no pronoun.

They are what an operator reads in a log and searches for.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.files import ROOT, report, repository_files

FOLDERS = (".config", "images", "molecule", "playbooks", "roles", "tests")
VENDORED = "tests/vendored/"  # as others wrote it
PLUGINS = ("plugins/filter", "plugins/lookup", "plugins/modules")
LISTS = frozenset({"tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"})
LONGEST = 70
WORD = re.compile(r"[a-z]+(?:[-_.=][a-z0-9]+)*")

VERBS = frozenset({
    "Add", "Apply", "Ask", "Back", "Build", "Check", "Choose", "Close", "Configure", "Copy", "Create", "Decrypt",
    "Delete", "Disable", "Enable", "Encrypt", "Export", "Fail", "Fetch", "Finish", "Format", "Freeze", "Gather",
    "Import", "Install", "List", "Load", "Mask", "Mount", "Open", "Partition", "Pin", "Publish", "Read", "Reboot",
    "Refuse", "Reload", "Remove", "Rename", "Repair", "Replace", "Reset", "Restart", "Restore", "Revoke", "Rotate",
    "Run", "Send", "Set", "Show", "Skip", "Start", "Stop", "Synchronize", "Thaw", "Unlock", "Unmount", "Unpack",
    "Update", "Validate", "Verify", "Wait", "Write",
})  # fmt: skip
PRONOUNS = frozenset({
    "i", "me", "my", "mine", "we", "us", "our", "ours", "you", "your", "yours", "he", "him", "his", "she", "her",
    "hers", "it", "its", "itself", "they", "them", "their", "theirs", "themselves", "this", "these", "those", "who",
    "whom", "whose", "which", "what", "whatever", "one", "ones", "other", "others", "another", "each", "all",
    "everything", "everybody", "everyone", "nothing", "nobody", "none", "something", "somebody", "someone",
    "anything", "anybody", "anyone", "some", "here", "there",
})  # fmt: skip
# "Verify that sshd refuses passwords": after these it is a conjunction, elsewhere a pronoun.
BEFORE_THAT = frozenset({"check", "ensure", "report", "show", "verify"})


@dataclass(frozen=True)
class Named:
    """A task, handler, block or play: its line, and its name or None."""

    line: int
    name: str | None


def wrong(name: str) -> Iterator[str]:
    """What is wrong with a name, a text each."""
    verb, *rest = name.split() or [""]
    if verb.rstrip(",") not in VERBS:
        yield f"begins with {verb!r}, which is no verb of tools/check_task_names.py"
    if not rest:
        yield "names no object of its verb"
    if len(name) > LONGEST:
        yield f"has {len(name)} characters, and may have {LONGEST}"
    words = WORD.findall(name.lower())
    for before, word in zip(["", *words], words, strict=False):
        if word in PRONOUNS or (word == "that" and before not in BEFORE_THAT):
            yield f"holds the pronoun {word!r}: name the thing"


def named(node: yaml.Node | None) -> Iterator[Named]:
    """The plays or tasks of a list, and those inside them; none, if it is no such list."""
    if not isinstance(node, yaml.SequenceNode):
        return
    for entry in node.value:
        if not isinstance(entry, yaml.MappingNode):
            continue
        values = {key.value: value for key, value in entry.value}
        name = values.get("name")
        yield Named(entry.start_mark.line + 1, name.value if isinstance(name, yaml.ScalarNode) else None)
        for key in LISTS & values.keys():
            yield from named(values[key])


def check_text(text: str, place: str, first: int = 1) -> Iterator[str]:
    """The wrong names of a YAML text that begins in line `first` of `place`, a line each."""
    for document in yaml.compose_all(text, Loader=yaml.SafeLoader):
        for entry in named(document):
            line = entry.line + first - 1
            if entry.name is None:
                yield f"{place}:{line}: has no name"
                continue
            for problem in wrong(entry.name):
                yield f"{place}:{line}: {entry.name!r} {problem}"


def examples(path: Path) -> Iterator[tuple[str, int]]:
    """A plugin's EXAMPLES and the line in which they begin; nothing, if it has none."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "EXAMPLES" for target in node.targets):
            yield str(ast.literal_eval(node.value)), node.value.lineno


def check_file(path: Path, place: str) -> Iterator[str]:
    """The wrong names of a file, which the repository calls `place`, a line each."""
    if place.startswith(VENDORED):
        return
    if path.suffix == ".py" and place.startswith(PLUGINS):
        for text, line in examples(path):
            yield from check_text(text, place, line)
    elif path.suffix in {".yml", ".yaml"} and (place.partition("/")[0] in FOLDERS or "/" not in place):
        yield from check_text(path.read_text(), place)


def main(root: Path = ROOT) -> int:
    """Check every file of tasks; the exit code."""
    files = [(path, path.relative_to(root).as_posix()) for path in repository_files(root)]
    return report(problem for path, place in files for problem in check_file(path, place))


if __name__ == "__main__":
    sys.exit(main())
