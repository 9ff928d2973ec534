"""How far a learner is: kept, never lost, never overwritten."""

import json
import threading

import pytest

from labsupport import answer, exercise_log, judges, task
from labsupport.errors import WrongUse
from labsupport.exercise import Exercise
from labsupport.exercise_log import Entry, Log

ANY = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
    "metadata: {name: any, namespace: ex-shop}\nspec: {podSelector: {}}\n"
)


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "state" / "exercises.json")


def test_an_exercise_from_begun_to_solved(log):
    exercise = Exercise(task.find("by-port"), judges.Specification(), log)
    assert exercise.entry() is None
    exercise.setup()
    assert exercise.entry().state == "begun"
    exercise.check(ANY)
    exercise.check("a: [")  # a mistyping is no attempt
    exercise.hint(2)
    exercise.hint(1)
    assert (exercise.entry().state, exercise.entry().attempts) == ("tried", 1)
    exercise.check(answer.dump(exercise.task.solution))
    done = exercise.entry()
    assert (done.state, done.attempts, done.hints, done.mode) == ("solved", 2, 2, "recorded")
    assert done.seconds >= 0
    exercise.solution()
    exercise.check(ANY)
    assert exercise.entry() == done  # what comes later takes nothing back
    log.forget("by-port")
    assert exercise.entry() is None


def test_a_solution_that_was_looked_at_first_is_told(log):
    exercise = Exercise(task.find("by-port"), judges.Specification(), log)
    exercise.check(exercise.solution())
    assert exercise.entry().state == "solved after the solution"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"kind": "DrillProgress", "version": 1}',
        b'{"kind": "ExerciseProgress", "version": 1, "exercises": {"x": {"begun": 1}}}',
    ],
)
def test_a_damaged_file_is_kept_aside(log, content):
    log.path.parent.mkdir()
    log.path.write_bytes(content)
    assert log.entries() == {}
    (kept,) = log.path.parent.glob("exercises-damaged-*.json")
    assert kept.read_bytes() == content
    with log.change("x"):
        pass
    assert list(log.entries()) == ["x"]


def test_a_time_that_is_none_is_damage(log):
    with log.change("x") as entry:
        entry.begun = "yesterday"
    assert log.entries() == {}


def test_a_newer_file_is_neither_read_nor_touched(log):
    log.path.parent.mkdir()
    text = json.dumps({"kind": exercise_log.KIND, "version": 99, "exercises": {}})
    log.path.write_text(text)
    with pytest.raises(WrongUse, match="newer version"):
        log.entries()
    assert log.path.read_text() == text


def test_exercises_of_another_version_are_kept(log):
    with log.change("from-elsewhere"):
        pass
    with log.change("by-port"):
        pass
    assert list(log.entries()) == ["from-elsewhere", "by-port"]


def test_two_sessions_at_once_lose_nothing(log):
    def add(name):
        for _ in range(10):
            with log.change(name) as entry:
                entry.attempts += 1

    threads = [threading.Thread(target=add, args=(name,)) for name in ("a", "a", "b")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {name: one.attempts for name, one in log.entries().items()} == {"a": 20, "b": 10}


def test_a_failure_in_between_changes_nothing(log):
    with pytest.raises(ZeroDivisionError), log.change("x"):
        _ = 1 / 0
    assert log.entries() == {}


def test_the_time_it_took():
    entry = Entry("2026-01-01T10:00:00+00:00", "2026-01-01T10:05:00+00:00")
    assert entry.seconds == 300
