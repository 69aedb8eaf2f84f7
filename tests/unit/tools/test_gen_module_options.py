import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from skerry.model.container import Size, TakesEffect
from skerry.model.size import parse_size
from tools import gen_module_options
from tools.gen_module_options import NOTE, documentation, filled
from tools.module_options import options

MakeRepository = Callable[[dict[str, str]], Path]
REGION = f"# {NOTE}\nold\n# end of what is written\n"


class Inner(BaseModel):
    name: Annotated[str, Field(description="Its name.", max_length=13)]


class Model(BaseModel):
    size: Annotated[Size, Field(description="Its size.", ge=1024), TakesEffect("live")] = parse_size("1M")
    share: Annotated[float, Field(description="Its share.", ge=0.5, le=1024), TakesEffect("restart")] = 1.0
    words: Annotated[list[str] | None, Field(description="Its words.")] = None
    parts: Annotated[tuple[Inner, ...], Field(description="Its parts.", max_length=3)] = ()
    mood: Annotated[Literal["good", "bad"], Field(description="Its mood.")]


def test_a_field_becomes_an_option_with_all_that_the_model_says() -> None:
    found = {name: option.documented() for name, option in options(Model).items()}
    assert found == {
        "size": {
            "description": [
                "Its size.",
                "At least V(1K). A new container has V(1M). A change takes effect at once.",
            ],
            "type": "str",
        },
        "share": {
            "description": [
                "Its share.",
                (
                    "From V(0.5) to V(1024). A new container has V(1). "
                    "A change takes effect when the container is next started or restarted."
                ),
            ],
            "type": "float",
        },
        "words": {"description": ["Its words."], "type": "list", "elements": "str"},
        "parts": {
            "description": ["Its parts."],
            "type": "list",
            "elements": "dict",
            "suboptions": {
                "name": {
                    "description": ["Its name.", "At most 13 characters."],
                    "type": "str",
                    "required": True,
                }
            },
        },
        "mood": {"description": ["Its mood."], "type": "str", "choices": ["good", "bad"], "required": True},
    }
    assert options(Model)["parts"].spec["options"] == {"name": {"type": "str", "required": True}}


def test_the_defaults_of_the_model_stay_out() -> None:
    assert not any("default" in option.spec for option in options(Model).values())


def test_an_option_without_a_description_is_refused() -> None:
    class Silent(BaseModel):
        size: int = 1

    with pytest.raises(ValueError, match="no description"):
        options(Silent)


def test_a_type_that_ansible_has_not_is_refused() -> None:
    class Strange(BaseModel):
        size: Annotated[complex, Field(description="Odd.")] = 1j

    with pytest.raises(TypeError, match="no type of Ansible's"):
        options(Strange)


def test_both_regions_are_filled_at_their_indent() -> None:
    found = options(Inner)
    text = filled(
        "doc:\n  "
        + REGION.replace("\n", "\n  ")
        + "\nspec = {\n    "
        + REGION.replace("\n", "\n    ")
        + "\n}\n",
        found,
    )
    assert "  name:\n    description:\n" in text
    assert '    "name": {"type": "str", "required": True},\n' in text
    assert "old" not in text
    assert filled(text, found) == text


def test_a_module_without_its_regions_is_refused() -> None:
    with pytest.raises(ValueError, match="2 regions"):
        filled(REGION, options(Inner))


def test_documentation_keeps_the_models_order() -> None:
    assert documentation(options(Model)).index("size:") < documentation(options(Model)).index("share:")


def test_check_names_the_module_that_differs_and_writes_nothing(
    repository: MakeRepository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, table = "plugins/modules/skerry_container.py", "src/skerry/api_paths.py"
    root = repository({path: REGION * 2, table: ""})
    monkeypatch.setattr(gen_module_options, "MODULES", {"skerry_container": lambda: options(Inner)})
    monkeypatch.setattr(sys, "argv", ["gen_module_options", "--check"])
    assert gen_module_options.main(root) == 1
    lines = [f"{one} differs from the model: run `make options`\n" for one in (path, table)]
    assert capsys.readouterr().out == "".join(lines)
    assert ((root / path).read_text(), (root / table).read_text()) == (REGION * 2, "")
    monkeypatch.setattr(sys, "argv", ["gen_module_options"])
    assert gen_module_options.main(root) == 0
    monkeypatch.setattr(sys, "argv", ["gen_module_options", "--check"])
    assert gen_module_options.main(root) == 0
