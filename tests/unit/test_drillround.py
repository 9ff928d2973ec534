"""A round: what comes next, what comes back, and the score."""

from labsupport import drills
from labsupport.drillround import Round, interview_of, read_again, scores
from labsupport.marking import Mark

QUESTIONS = drills.load()
RIGHT, WRONG, HALF = Mark(1), Mark(0), Mark(0.5)


def play(played, marks):
    """The ids of the questions, in the order in which they were asked."""
    asked = []
    for mark in marks:
        asked.append(played.current.id)
        played.answered(mark)
    return asked


def test_what_was_wrong_comes_back_after_three_others():
    a, b, c, d, e = QUESTIONS[:5]
    played = Round([a, b, c, d, e])
    asked = play(played, [WRONG, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT])
    assert asked == [a.id, b.id, c.id, d.id, a.id, e.id]
    assert played.current is None


def test_the_last_question_comes_back_at_once_and_until_it_is_right():
    played = Round([QUESTIONS[0]])
    assert play(played, [WRONG, WRONG, RIGHT]) == [QUESTIONS[0].id] * 3
    assert played.current is None


def test_the_first_answer_counts():
    played = Round(QUESTIONS[:1])
    play(played, [HALF, RIGHT])
    (score,) = scores(played)
    assert (score.attempted, score.percent) == (1, 50)
    assert list(read_again(played)) == [QUESTIONS[0].notebook]


def test_in_an_interview_nothing_comes_back():
    played = Round(QUESTIONS[:2], again=False)
    play(played, [WRONG, RIGHT])
    assert played.current is None


def test_what_is_skipped_is_not_attempted():
    played = Round(QUESTIONS[:2])
    played.skipped()
    play(played, [RIGHT])
    assert sum(score.attempted for score in scores(played)) == 1


def test_an_interview_takes_the_topics_in_turn_and_no_more_than_fit():
    chosen = interview_of(QUESTIONS, 12)
    assert len(chosen) == 24
    assert len({q.id for q in chosen}) == 24
    assert len({q.topic for q in chosen[:12]}) == 12
    assert len(interview_of(QUESTIONS, 0.1)) == 1


def test_a_hundred_percent_means_all_right():
    played = Round(QUESTIONS[:3], again=False)
    play(played, [RIGHT, RIGHT, Mark(0.999)])
    assert scores(played)[0].percent == 99
