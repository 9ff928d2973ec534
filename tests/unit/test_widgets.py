"""Widgets do in the kernel what a click does on the page, and have a plain form beside."""

import fake_reports as fake
import pytest

from labsupport import cases, chooser, matrix, widgets
from labsupport.fragments import Fragment


@pytest.fixture
def case():
    return cases.choose(cases.load(), ["deny-all-ingress"])[0]


@pytest.fixture
def what():
    return matrix.build(
        [
            fake.report("flannel", fake.case("one", "not enforced"), fake.case("two", "enforced")),
            fake.report("calico", fake.case("one", "enforced"), fake.case("two", "enforced")),
        ],
        "recorded",
    )


def test_a_prediction_is_revealed_beside_what_happened(case, capsys):
    asked = widgets.predict(case)
    assert "works / blocked" in capsys.readouterr().out  # the plain form, without the answer
    assert asked.answer.value == ""
    for name, choice in asked.choices.items():
        choice.value = "blocked" if "-> shop/" in name else "works"
    asked.reveal.click()
    total = len(asked.choices)
    assert f"{total} of {total} as the specification says." in asked.answer.value


def test_a_wrong_or_missing_prediction_counts_as_neither(case):
    asked = widgets.Prediction(case)
    first, *others = asked.choices.values()
    due = next(iter(case.steps[-1].expected.values()))
    first.value = "works" if due == "denied" else "blocked"
    told = asked.told()
    assert told.text.startswith(f"0 of {len(asked.choices)} ")
    assert told.text.count("no prediction") == len(others)


def test_the_answer_has_a_column_for_each_profile(case):
    entry = fake.case("deny-all-ingress", "not enforced")
    told = widgets.Prediction(case, {"Flannel": entry}).told()
    assert "Flannel" in told.text.splitlines()[1]


def test_filters_and_the_chosen_cell(what, capsys):
    explorer = widgets.explore(what)
    assert "All cases, as a table" in capsys.readouterr().out
    assert "2 of 2 cases" in explorer.count.value
    assert "1 denied connection" in explorer.evidence.value  # of the first cell
    explorer.differing.value = True
    assert "1 of 2 cases" in explorer.count.value
    assert "✗" in explorer.rows.value
    explorer.case.value, explorer.profile.value = "one", "calico"
    assert "deny-all-ingress" in explorer.evidence.value
    explorer.text.value = "no such words"
    assert "0 of 2 cases" in explorer.count.value
    assert explorer.evidence.value == ""


def test_the_slider_counts(capsys):
    slider = widgets.timeline({"Calico": [100, 399.5], "Flannel": []})
    assert "quickest" in capsys.readouterr().out
    slider.moment.value = 400
    assert "2 of 2" in slider.counts.value
    assert "0 of 0" in slider.counts.value


def test_the_slider_lives_without_any_time():
    assert widgets.Timeline({"Flannel": []}).moment.max > 0


def test_ticking_a_requirement_ranks_anew(what):
    made = chooser.Chooser(what.reports, ["standard"])
    assert made.result.value.index("1. Calico") < made.result.value.index("2. Flannel")
    made.boxes["standard"].value = False
    assert "1. Flannel" in made.result.value  # nothing asked: the order of the reports


def test_what_is_shown_is_escaped(what):
    what.reports[0]["cases"][0]["title"] = "<b>bold</b>"
    assert "<b>bold" not in widgets.Explorer(what).rows.value
    assert isinstance(chooser.grid([], what.reports), Fragment)
