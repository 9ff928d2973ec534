"""When a question is due again, by FSRS (https://github.com/open-spaced-repetition/py-fsrs).

What is kept of a learner are the answers alone. The cards that FSRS reckons with are made
anew from them each time, so that another version of FSRS may see them differently and
nothing needs to be converted.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from fsrs import Card, Rating, Scheduler

from labsupport.drills import Question
from labsupport.progress import Answer

# Without fuzz: the same answers always give the same days.
_FSRS = Scheduler(enable_fuzzing=False)


def rating(share: float) -> Rating:
    """What a mark means to FSRS: known, nearly known, or to be learned again."""
    if share == 1:
        return Rating.Good
    return Rating.Hard if share >= 0.75 else Rating.Again


def cards(answers: Iterable[Answer]) -> dict[str, Card]:
    """A card for each question that was answered, by its id."""
    made: dict[str, Card] = {}
    for answer in sorted(answers, key=lambda one: one.at):
        card = made.get(answer.question) or Card(card_id=0, due=answer.at)
        made[answer.question], _ = _FSRS.review_card(card, rating(answer.share), answer.at)
    return made


def queue(
    questions: Sequence[Question], answers: Iterable[Answer], now: datetime | None = None
) -> list[Question]:
    """The questions in the order in which they should be asked.

    First those that are due, the likeliest forgotten first; then those never asked, as
    they are learned; then those that are known for now, the soonest due first.
    """
    now = now or datetime.now(UTC)
    known = cards(answers)

    def place(question: Question) -> tuple[int, float]:
        card = known.get(question.id)
        if card is None:
            return (1, 0)
        if card.due <= now:
            return (0, _FSRS.get_card_retrievability(card, now))
        return (2, card.due.timestamp())

    return sorted(questions, key=place)


def due(
    questions: Iterable[Question], answers: Iterable[Answer], now: datetime | None = None
) -> list[Question]:
    """The questions that were answered before and are due again."""
    now = now or datetime.now(UTC)
    known = cards(answers)
    return [one for one in questions if one.id in known and known[one.id].due <= now]
