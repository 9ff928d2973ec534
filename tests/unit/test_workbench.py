"""An exercise in a notebook: what a click does, and what is there without a kernel."""

import pytest

from labsupport import answer, judges, task, workbench
from labsupport.errors import CheckFailed
from labsupport.exercise import Exercise
from labsupport.exercise_log import Log


@pytest.fixture
def bench(tmp_path):
    log = Log(tmp_path / "exercises.json")
    return lambda name, judge=None: workbench.Workbench(
        Exercise(task.find(name), judge or judges.Specification(), log)
    )


def test_a_click_checks_what_was_typed(bench):
    one = bench("by-port")
    one.checking.click()
    assert "Not attempted." in one.result.value
    one.answer.value = "a: ["
    one.checking.click()
    assert "Does not parse." in one.result.value
    one.answer.value = answer.dump(one.exercise.task.solution)
    one.checking.click()
    assert "Solved." in one.result.value
    assert "no packet was sent" in one.result.value
    assert "<table>" in one.result.value


def test_hints_come_one_by_one_and_the_last_stays(bench):
    one = bench("by-port")
    for shown in (1, 2, 3, 3):
        one.hinting.click()
        assert one.result.value.count("Hint ") == shown
    assert one.exercise.entry().hints == 3


def test_the_solution_is_shown_as_text(bench):
    one = bench("by-port")
    one.solving.click()
    assert one.result.value.startswith("<pre># A rule without")
    assert one.exercise.entry().told


def test_the_text_area_begins_with_what_is_given(bench):
    assert "api-guard" in bench("without-effect").answer.value
    assert answer.BLANK in bench("by-port").answer.value


@pytest.mark.parametrize("name", list(task.load_all()))
def test_the_plain_form_has_all_but_the_answer(bench, name):
    one = bench(name)
    plain = one.plain()
    for connection in one.exercise.task.wanted:
        assert str(connection) in plain.text
    for hint in one.exercise.task.hints:
        assert hint in plain.text
    assert answer.dump(one.exercise.task.solution) not in plain.text
    assert one.exercise.task.why not in plain.text


class Live(judges.Specification):
    """A cluster that looks as it is told to."""

    mode = "live"
    present = None

    def begin(self, given, _connections):
        self.present = list(given)

    def current(self):
        return self.present

    def test(self, policies, wanted):
        return super().test(self.present if policies is None else policies, wanted)


def test_what_was_done_with_kubectl_counts_once_the_cluster_is_prepared(bench):
    judge = Live()
    one = bench("opened-again", judge)
    one.checking.click()
    assert "as they were given" in one.result.value
    one.preparing.click()
    one.checking.click()
    assert "as they were given" in one.result.value
    judge.present = judge.present[:2]
    one.checking.click()
    assert "Solved." in one.result.value


def test_a_cluster_that_fails_is_told_beside_the_button(bench, monkeypatch):
    def fail(*_):
        raise CheckFailed("Cluster is absent.")

    judge = Live()
    one = bench("by-port", judge)
    monkeypatch.setattr(judge, "begin", fail)
    one.preparing.click()
    assert "Cluster is absent." in one.result.value
    assert not one.preparing.disabled


def test_everybody_s_state_is_a_table(bench, capsys, tmp_path):
    bench("by-port").exercise.check(answer.dump(task.find("by-port").solution))
    workbench.state(Log(tmp_path / "exercises.json"))
    shown = capsys.readouterr().out
    assert "One port and no other" in shown
    assert "solved" in shown
    assert "not begun" in shown
