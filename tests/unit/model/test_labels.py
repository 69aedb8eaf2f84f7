"""Which labels a container may have, and what is said of the others."""

import pytest

from skerry.model.container import Spec
from skerry.model.errors import SkerryError
from skerry.resources.containers.verbs import parse_spec


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"app": "web"},
        {"example.org/tier": "", "0_a-b": "ü = \U0001f600 'x'"},
        {"a" * 63: "v" * 255},
        {f"key{number}": "" for number in range(64)},
    ],
)
def test_right_labels_arrive_as_they_are(labels: dict[str, str]) -> None:
    assert parse_spec({"image": "x", "labels": labels}).labels == labels


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"App": "web"}, "labels: 'App' is not a key. Give at most 63 lower-case letters, digits, dots"),
        ({"": "web"}, "labels: '' is not a key"),
        ({"-a": "web"}, "labels: '-a' is not a key"),
        ({"a\n": "web"}, "labels: 'a\\n' is not a key"),
        ({"a" * 64: "web"}, "is not a key"),
        ({"a": "v" * 256}, "labels: the value of a has 256 characters. Give at most 255"),
        ({"a": "x\ny"}, "labels: the value of a has a control character. Give one line of plain text"),
        ({"a": "\x1b[31m"}, "labels: the value of a has a control character"),
        ({"a": "x\u2028y"}, "labels: the value of a has a control character"),
        ({"a": "\ud800"}, "labels"),
        ({"a": 1}, "labels, a: 1 is not allowed. Give text, in quotes"),
        ({"a": None}, "labels, a: None is not allowed. Give text, in quotes"),
        (["a"], "labels: ['a'] is not allowed. Give names, each with its value"),
        ({f"key{number}": "" for number in range(65)}, "labels: there are 65 labels. Give at most 64"),
    ],
)
def test_a_wrong_label_is_named(labels: object, words: str) -> None:
    with pytest.raises(SkerryError) as caught:
        parse_spec({"image": "x", "labels": labels})
    assert words in str(caught.value)


def test_their_order_means_nothing() -> None:
    one, other = ({"b": "2", "a": "1"}, {"a": "1", "b": "2"})
    assert list(Spec(image="x", labels=one).labels) == list(other)


def test_a_container_of_an_older_store_has_none() -> None:
    older = Spec(image="x").model_dump_json(exclude={"labels"})
    assert Spec.model_validate_json(older).labels == {}
