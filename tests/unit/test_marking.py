"""Answers and what they are worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport import drills, marking
from labsupport.drills import Kind, Question
from labsupport.errors import WrongUse

QUESTIONS = drills.load()


def question(kind, options, right):
    return Question(
        "an-id", "model", 1, Kind(kind), "?", tuple(options), tuple(right), "A.", "", ("?", ""), 1
    )


ONE = question("choose", "abc", "a")
SEVERAL = question("choose several", "abcd", "ab")
ORDER = question("order", "abc", "abc")
ALOUD = question("aloud", "abcd", "abcd")


@pytest.mark.parametrize(
    ("asked", "given", "share"),
    [
        (ONE, "a", 1),
        (ONE, "b", 0),
        (SEVERAL, "ab", 1),
        (SEVERAL, "ba", 1),
        (SEVERAL, "a", 0.75),
        (SEVERAL, "abc", 0.75),
        (SEVERAL, "cd", 0),
        (SEVERAL, "", 0.5),
        (ORDER, "abc", 1),
        (ORDER, "acb", 1 / 3),
        (ALOUD, "abc", 0.75),
        (ALOUD, "", 0),
    ],
)
def test_marks(asked, given, share):
    mark = marking.mark(asked, list(given))
    assert mark.share == pytest.approx(share)
    assert mark.right is (share == 1)


def test_a_mark_names_what_was_missed_and_what_was_too_much():
    mark = marking.mark(SEVERAL, ["a", "c"])
    assert (mark.missed, mark.extra) == (("b",), ("c",))


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda q: q.id)
def test_only_the_right_answer_is_right(asked):
    assert marking.mark(asked, asked.right).right
    for option in asked.options:
        other = [one for one in asked.right if one != option]
        other = other if option in asked.right else [*asked.right, option]
        if asked.kind is Kind.ORDER:
            other = [*asked.right[1:], asked.right[0]]
        assert not marking.mark(asked, other).right


@pytest.mark.parametrize(
    ("asked", "text", "chosen"),
    [
        (ONE, "2", "b"),
        (SEVERAL, "1 3", "ac"),
        (SEVERAL, "3,1", "ca"),
        (SEVERAL, "-", ""),
        (ORDER, "3 1 2", "cab"),
        (ALOUD, " 1  2 ", "ab"),
    ],
)
def test_typed_answers(asked, text, chosen):
    assert marking.typed(asked, asked.options, text) == list(chosen)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (ONE, ""), (ONE, "4"), (ONE, "0"), (ONE, "1 2"), (ONE, "-"), (ONE, "a"), (ONE, "²"),
        (SEVERAL, "1 1"), (SEVERAL, ""), (SEVERAL, "1 x"), (ORDER, "1 2"), (ORDER, "1 1 2"),
    ],
)  # fmt: skip
def test_a_slip_of_the_fingers_is_no_answer(asked, text):
    with pytest.raises(WrongUse, match="Type "):
        marking.typed(asked, asked.options, text)


@given(st.sampled_from(QUESTIONS), st.integers())
def test_shuffling_keeps_the_options_and_depends_on_the_seed_alone(asked, seed):
    shown = marking.shuffled(asked, seed)
    assert sorted(shown) == sorted(asked.options)
    assert shown == marking.shuffled(asked, seed)
    if asked.kind is Kind.ORDER:
        assert shown != list(asked.right)
