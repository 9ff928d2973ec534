"""A move from Flannel to Canal without a cluster: its moments, its order, who does it."""

from contextlib import contextmanager

import pytest

from labsupport import (
    answer,
    judges,
    migration,
    moments,
    policyaddon,
    task,
    turns,
    workbench,
)
from labsupport.answer import Fault, State
from labsupport.errors import CheckFailed, WrongUse
from labsupport.exercise import Exercise
from labsupport.exercise_log import Log
from labsupport.kube import ApiRefused
from labsupport.outcome import Observation, Outcome
from labsupport.verdict import Expected

KEEP = task.find("keep-the-transfer")
PODS = set(task.ground().pods)
ENDS = {"ex-shop/api", "ex-shop/db"}
WORKS, CUT = Observation(Outcome.ALLOWED, "fine"), Observation(Outcome.TIMEOUT, "silent")


def test_only_one_exercise_holds_a_connection_and_the_others_have_one_moment():
    assert [one.id for one in task.load_all().values() if moments.held(one.wanted)] == [KEEP.id]
    (moment,) = moments.of(task.find("1").wanted)
    policies = task.find("1").solution
    (any_of_them, *_) = task.find("1").wanted
    assert [p["spec"] for p in moment.in_force(policies, any_of_them)] == [
        {**p["spec"], "policyTypes": p["spec"]["policyTypes"]} for p in policies
    ]


def test_the_ends_are_older_at_first_and_nobody_is_then():
    first, last = moments.of(KEEP.wanted)
    assert (first.older, last.older) == (ENDS, frozenset())
    assert first.wanted == KEEP.wanted
    assert [c for c in KEEP.wanted if c not in last.wanted] == moments.held(KEEP.wanted)


def test_what_selects_an_older_pod_is_not_in_force():
    first, last = moments.of(KEEP.wanted)
    to_db = next(c for c in KEEP.wanted if str(c) == "ex-warehouse/audit -> ex-shop/db:8080")
    both = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    deny = task.policies([{"name": "deny", "namespace": "ex-shop", "spec": both}])
    assert [p["spec"]["policyTypes"] for p in first.in_force(deny, to_db)] == [["Egress"]]
    assert [p["spec"]["policyTypes"] for p in last.in_force(deny, to_db)] == [both["policyTypes"]]
    ingress = task.policies([{"name": "in", "namespace": "ex-shop", "spec": {"podSelector": {}}}])
    assert first.in_force(ingress, to_db) == []


def test_a_connection_shows_the_moment_at_which_it_was_not_as_wanted():
    first, last = moments.of(KEEP.wanted)
    good = {c: WORKS if word is Expected.ALLOWED else CUT for c, word in KEEP.wanted.items()}
    new = next(c for c in KEEP.wanted if str(c) == "ex-shop/api -> ex-shop/db:8080")
    seen = moments.together([(first, good), (last, good | {new: CUT})])
    assert seen[new].outcome is Outcome.TIMEOUT
    assert seen[new].detail == "when every pod is made anew: silent"
    others = [one for c, one in seen.items() if c != new]
    assert all(one.detail.startswith("while the connection is held: ") for one in others)
    both = moments.together([(first, good | {new: CUT}), (last, good)])
    assert both[new].outcome is Outcome.TIMEOUT
    failed = moments.together([(first, good), (last, good | {new: Observation(Outcome.REFUSED)})])
    assert failed[new].detail == "when every pod is made anew"


class Prober:
    """Commands in a pod: whether they were ended."""

    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


class Place:
    """The pods as they are found."""

    def __init__(self, log):
        self.log = log
        self.addresses = dict.fromkeys(PODS, "10.0.0.1")
        self.probers = {name: Prober() for name in PODS}

    def observe(self, connections, _pool, timeout, anew):
        assert anew
        assert timeout > 0
        self.log.append(f"hold {len(connections)}")
        return dict.fromkeys(connections, WORKS)

    def close(self):
        for one in self.probers.values():
            one.close()


class Cluster:
    """The Flannel cluster as `ground`, `turns` and `policyaddon` show it."""

    def __init__(self):
        self.log, self.places, self.moved, self.locked = [], [], False, False
        self.kube_ready, self.refuses, self.held = True, False, []

    def kube(self, profile):
        if self.moved or not self.kube_ready:
            raise CheckFailed(f"Cluster {profile.cluster} is unfinished.")
        return "kube"

    def make(self, _kube, _profile, _cast):
        assert self.locked
        self.log.append("make")

    def control(self, _place, connections):
        assert not any(c.held for c in connections)
        self.log.append("control")

    def put(self, _kube, _namespaces, policies):
        if self.refuses:
            raise ApiRefused(422, "no")
        self.log.append(f"put {len(policies)}")

    def find(self, _kube, _cast):
        self.places.append(Place(self.log))
        return self.places[-1]

    def observe(self, place, wanted):
        self.log.append(f"observe {len(wanted)}")
        self.held.append({n for n in PODS if place.probers[n] in self.first.probers.values()})
        assert not self.first.probers["ex-shop/api"].closed or not self.held[-1]
        place.close()
        return {c: WORKS if word is Expected.ALLOWED else CUT for c, word in wanted.items()}

    @property
    def first(self):
        return next(place for place in self.places if place is not self.places[0])

    def remove(self, *_):
        self.log.append("remove namespaces")

    def policies(self, *_):
        return []

    @contextmanager
    def lock(self):
        assert not self.locked  # a second lock of the same process would wait for the first
        self.locked = True
        yield
        self.locked = False

    @contextmanager
    def alone(self, _profile):
        yield

    def add(self, _profile):
        self.log.append("add")
        self.moved = True

    def take_back(self, _profile):
        self.log.append("take back")
        self.moved = False

    def delete_pods(self, _kube, chosen):
        names = {
            name
            for name in PODS | {"kube-system/coredns"}
            for namespace, _, pod in [name.partition("/")]
            if chosen({"metadata": {"namespace": namespace, "name": pod}})
        }
        self.log.append(sorted(names))


