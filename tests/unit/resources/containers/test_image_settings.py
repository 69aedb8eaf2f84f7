"""What a container takes from its image where its own options say nothing."""

import dataclasses
from typing import Any

import pytest

from skerry.model.container import Container, Image, Spec
from skerry.resources.containers import anatomy, verbs

IMAGE = Image(
    digest="c" * 64,
    name="web",
    size=1,
    command=("nginx",),
    layers=("2" * 64, "1" * 64),
    user="www-data:games",
    workdir="/srv/web",
    ports=(80, 443, 8080),
)


def unit(container: Container, **spec: Any) -> Any:
    return anatomy.unit(dataclasses.replace(container, image=IMAGE, spec=Spec(image="web", **spec)))


def test_its_user_its_folder_and_both_of_its_files(container: Container) -> None:
    found = unit(container)
    assert (found.user, found.workdir, found.command) == ("www-data:games", "/srv/web", ("nginx",))
    assert found.lowers == IMAGE.layers


def test_its_own_options_win(container: Container) -> None:
    found = unit(container, user="1000", workdir="/", command=["/app"])
    assert (found.user, found.workdir, found.command) == ("1000", "/", ("/app",))


@pytest.mark.parametrize(
    ("image", "spec", "port", "services"),
    [
        (IMAGE, {}, 80, {"p443": 443, "p8080": 8080}),
        (IMAGE, {"port": 1071}, 1071, {}),
        (IMAGE, {"services": [{"name": "admin", "port": 9000}]}, 1071, {"admin": 9000}),
        (dataclasses.replace(IMAGE, ports=()), {}, 1071, {}),
        (dataclasses.replace(IMAGE, ports=tuple(range(1, 60))), {}, 1, {f"p{n}": n for n in range(2, 34)}),
    ],
)
def test_a_new_container_has_the_ports_of_its_image(
    image: Image, spec: Any, port: int, services: dict[str, int]
) -> None:
    found = verbs._with_ports(Spec(image="web", **spec), image)
    assert (found.port, {one.name: one.port for one in found.services}) == (port, services)
    assert Spec.model_validate(found.model_dump(mode="json")) == found
