"""Marking answers to drills, and the words an answer is typed with."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from labsupport.drills import Kind, Question
from labsupport.errors import WrongUse


@dataclass(frozen=True)
class Mark:
    """What an answer was worth.

    Attributes:
        share: from 0 to 1: of the options, how many were dealt with as they should be; of
            a checklist, how many points were made.
        missed: what should have been chosen and was not.
        extra: what was chosen and should not have been.
    """

    share: float
    missed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether nothing was missing and nothing too much."""
        return self.share == 1


def mark(question: Question, given: Sequence[str]) -> Mark:
    """Compare an answer with the right one.

    Args:
        question: what was asked.
        given: the options chosen; all of them in order for `order`; the points made for
            `aloud`.
    """
    if question.kind is Kind.ORDER:
        placed = sum(a == b for a, b in zip(given, question.right, strict=False))
        return Mark(placed / len(question.right))
    missed = tuple(one for one in question.right if one not in given)
    extra = tuple(one for one in given if one not in question.right)
    if question.kind in (Kind.CHOOSE, Kind.MISTAKE):
        return Mark(float(not missed and not extra), missed, extra)
    return Mark(1 - (len(missed) + len(extra)) / len(question.options), missed, extra)


def shuffled(question: Question, seed: int) -> list[str]:
    """The options in the order in which they are shown, the same for the same seed.

    A grid and a checklist are read in the order in which they were written.
    """
    options = list(question.options)
    if question.kind not in (Kind.GRID, Kind.ALOUD):
        random.Random(f"{seed} {question.id}").shuffle(options)  # noqa: S311 (no secret)
    if question.kind is Kind.ORDER and options == list(question.right):
        options.reverse()  # what is to be put in order is never shown in order
    return options


def typed(question: Question, options: Sequence[str], text: str) -> list[str]:
    """The options that were typed by their numbers: `2`, `1 3`, `1,3`, or `-` for none.

    Raises:
        WrongUse: a word is no number of an option, or there are too many or too few.
    """
    words = text.replace(",", " ").split()
    if words == ["-"]:
        words = []
    elif not words:
        raise WrongUse(_how(question, options))
    chosen = [_number(word, options) for word in words]
    if None in chosen or len(set(chosen)) < len(chosen) or not _fits(question, options, chosen):
        raise WrongUse(_how(question, options))
    return [options[number] for number in chosen if number is not None]


def _number(word: str, options: Sequence[str]) -> int | None:
    ours = word.isascii() and word.isdigit() and 1 <= int(word) <= len(options)
    return int(word) - 1 if ours else None


def _fits(question: Question, options: Sequence[str], chosen: Collection[int | None]) -> bool:
    if question.kind is Kind.ORDER:
        return len(chosen) == len(options)
    return len(chosen) == 1 or question.kind not in (Kind.CHOOSE, Kind.MISTAKE)


def _how(question: Question, options: Sequence[str]) -> str:
    last = len(options)
    if question.kind in (Kind.CHOOSE, Kind.MISTAKE):
        return f"Type one number from 1 to {last}."
    if question.kind is Kind.ORDER:
        return f"Type all numbers from 1 to {last} in the right order, each once."
    return f"Type numbers from 1 to {last} with spaces between them, or - for none."
