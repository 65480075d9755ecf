from __future__ import annotations

import json
import re
import string
import uuid
from collections import Counter
from random import Random
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_goleak.load.template import parse_template


def expand(text: str, number: int = 7, *, seed: int = 1, url: bool = False) -> str:
    return parse_template(text).compile(Random(seed), url=url)(number)


def test_number_is_that_of_the_request() -> None:
    assert expand("/users/{n}?again={n}", 41) == "/users/41?again=41"


def test_uuid_is_a_version_4_uuid_and_each_is_another() -> None:
    generate = parse_template("{uuid}").compile(Random(1))
    texts = [generate(0) for _ in range(1000)]
    assert len(set(texts)) == 1000
    assert all(str(uuid.UUID(text)) == text for text in texts)
    assert {uuid.UUID(text).version for text in texts} == {4}
    assert {uuid.UUID(text).variant for text in texts} == {uuid.RFC_4122}


def test_uuid_is_what_the_standard_library_makes_of_the_same_bits() -> None:
    assert expand("{uuid}", seed=5) == str(uuid.UUID(int=Random(5).getrandbits(128), version=4))


def test_two_uuids_of_one_request_differ() -> None:
    first, second = expand("{uuid} {uuid}").split()
    assert first != second


def test_choice_takes_all_choices_about_equally_often() -> None:
    generate = parse_template("{choice:a,b,}").compile(Random(1))
    counts = Counter(generate(0) for _ in range(3000))
    assert set(counts) == {"a", "b", ""}
    assert min(counts.values()) > 850


def test_random_includes_both_ends_and_nothing_else() -> None:
    generate = parse_template("{random:-1, 2}").compile(Random(1))
    assert {int(generate(0)) for _ in range(500)} == {-1, 0, 1, 2}


def test_same_seed_same_expansions_and_other_seed_others() -> None:
    text = "{uuid}{random:1,1000000}{choice:a,b}"
    assert expand(text, seed=3) == expand(text, seed=3)
    assert expand(text, seed=3) != expand(text, seed=4)


@pytest.mark.parametrize(
    "literal",
    [
        '{"id": {"n": 1}}',
        "{}",
        "{N}",
        "{ n }",
        "{uuid:x}",
        "{choice}",
        "{random}",
        "{{",
        "}",
        "{n",
        "100%s %d %%",
        "{choice:a{b}",
    ],
)
def test_other_braces_and_percent_signs_are_literal(literal: str) -> None:
    assert parse_template(literal).is_constant
    assert expand(literal) == literal
    assert expand(literal + "{n}", 5) == literal + "5"


def test_placeholders_inside_json_need_no_escaping() -> None:
    body = expand('{"id":"{uuid}","n":{n},"nested":{"a":{random:3,3}}}', 12)
    assert json.loads(body)["n"] == 12
    assert json.loads(body)["nested"] == {"a": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{random:5,1}", r"\{random:5,1\} is an empty range, 5 is larger than 1; .* \{random:1,5000\}"),
        ("{random:}", r"\{random:\} is not a range"),
        ("{random:5}", r"\{random:5\} is not a range"),
        ("{random:1,2,3}", r"\{random:1,2,3\} is not a range"),
        ("{random:a,b}", r"\{random:a,b\} is not a range"),
        ("{random:1.5,2}", r"\{random:1.5,2\} is not a range"),
        ("/x/{choice:}", r"^\{choice:\} has nothing to choose from; expected for example \{choice:a,b\}"),
        ("{choice:,,}", r"\{choice:,,\} has nothing to choose from"),
    ],
)
def test_bad_arguments_are_refused_with_what_is_expected(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_template(text)


def test_expansions_in_urls_are_quoted_and_literal_structure_is_kept() -> None:
    text = "http://h:1/a b/é/{choice:x?y&z=1#f%+ ü}?q={n}&r=%20#frag"
    expanded = expand(text, 3, url=True)
    assert expanded == "http://h:1/a%20b/%C3%A9/x%3Fy%26z%3D1%23f%25%2B%20%C3%BC?q=3&r=%20#frag"


def test_literal_braces_in_urls_are_quoted() -> None:
    assert expand("/users/{id}", url=True) == "/users/%7Bid%7D"


placeholders = st.sampled_from(["{n}", "{uuid}", "{random:1,9}", "{choice:a,b}"])
literals = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(literals, placeholders), max_size=6), literals)
def test_literal_text_always_survives(pieces: list[tuple[str, str]], tail: str) -> None:
    text = "".join(literal + placeholder for literal, placeholder in pieces) + tail
    template = parse_template(text)
    assert template.is_constant is (not pieces)
    assert [*template.literals] == [*(literal for literal, _ in pieces), tail]
    values = {"{n}": "42", "{uuid}": "[0-9a-f-]{36}", "{random:1,9}": "[1-9]", "{choice:a,b}": "[ab]"}
    pattern = "".join(re.escape(literal) + values[placeholder] for literal, placeholder in pieces) + re.escape(tail)
    assert re.fullmatch(pattern, template.compile(Random(0))(42))


@given(st.text())
@example("{choice:a,b}{random:1,1")
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        template = parse_template(text)
    except ValueError as error:
        assert "expected" in str(error)  # noqa: PT017 - both outcomes are right
    else:
        if template.is_constant:
            assert template.compile(Random(0))(0) == text


@given(st.sets(st.integers(min_value=0, max_value=10**9), max_size=50))
def test_number_never_repeats(numbers: set[int]) -> None:
    generate = parse_template("k{n}").compile(Random(0))
    assert len({generate(number) for number in numbers}) == len(numbers)


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**12), st.integers())
def test_random_stays_in_its_range(low: int, width: int, seed: int) -> None:
    assert low <= int(expand(f"{{random:{low},{low + width}}}", seed=seed)) <= low + width


@given(st.text(st.characters(exclude_characters="{},", exclude_categories=["Cs"]), min_size=1))
@example("a?b#c")
def test_quoted_choices_stay_one_piece_of_the_url(choice: str) -> None:
    expanded = expand(f"http://h/{{choice:{choice}}}/end?q=1", url=True)
    parts = urlsplit(expanded)
    assert parts.path.endswith("/end")
    assert parts.query == "q=1"
    assert unquote(parts.path) == f"/{choice}/end"
    assert set(expanded) <= set(string.printable) - set(string.whitespace)
