"""Exercises with real packets: every solution passes on a cluster that enforces policy."""

import pytest

from labsupport import answer, ground, judges, moments, task
from labsupport.answer import State
from labsupport.exercise import Exercise
from labsupport.exercise_log import Log

FIRST = "only-the-front-end"
TASKS = [one for one in task.load_all().values() if not moments.held(one.wanted)]
"""Without the move to Canal, which `test_migration` has."""


@pytest.fixture(scope="module", params=["calico"])
def judge(request):
    """One cluster with the pods of the exercises, made once."""
    from labsupport import versions

    made = judges.Packets(versions.profile(request.param))
    made.begin((), [c for one in TASKS for c in one.wanted])
    yield made
    made.clear()


@pytest.fixture
def load(judge, tmp_path):
    return lambda name: Exercise(task.find(name), judge, Log(tmp_path / "exercises.json"))


@pytest.mark.parametrize("name", [one.id for one in TASKS])
def test_every_solution_passes_by_packets(load, name):
    exercise = load(name)
    done = exercise.check(exercise.solution())
    assert done.state is State.SOLVED, str(done)
    assert "by packets" in done.sentence
    assert exercise.entry().mode == "live"


def test_a_nearly_right_answer_fails_by_packets(load):
    exercise = load("namespace-and-label")
    either = exercise.task.nearly[0]
    done = exercise.check(answer.dump(either.policies))
    assert done.state is State.NOT_YET, str(done)
    assert "ex-shop/frontend -> ex-shop/api:8080" in [
        str(r.connection) for r in done.rows if not r.right
    ]


def test_without_an_answer_the_cluster_is_looked_at(load, judge):
    exercise = load("opened-again")
    exercise.setup()
    assert exercise.check().state is State.NOT_ATTEMPTED
    kube = ground.kube(judge.profile)
    kube.delete(exercise.task.given[2])  # what a learner would do with kubectl
    done = exercise.check()
    assert done.state is State.SOLVED, str(done)


def test_what_the_api_server_refuses_is_told(load):
    policy = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: refused, namespace: ex-shop}
spec: {podSelector: {}, ingress: [{ports: [{port: 99999}]}]}
"""
    done = load(FIRST).check(policy)
    assert done.state is State.REFUSED
    assert "65535" in done.sentence
    unknown = policy.replace("ingress: [{ports: [{port: 99999}]}]", "ingres: []")
    done = load(FIRST).check(unknown)
    assert done.state is State.REFUSED
    assert "ingres" in done.sentence


def test_on_a_cluster_that_does_not_enforce_the_right_answer_is_told_apart(flannel, tmp_path):
    """The answer is right and the packets say otherwise: the sentence asks the right question."""
    exercise = Exercise(task.find(FIRST), judges.Packets(flannel), Log(tmp_path / "e.json"))
    try:
        done = exercise.check(exercise.solution())
        assert done.state is State.NOT_YET
        assert "does the cluster enforce it?" in done.sentence
    finally:
        exercise.cleanup()
    assert exercise.judge.current() is None
