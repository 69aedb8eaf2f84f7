"""Ansible's markup in descriptions, as Markdown. antsibull-docs-parser reads it, so that a slip in it is an error."""

from antsibull_docs_parser import dom
from antsibull_docs_parser.parser import Context, parse

OURS = "skerry.host."


def markdown(text: str) -> str:
    """A description as Markdown: names and values as code; modules and roles of ours as links to their section.

    Raises:
        ValueError: its markup is not right; the text says where.
    """
    paragraphs = parse(text, Context(), errors="exception", strict=True, add_source=True)
    return " ".join("".join(map(_part, paragraph)) for paragraph in paragraphs)


def _part(part: dom.AnyPart) -> str:
    match part:
        case dom.TextPart(text=text) | dom.RSTRefPart(text=text):
            return text
        case dom.LinkPart(text=text, url=url):
            return f"[{text}]({url})"
        case dom.URLPart(url=url):
            return f"<{url}>"
        case dom.ModulePart(fqcn=name):
            return _plugin(name, "module")
        case dom.PluginPart(plugin=plugin):
            return _plugin(plugin.fqcn, plugin.type)
        case dom.OptionNamePart() | dom.ReturnValuePart():
            said = f"`{part.name}`" if part.value is None else f"`{part.name}={part.value}`"
            return f"{said} of {_plugin(*part.plugin)}" if part.plugin else said
        case dom.EnvVariablePart(name=code) | dom.OptionValuePart(value=code) | dom.CodePart(text=code):
            return f"`{code}`"
        case dom.ItalicPart(text=text) | dom.BoldPart(text=text):
            return f"*{text}*"
    raise ValueError(f"{part.source}: a table's cell can have none")


def _plugin(name: str, kind: str) -> str:
    if name.startswith(OURS) and kind == "module":
        return f"[`{name}`](modules.md#{name.replace('.', '')})"
    if name.startswith(OURS) and kind == "role":
        return f"[`{name}`](roles.md#{name.removeprefix(OURS)})"
    return f"`{name}`"
