"""Patterns: tables of what matches, and that no pattern can take long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingxin.attention import globs

WHOLE = [
    ("m.room.message", "m.room.message", True),
    ("m.room.message", "m.room.messages", False),
    ("m.room.*", "m.room.message", True),
    ("m.room.*", "m.room.", True),
    ("*.message", "m.room.message", True),
    ("*", "", True),
    ("", "", True),
    ("", "a", False),
    ("lunc?*", "lunch plans", True),
    ("lunc?*", " lunch", False),
    ("lunc?*", "lunc", False),
    ("a*a", "a", False),
    ("a*a", "aa", True),
    ("a*b*c", "a-c-b-c", True),
    ("a*b*c", "a-c-b", False),
    ("?", "茶", True),
    ("?", "ab", False),
    ("a.c", "abc", False),
    ("a\nb", "a\nb", True),
    ("a*b", "a\n\nb", True),
    ("[a-z]+", "[a-z]+", True),
    ("x**y", "xy", True),
]

WITHIN = [
    ("ex*ple", "an example event.", True),
    ("ex*ple", "exple", True),
    ("ex*ple", "an exciting triple-whammy", True),
    ("ex*ple", "an exciting triplewhammy", False),
    ("cake", "cake", True),
    ("cake", "a cake!", True),
    ("cake", "cupcake", False),
    ("cake", "cakes", False),
    ("cake", "cake_2", False),
    ("cake", "我要cake吗", True),
    ("茶", "喝茶吧", True),
    ("cake*lie", "the cake is a lie", True),
    ("cake*lie", "the cake is a liege", False),
    ("cake*lie", "the cake is a liege, or a lie", True),
    ("@room", "@room lunch", True),
    ("@room", "hello @room!", True),
    ("@room", "hello @roomy", False),
    ("f?o", "a foo b", True),
    ("f?o", "a f o b", True),
    ("f?o", "a fo b", False),
    ("*", "", True),
    ("", "anything", True),
    ("foo*", "a foobar", True),
    ("foo*", "a zfoo", False),
    ("*foo", "zfoo bar", True),
    ("a.c", "an abc", False),
]


@pytest.mark.parametrize(("pattern", "text", "matches"), WHOLE)
def test_a_whole_text_matches(pattern: str, text: str, matches: bool) -> None:
    assert globs.whole(pattern)(text) is matches


@pytest.mark.parametrize(("pattern", "text", "matches"), WITHIN)
def test_a_part_between_word_boundaries_matches(pattern: str, text: str, matches: bool) -> None:
    assert globs.within(pattern)(text) is matches


texts = st.text("ab_ .-茶", max_size=12)
patterns = st.text("ab_ .-茶*?", max_size=8)


def expression(pattern: str) -> str:
    """The glob as a backtracking regular expression: slow, but plainly right."""
    return "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)


@settings(deadline=None)
@given(patterns, texts)
def test_whole_agrees_with_the_plain_definition(pattern: str, text: str) -> None:
    plain = re.fullmatch(expression(pattern), text, re.DOTALL) is not None
    assert globs.whole(pattern)(text) is plain


@settings(deadline=None)
@given(patterns, texts)
def test_within_agrees_with_the_plain_definition(pattern: str, text: str) -> None:
    def boundary(at: int) -> bool:
        return not (
            0 < at < len(text) and re.match("[a-z0-9_]{2}", text[at - 1 : at + 1]) is not None
        )

    ends = [at for at in range(len(text) + 1) if boundary(at)]
    fits = re.compile(expression(pattern), re.DOTALL).fullmatch
    plain = any(fits(text[a:b]) for a in ends for b in ends if a <= b)
    assert globs.within(pattern)(text) is plain


@settings(deadline=None)
@given(texts, texts)
def test_a_phrase_is_a_pattern_without_wildcards(phrase: str, text: str) -> None:
    assert globs.phrase(phrase)(text) is globs.within(phrase)(text)


def test_a_hostile_pattern_takes_no_longer_than_a_friendly_one() -> None:
    # With a backtracking matcher this test does not end.
    pattern, text = "a*" * 500 + "b", "a" * 65_536
    assert globs.whole(pattern)(text) is False
    assert globs.within(pattern)(text) is False
