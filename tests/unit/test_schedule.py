"""What comes when: FSRS over the answers of a learner."""

from datetime import UTC, datetime, timedelta

import pytest
from fsrs import Rating

from labsupport import drills, schedule
from labsupport.progress import Answer

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
QUESTIONS = drills.load()[:4]
A, B, C, D = QUESTIONS


def answer(question, share, **ago):
    return Answer(question.id, NOW - timedelta(**ago), share)


@pytest.mark.parametrize(
    ("share", "rated"), [(1, Rating.Good), (0.8, Rating.Hard), (0.5, Rating.Again)]
)
def test_ratings(share, rated):
    assert schedule.rating(share) is rated


def test_without_answers_the_order_is_that_of_learning():
    assert schedule.queue(QUESTIONS, [], NOW) == QUESTIONS


def test_due_first_then_new_then_known():
    answers = [answer(A, 1, minutes=1), answer(D, 0, hours=3)]
    assert schedule.queue(QUESTIONS, answers, NOW) == [D, B, C, A]
    assert schedule.due(QUESTIONS, answers, NOW) == [D]


def test_what_was_known_longer_ago_is_asked_first():
    good = [answer(B, 1, days=60, minutes=n * 20) for n in range(3)]
    lately = [answer(C, 1, days=20, minutes=n * 20) for n in range(3)]
    assert schedule.queue(QUESTIONS, [*lately, *good], NOW)[:2] == [B, C]


def test_each_good_answer_puts_the_next_further_away():
    answers, waits = [], []
    moment = NOW
    for _ in range(5):
        answers.append(Answer(A.id, moment, 1))
        due = schedule.cards(answers)[A.id].due
        waits.append(due - moment)
        moment = due
    assert waits == sorted(waits)
    assert waits[-1] > timedelta(days=30)


def test_forgetting_brings_a_question_back_within_the_hour():
    answers = [Answer(A.id, NOW - timedelta(days=n), 1) for n in (40, 39, 30)]
    answers.append(Answer(A.id, NOW, 0))
    assert schedule.cards(answers)[A.id].due - NOW < timedelta(hours=1)


def test_the_order_of_the_file_does_not_matter():
    answers = [answer(A, share, hours=n) for n, share in enumerate([1, 0, 1, 0.8])]
    assert schedule.cards(answers) == schedule.cards(reversed(answers))


def test_answers_to_questions_of_another_version_do_no_harm():
    assert schedule.queue([A], [Answer("long-gone", NOW, 1)], NOW) == [A]
