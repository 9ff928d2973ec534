"""The Flannel cluster becomes Canal's while a transfer goes on, and is taken back: ~10 minutes."""

import pytest
import yaml

from labsupport import answer, clusters, cni, ground, judges, migration, policyaddon, task
from labsupport.answer import State
from labsupport.exercise import Exercise
from labsupport.exercise_log import Log

pytestmark = pytest.mark.timeout(1200)

NAME = "keep-the-transfer"


@pytest.fixture
def exercise(tmp_path):
    """The exercise, taken back whatever becomes of it."""
    made = Exercise(task.find(NAME), migration.Move(), Log(tmp_path / "exercises.json"))
    made.cleanup()
    yield made
    made.cleanup()


def wrong(done):
    return {str(row.connection): row for row in done.rows if not row.right}


def test_the_solution_keeps_the_transfer_and_all_is_taken_back(exercise, flannel):
    before = policyaddon.look(flannel)
    exercise.setup()
    done = exercise.check(exercise.solution())
    assert done.state is State.SOLVED, str(done)
    assert "by packets" in done.sentence
    held = next(row for row in done.rows if row.connection.held)
    assert held.observed == "allowed"
    assert exercise.entry().mode == "live"

    assert policyaddon.is_added(flannel)
    assert set(ground.find(exercise.judge.kube(), task.ground()).addresses) == set(
        task.ground().pods
    )
    exercise.cleanup()
    assert not policyaddon.is_added(flannel)
    assert clusters.status(flannel).state is clusters.State.READY
    after = policyaddon.look(flannel)
    assert {node: facts["rules"] for node, facts in after.items()} == dict.fromkeys(before, 0)
    assert {n: facts["config"] for n, facts in after.items()} == {
        n: facts["config"] for n, facts in before.items()
    }
    # A ClusterRole of Flannel's has the name of one of Canal's: it must not go with it.
    assert all(map(exercise.judge.kube().exists, yaml.safe_load_all(cni.render(flannel))))
    assert judges.Packets(flannel).current() is None


def test_doors_of_older_pods_do_not_shut_and_the_connection_survives_all_the_same(exercise):
    """The nearly right answer that everybody writes first, and the move is repeated after it."""
    doors = exercise.task.nearly[0]
    done = exercise.check(answer.dump(doors.policies))
    assert done.state is State.NOT_YET, str(done)
    assert set(wrong(done)) == {
        "ex-warehouse/audit -> ex-shop/db:8080",
        "ex-warehouse/stock -> ex-shop/api:8080",
        "ex-monitoring/prometheus -> ex-shop/db:8080",
        "ex-shop/frontend -> ex-shop/api:8081",
    }
    assert all("while the connection is held" in row.detail for row in wrong(done).values())

    # The cluster is moved now; the next answer is tried on a fresh move.
    late = exercise.task.nearly[1]
    done = exercise.check(answer.dump(late.policies))
    assert done.state is State.NOT_YET, str(done)
    assert set(wrong(done)) == {"ex-shop/api -> ex-shop/db:8080"}
    assert "when every pod is made anew" in wrong(done)["ex-shop/api -> ex-shop/db:8080"].detail
