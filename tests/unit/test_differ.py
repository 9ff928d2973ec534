"""Where CNIs differ: questions to guess, and only clear answers count."""

import pytest

from labsupport import cases, differ, matrix
from labsupport.guess import Guess, Question
from tests.unit.fake_reports import case, report

NAME = "existing-connections"


def answered(profile, *said, verdict="observed"):
    chosen = next(one for one in differ.open_cases() if one.id == NAME)
    asks = [ask for step in chosen.steps for ask in step.asks]
    entry = case(NAME, verdict) | {
        "group": "open",
        "answers": [
            {
                "question": ask.question,
                "connection": str(ask.connection),
                "observed": "allowed",
                "answer": answer,
            }
            for ask, answer in zip(asks, said, strict=False)
        ],
    }
    return report(profile, entry)


def asked(*reports):
    return differ.questions(matrix.build(reports, "recorded"), [NAME])


def test_all_questions_of_the_group_are_asked_with_their_answers():
    made = matrix.build([answered("calico", "survives")], "recorded")
    wanted = [f"{c.title}: {ask.question}" for c in cases.load() if c.group == "open"
              for step in c.steps for ask in step.asks]  # fmt: skip
    assert [one.text for one in differ.questions(made)] == wanted
    first = differ.questions(made, [NAME])[0]
    assert first.options == ["survives", "is cut", "the CNIs differ"]


def test_one_answer_of_all_is_right():
    found = asked(answered("calico", "survives"), answered("canal", "survives"))
    assert found[0].right == "survives"


def test_two_answers_mean_that_the_cnis_differ():
    found = asked(answered("calico", "survives"), answered("cilium", "is cut"))
    assert found[0].right == differ.DIFFER


@pytest.mark.parametrize("unclear", ["inconclusive", "inconclusive: it did not work before"])
def test_an_unclear_answer_has_no_say(unclear):
    found = asked(answered("calico", "survives"), answered("cilium", unclear))
    assert found[0].right == "survives"
    assert found[0].shown[1].text == "? inconclusive"


def test_a_cni_that_did_not_enforce_has_its_verdict_in_place_of_an_answer():
    found = asked(answered("flannel", verdict="not enforced"), answered("calico", "survives"))
    assert found[0].right == "survives"
    assert found[0].shown[0].text == "✗ not enforced"


def test_what_nobody_answered_has_no_right_answer():
    assert asked(report("calico"))[0].right == ""


def test_only_questions_with_different_answers_are_told_as_differing():
    made = matrix.build([answered("calico", "survives"), answered("cilium", "is cut")], "recorded")
    assert differ.differing(made).text.startswith("1 of ")


def test_a_guess_is_counted_where_the_answer_is_known():
    made = Guess([Question("One?", ["a", "b"], "a"), Question("Two?", ["a", "b"], "")], [])
    made.choices[0].value = "a"
    made.reveal.click()
    assert made.told().text.startswith("1 of 1 as the evidence says.")
    assert "not measured" in made.answer.value
    assert "a / b" in made.questions().text
