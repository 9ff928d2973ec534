"""The drills of the notebook, clicked in this process."""

import pytest

from labsupport import drills, drillwidgets, marking, show
from labsupport.drillround import Round
from labsupport.drills import Kind
from labsupport.drillwidgets import Practice
from labsupport.progress import Progress

QUESTIONS = drills.load()


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path / "progress.json")


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """What a notebook would show, and a state of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    bundles = []
    monkeypatch.setattr(show, "publish", bundles.append)
    return bundles


def of(kind):
    return next(q for q in QUESTIONS if q.kind is kind)


def choose(practice, question, given):
    """Set the controls as clicks would."""
    options = marking.shuffled(question, len(practice.played.asked))
    controls = practice.options.children
    if question.kind is Kind.ORDER:
        controls[-1].value = " ".join(str(options.index(one) + 1) for one in given)
    elif question.kind in (Kind.CHOOSE, Kind.MISTAKE):
        controls[0].value = options.index(given[0])
    else:
        for option, box in zip(options, controls, strict=False):
            box.value = option in given
        controls[-1].value = not given


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_asked_checked_and_kept(progress, kind):
    question = of(kind)
    practice = Practice(Round([question]), progress)
    if kind is Kind.ALOUD:
        assert practice.options.layout.display == "none"
        practice.check.click()
    assert practice.options.layout.display != "none"
    choose(practice, question, question.right)
    practice.check.click()
    assert question.answer[:20] in practice.told.value.replace("&#x27;", "'").replace("&quot;", '"')
    assert [one.share for one in progress.answers()] == [1]
    practice.further.click()
    assert "100 % of 1" in practice.asked.value
    assert practice.options.children == ()


@pytest.mark.parametrize("kind", Kind)
def test_a_blank_is_not_attempted_and_nothing_is_kept(progress, kind):
    practice = Practice(Round([of(kind)]), progress)
    if kind is Kind.ALOUD:
        practice.check.click()
    practice.check.click()
    assert "Not attempted" in practice.told.value
    assert practice.played.current is of(kind)
    assert progress.answers() == []


def test_none_of_them_is_an_answer(progress):
    question = of(Kind.SEVERAL)
    practice = Practice(Round([question]), progress)
    choose(practice, question, [])
    practice.check.click()
    assert len(progress.answers()) == 1


def test_a_wrong_answer_comes_back(progress):
    question = of(Kind.CHOOSE)
    practice = Practice(Round([question]), progress)
    wrong = next(one for one in question.options if one not in question.right)
    choose(practice, question, [wrong])
    practice.check.click()
    assert "comes back" in practice.told.value
    practice.further.click()
    assert practice.played.current is question
    assert practice.told.value == ""


def test_a_button_acts_only_when_it_is_its_turn(progress):
    practice = Practice(Round(QUESTIONS[:1]), progress)
    assert practice.further.disabled
    choose(practice, QUESTIONS[0], QUESTIONS[0].right)
    practice.check.click()
    assert practice.check.disabled
    practice.check.click()
    assert len(progress.answers()) == 1


def test_an_interview_is_explained_at_its_end(progress):
    first, second = [q for q in QUESTIONS if q.kind is Kind.CHOOSE][:2]
    practice = Practice(Round([first, second], again=False), progress, minutes=5)
    assert "left" in practice.asked.value
    choose(practice, first, first.right)
    practice.check.click()
    assert practice.told.value == ""
    assert practice.played.current is second
    practice.skip.click()
    assert "100 % of 1" in practice.asked.value


def test_an_interview_ends_with_its_time(progress):
    practice = Practice(Round(QUESTIONS[:2], again=False), progress, minutes=0)
    assert practice.played.current is not None
    practice.skip.click()
    assert "Time is up." in practice.asked.value


def test_a_round_has_a_widget_and_a_plain_form(shown):
    drillwidgets.practise(["proof"], count=3)
    widget, plain = shown
    assert list(widget) == ["application/vnd.jupyter.widget-view+json"]
    assert plain["text/html"].count("<details><summary>Answer</summary>") == 3
    assert "<script" not in plain["text/html"]


def test_an_interview_is_no_longer_than_its_time(shown):
    asked = drillwidgets.interview(3, ["model"], 2).played.queue
    assert len(asked) == 6


def test_on_paper_there_is_every_question_in_the_same_words_each_time(shown):
    drillwidgets.paper()
    drillwidgets.paper()
    half = len(shown) // 2
    assert shown[:half] == shown[half:]
    assert half == len({q.topic for q in QUESTIONS})
    text = "\n".join(one["text/plain"] for one in shown[:half])
    for question in QUESTIONS:
        assert question.answer in text


def test_standing_counts_every_question(shown):
    drillwidgets.standing()
    text = shown[-1]["text/plain"]
    numbers = [int(word) for line in text.splitlines()[1:] for word in line.split()[-3:]]
    assert sum(numbers) == len(QUESTIONS)
