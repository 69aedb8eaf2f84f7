"""Who may talk to whom: what an entry means, which are refused, and whom the entries of a realm join."""

import dataclasses

import pytest
from pydantic import ValidationError

from skerry.model.container import Spec
from skerry.model.neighbours import Peer, Reach, links, parse

APP = Peer("1", "shop", "app", 1, up=True, reaches=("database:5432", "data/cache:6379"))
DATABASE = Peer("2", "shop", "database", 2, up=True)
CACHE = Peer("3", "data", "cache", 3, up=True, reachable_from=("shop/app",))


@pytest.mark.parametrize(
    ("text", "reach", "host_name"),
    [
        ("database:5432", Reach("", "database", 5432, "tcp"), "database"),
        ("database:5432/tcp", Reach("", "database", 5432, "tcp"), "database"),
        ("dns:53/udp", Reach("", "dns", 53, "udp"), "dns"),
        ("data/cache:65535", Reach("data", "cache", 65535, "tcp"), "cache.data.internal"),
    ],
)
def test_an_entry_names_a_neighbour_and_a_port(text, reach, host_name):
    assert (parse(text), parse(text).host_name) == (reach, host_name)


@pytest.mark.parametrize(
    "text",
    [
        "database", "database:", "database:0", "database:65536", "database:5432/icmp", "database:http", ":5432",
        "Database:5432", "data base:1", "data.base:1", "a/b/c:1", "other-realm/data/cache:1", "database:5432\n",
        "database:\u0665", f"{'d' * 33}:1", "-d:1", "d-:1", "database:1-2", "*:1",
    ],
)  # fmt: skip
def test_what_is_no_entry_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="database:5432"):
        parse(text)


@pytest.mark.parametrize("name", ["localhost", "ip6-localhost", "ip6-loopback", "ip6-gateway"])
def test_a_name_that_every_hosts_file_has_is_refused(name):
    with pytest.raises(ValueError, match="means the container itself"):
        parse(f"{name}:80")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("reaches", ["database:5432", "database:5432/tcp"], "there twice"),
        ("reaches", ["database"], "must be NAME:PORT"),
        ("reachable_from", ["app"], "must be PROJECT/NAME"),
        ("reachable_from", ["other/shop/app"], "must be PROJECT/NAME"),
        ("reachable_from", ["shop/*"], "must be PROJECT/NAME"),
        ("reachable_from", ["shop/app", "shop/app"], "there twice"),
    ],
)
def test_the_options_say_what_is_wrong(option, value, said):
    with pytest.raises(ValidationError, match=said):
        Spec(image="hello", **{option: value})


def test_an_entry_is_kept_in_one_form():
    assert Spec(image="hello", reaches=["a:1/tcp", "a:1/udp"]).reaches == ("a:1", "a:1/udp")


def joined(*peers):
    return [(link.source.name, str(link.reach), link.target.name) for link in links(peers)]


def test_one_reaches_its_project_and_who_lets_it_in():
    assert joined(APP, DATABASE, CACHE) == [
        ("app", "database:5432", "database"),
        ("app", "data/cache:6379", "cache"),
    ]


def test_another_project_that_says_nothing_is_not_reached():
    assert joined(APP, dataclasses.replace(CACHE, reachable_from=("shop/other", "data/app"))) == []


def test_nobody_is_reached_who_is_not_there_and_nobody_reaches_itself():
    assert joined(APP) == []
    assert joined(dataclasses.replace(APP, reaches=("app:80", "shop/app:80"))) == []


def test_two_may_reach_each_other():
    back = dataclasses.replace(DATABASE, reaches=("app:80",))
    assert ("database", "app:80", "app") in joined(APP, back)


def test_a_link_is_up_where_both_are():
    assert [link.up for link in links([APP, DATABASE, dataclasses.replace(CACHE, up=False)])] == [True, False]
