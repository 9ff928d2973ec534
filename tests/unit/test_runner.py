"""The runner against a small made-up cluster whose packets are scripted."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from labsupport import cases, runner, waiter
from labsupport.kube import ApiRefused
from labsupport.outcome import Observation, Outcome
from labsupport.verdict import Expected, Verdict

CASE = next(case for case in cases.load() if case.id == "two-policies-add-up")


class Cluster:
    """Stands in for a lane and its API: policies are a set, packets follow `enforces`."""

    def __init__(
        self, case=CASE, enforces=lambda looks: True, broken=None, refuse=None, missing=None
    ):
        self.policies, self.looks, self.most = {}, 0, 0
        self.case, self.enforces, self.broken, self.refuse = case, enforces, broken, refuse
        self.kube, self.lock, self.missing = self, threading.Lock(), missing

    def serves(self, manifest):
        return manifest["kind"] != self.missing

    def lacks(self, connection):
        return self.missing if self.missing in (connection.source, connection.target) else None

    def localise(self, manifest):
        return manifest

    def apply(self, manifest):
        if self.refuse:
            raise self.refuse
        self.policies[manifest["metadata"]["name"]] = manifest
        self.looks = 0

    def close(self):
        pass

    def delete(self, manifest):
        self.policies.pop(manifest["metadata"]["name"], None)

    def observe(self, connections, pool, timeout, anew=False):
        with self.lock:
            self.looks += 1
            return {c: Observation(self.outcome(c)) for c in connections}

    def outcome(self, connection):
        if self.broken and self.broken(self):
            return Outcome.PROBE_FAILED
        names = self.policies.keys()
        applied = [s for s in self.case.steps if names & {m["metadata"]["name"] for m in s.apply}]
        if not applied or not self.enforces(self.looks):
            return Outcome.ALLOWED
        denied = applied[-1].expected.get(connection) is Expected.DENIED
        return Outcome.TIMEOUT if denied else Outcome.ALLOWED


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(waiter, "LIMIT_SECONDS", 0.2)
    monkeypatch.setattr(waiter, "POLL_SECONDS", 0.01)


def run(cluster, stop=None):
    with ThreadPoolExecutor(1) as pool:
        return runner.run_case(cluster, cluster.case, pool, stop)


def test_a_cluster_that_enforces():
    result = run(cluster := Cluster())
    assert result["verdict"] == Verdict.ENFORCED
    assert result["convergeMs"] is not None
    assert [step["attempts"] for step in result["steps"]] == [2, 2]  # a look and a confirmation
    assert cluster.policies == {}


def test_a_cluster_that_does_not():
    result = run(cluster := Cluster(enforces=lambda looks: False))
    assert result["verdict"] == Verdict.NOT_ENFORCED
    assert result["convergeMs"] is None
    assert cluster.policies == {}


def test_a_policy_in_force_late_is_waited_for():
    result = run(Cluster(enforces=lambda looks: looks > 2))
    assert result["verdict"] == Verdict.ENFORCED
    assert result["steps"][0]["attempts"] == 4


@pytest.mark.parametrize(("enforces", "limit"), [(True, runner.LABEL_SECONDS), (False, None)])
def test_a_changed_label_is_waited_for_where_the_policy_was_in_force(monkeypatch, enforces, limit):
    limits, settle = [], waiter.Waiter.settle

    def remember(self, expected, anew=False, limit=None):
        limits.append(limit)
        return settle(self, expected, anew)

    monkeypatch.setattr(waiter.Waiter, "settle", remember)
    for name in ("relabel", "restore"):
        monkeypatch.setattr(runner.stage, name, lambda *_: None)
    case = next(one for one in cases.load() if one.id == "label-changed-on-pod")
    run(Cluster(case, enforces=lambda looks: enforces))
    assert limits == [None, None, limit, None]  # before, the policy, the label, after


class Speechless(Cluster):
    """Cannot try what a case asks while its policy is there; all else works."""

    def outcome(self, connection):
        asked = [a.connection for step in self.case.steps for a in step.asks]
        unable = self.policies and connection in asked
        return Outcome.PROBE_FAILED if unable else super().outcome(connection)


ASKING = next(case for case in cases.load() if case.id == "cilium-fqdn-without-dns")


def test_a_question_is_answered_by_packets():
    result = run(Cluster(ASKING))
    assert result["verdict"] == Verdict.OBSERVED
    assert [one["answer"] for one in result["answers"]] == ["reached"]


def test_a_question_that_cannot_be_tried_makes_the_case_inconclusive():
    result = run(Speechless(ASKING))
    assert result["verdict"] == Verdict.INCONCLUSIVE
    assert result["reason"].endswith(f"{ASKING.steps[0].asks[0].connection}.")
    assert result["answers"] == []


def test_a_timeout_that_is_not_confirmed_is_not_believed():
    assert run(Cluster(enforces=lambda looks: looks == 1))["verdict"] == Verdict.NOT_ENFORCED


@pytest.mark.parametrize(
    "broken",
    [
        lambda cluster: True,
        lambda cluster: bool(cluster.policies),
        lambda cluster: len(cluster.policies) == 2,
        lambda cluster: not cluster.policies and cluster.looks > 2,
    ],
    ids=["always", "under the policy", "in the second step", "afterwards"],
)
def test_probes_that_cannot_run_prove_nothing(broken):
    result = run(cluster := Cluster(broken=broken))
    assert result["verdict"] == Verdict.INCONCLUSIVE
    assert cluster.policies == {}


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("NetworkPolicy", "The API server serves no NetworkPolicy of networking.k8s.io/v1."),
        ("shop/api", "There is no shop/api here."),
    ],
)
def test_what_a_cluster_has_not_got_is_not_run(missing, reason):
    cluster = Cluster(missing=missing)
    result = run(cluster)
    assert (result["verdict"], result["reason"]) == (Verdict.NOT_RUN, reason)
    assert cluster.looks == 0


def test_a_refused_policy_says_why():
    result = run(Cluster(refuse=ApiRefused(422, "spec.podSelector: Required value")))
    assert result["verdict"] == Verdict.INCONCLUSIVE
    assert "spec.podSelector: Required value" in result["reason"]


def test_policies_go_when_the_run_dies():
    def dies(looks):
        raise RuntimeError("the connection broke")

    cluster = Cluster(enforces=dies)
    with pytest.raises(RuntimeError):
        run(cluster)
    assert cluster.policies == {}


def test_a_stopped_run_does_not_wait_for_the_limit(monkeypatch):
    monkeypatch.setattr(waiter, "LIMIT_SECONDS", 1e9)
    stop = threading.Event()
    stop.set()
    result = run(cluster := Cluster(enforces=lambda looks: False), stop)
    assert result["verdict"] == Verdict.NOT_ENFORCED
    assert cluster.policies == {}


def test_results_keep_the_catalogue_s_order_and_every_lane_works():
    chosen = cases.load()[:4]

    class Any(Cluster):
        def outcome(self, connection):
            case = next(
                (c for c in chosen if c.policies[0]["metadata"]["name"] in self.policies), None
            )
            denied = case and case.steps[0].expected.get(connection) is Expected.DENIED
            return Outcome.TIMEOUT if denied else Outcome.ALLOWED

    told = []
    results = runner.run([Any(), Any()], chosen, lambda case, verdict: told.append(case.id))
    assert [result["id"] for result in results] == [case.id for case in chosen]
    assert {result["verdict"] for result in results} == {Verdict.ENFORCED}
    assert sorted(told) == sorted(case.id for case in chosen)