@pytest.fixture
def cluster(monkeypatch):
    made = Cluster()
    monkeypatch.setattr(turns, "lock", made.lock)
    monkeypatch.setattr(turns, "alone", made.alone)
    monkeypatch.setattr(policyaddon, "is_added", lambda _profile: made.moved)
    monkeypatch.setattr(policyaddon, "add", made.add)
    monkeypatch.setattr(policyaddon, "remove", made.take_back)
    monkeypatch.setattr(policyaddon, "delete_pods", made.delete_pods)
    monkeypatch.setattr("labsupport.kube.Kube", lambda _kubeconfig: "kube")
    return made


@pytest.fixture
def move(cluster):
    made = migration.Move()
    made._ground = cluster
    return made


def test_the_held_pods_are_made_anew_last_and_hold_their_connection_until_then(cluster, move):
    seen = move.test(KEEP.solution, KEEP.wanted)
    assert cluster.log == [
        "take back",
        "make",
        "control",
        f"put {len(KEEP.solution)}",
        "hold 1",
        "add",
        sorted(PODS - ENDS),
        "make",
        f"observe {len(KEEP.wanted)}",
        sorted(ENDS),
        "make",
        f"observe {len(KEEP.wanted) - 1}",
    ]
    assert cluster.held == [ENDS, set()]
    assert all(one.closed for place in cluster.places[1:] for one in place.probers.values())
    assert set(seen) == set(KEEP.wanted)
    assert cluster.moved


def test_a_move_that_broke_off_keeps_nothing_open_and_is_taken_back(cluster, move, monkeypatch):
    def fail(_profile):
        cluster.moved = True
        raise CheckFailed("The agents are not ready.")

    monkeypatch.setattr(policyaddon, "add", fail)
    with pytest.raises(CheckFailed, match="agents"):
        move.test(KEEP.solution, KEEP.wanted)
    cluster.locked = False
    assert all(one.closed for one in cluster.places[-1].probers.values())
    move.clear()
    assert cluster.log[-2:] == ["take back", "remove namespaces"]
    assert not cluster.moved


def test_policies_that_are_there_are_left_and_refused_ones_move_nothing(cluster, move):
    move.test(None, KEEP.wanted)
    assert not any(str(done).startswith("put") for done in cluster.log)
    cluster.refuses = True
    refused = move.test(KEEP.solution, KEEP.wanted)
    assert isinstance(refused, Fault)
    assert refused.state is State.REFUSED
    assert cluster.log[-1] == "control"


def test_a_moved_cluster_can_be_looked_at_and_moved_again(cluster, move, tmp_path):
    done = Exercise(KEEP, move, Log(tmp_path / "log.json"))
    for _ in range(2):
        came = done.check(answer.dump(KEEP.solution))
        assert came.state is State.SOLVED, came.sentence
        assert "while Flannel became Canal" in came.sentence
    assert cluster.log.count("add") == 2


def test_where_no_cluster_is_nothing_is_cleared(cluster, move):
    cluster.kube_ready = False
    move.clear()
    assert cluster.log == []


def test_who_moves(cluster, monkeypatch):
    monkeypatch.delenv("NETPOL_LAB_MODE", raising=False)
    monkeypatch.setattr("labsupport.ground.kube", cluster.kube)
    assert isinstance(migration.choose(), migration.Move)
    cluster.kube_ready = False
    assert migration.choose().mode == "recorded"
    assert migration.choose(mode="live").mode == "live"  # and the check says what is missing
    assert migration.choose("flannel").mode == "live"
    with pytest.raises(WrongUse, match="Flannel cluster"):
        migration.choose("calico")
    monkeypatch.setenv("NETPOL_LAB_MODE", "recorded")
    assert isinstance(Exercise.load(KEEP.id).judge, judges.Specification)
    assert "no packet was sent" in Exercise.load(KEEP.id).judge.how


def test_a_notebook_cleans_both_places(monkeypatch, capsys):
    cleared = []
    for chooser in (judges, migration):
        name = chooser.__name__
        made = type("Cleared", (), {"clear": lambda _self, name=name: cleared.append(name)})
        monkeypatch.setattr(chooser, "choose", lambda mode, made=made: made())
    workbench.clean_up("live")
    assert cleared == [judges.__name__, migration.__name__]
    assert "Nothing of the exercises" in capsys.readouterr().out
