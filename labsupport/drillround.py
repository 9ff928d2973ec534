"""A round of drills: what is asked next, and what it came to. No input and no output here.

The terminal and the notebook both play it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from labsupport.drills import TOPICS, Question
from labsupport.marking import Mark

AGAIN_AFTER = 3
"""How many other questions come before one that was answered wrong is asked again."""


@dataclass
class Round:
    """Questions to be asked until each was answered right once.

    Attributes:
        queue: what is still to be asked; the first is the current one.
        again: whether a question that was answered wrong comes back. Not in an interview.
        first: the first mark of each question, which is what counts, by its id.
    """

    queue: list[Question]
    again: bool = True
    first: dict[str, Mark] = field(default_factory=dict)
    asked: dict[str, Question] = field(default_factory=dict)

    @property
    def current(self) -> Question | None:
        """The question to be answered now, or None at the end of the round."""
        return self.queue[0] if self.queue else None

    def answered(self, mark: Mark) -> bool:
        """Take the current question's mark, and say whether it comes back in this round."""
        question = self.queue.pop(0)
        self.asked[question.id] = question
        self.first.setdefault(question.id, mark)
        comes_back = self.again and not mark.right
        if comes_back:
            self.queue.insert(AGAIN_AFTER, question)
        return comes_back

    def skipped(self) -> None:
        """Leave the current question out; it counts as not attempted."""
        self.queue.pop(0)


@dataclass(frozen=True)
class Score:
    """How a topic went: the questions attempted, and the sum of their marks."""

    topic: str
    attempted: int
    points: float

    @property
    def percent(self) -> int:
        """The points of a hundred, rounded down so that 100 means all right."""
        return int(100 * self.points / self.attempted)


def scores(played: Round) -> list[Score]:
    """The score by topic, in the order in which topics are learned."""
    found = []
    for topic in TOPICS:
        shares = [played.first[id].share for id, one in played.asked.items() if one.topic == topic]
        if shares:
            found.append(Score(topic, len(shares), sum(shares)))
    return found


def read_again(played: Round) -> Mapping[int, Sequence[Question]]:
    """What was not answered right, by the number of the notebook that teaches it."""
    missed: dict[int, list[Question]] = {}
    for id, question in played.asked.items():
        if not played.first[id].right:
            missed.setdefault(question.notebook, []).append(question)
    return dict(sorted(missed.items()))


def interview_of(queue: Iterable[Question], minutes: float) -> list[Question]:
    """Questions for an interview: its topics in turn, as many as the time could hold.

    Args:
        queue: what may be asked, in the order of the schedule.
        minutes: how long the interview is; a question is given half a minute at the least.
    """
    topics: dict[str, list[Question]] = {}
    for question in queue:
        topics.setdefault(question.topic, []).append(question)
    mixed: list[Question] = []
    while any(topics.values()):
        mixed += [waiting.pop(0) for waiting in topics.values() if waiting]
    return mixed[: max(1, int(minutes * 2))]
