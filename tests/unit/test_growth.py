"""The benchmark without a cluster: what it counts, tells and refuses, and that it tidies up."""

import io
import json
import threading

import pytest
from rich.console import Console

from labsupport import cast, clusters, timing
from labsupport.connection import Connection
from labsupport.errors import WrongUse
from labsupport.lane import Lane
from labsupport.outcome import Observation, Outcome
from tests.bench.growth import __main__ as growth
from tests.bench.growth import asking, crowd, plan, running, told
from tests.unit.fake_kube import FakeKube


class Cluster(FakeKube):
    """Enforces what the benchmark applies; dies when an object of the name `dies_at` comes."""

    def __init__(self, folder, enforces=True, dies_at=None):
        super().__init__(folder)
        self.enforcing, self.dies_at, self.most = enforces, dies_at, 0
        self.changed = threading.Condition()
        for name in ("one", "two"):
            inside = {"addresses": [{"type": "InternalIP", "address": "192.0.2.2"}]}
            self.add("Node", name, status=inside)

    def apply(self, manifest):
        if manifest["metadata"]["name"] == self.dies_at:
            raise KeyboardInterrupt
        if manifest["kind"] == "Service":
            ports = [{**port, "nodePort": 30000} for port in manifest["spec"]["ports"]]
            spec = {**manifest["spec"], "clusterIP": "10.1.0.1", "ports": ports}
            manifest = {**manifest, "spec": spec}
        with self.changed:
            super().apply(manifest)
            self.most = max(self.most, len(self.list("", "NetworkPolicy")))
            self.changed.notify_all()

    def delete(self, manifest):
        with self.changed:
            super().delete(manifest)
            self.changed.notify_all()

    def converse(self, namespace, pod, command):
        assert (namespace, pod) == ("lab-growth1-shop", "frontend")
        return Watch(self)

    def answers(self, port):
        policies = [one["spec"] for one in self.list("", "NetworkPolicy")]
        opened = [p["port"] for s in policies for r in s.get("egress", []) for p in r["ports"]]
        return not self.enforcing or not policies or port in opened


class Watch:
    """Answers `timing`'s questions as soon as the cluster is in the state."""

    def __init__(self, cluster):
        self.cluster, self.closed = cluster, False

    def ask(self, question, last, timeout):
        state, _, port, _ = question.split()
        wanted = state == "0"
        with self.cluster.changed:
            waits = 5 if self.cluster.enforcing else 0
            there = self.cluster.changed.wait_for(
                lambda: self.closed or self.cluster.answers(int(port)) is wanted, timeout=waits
            )
        return ["5.5 5.25" if there else "never"]

    def close(self):
        with self.cluster.changed:
            self.closed = True
            self.cluster.changed.notify_all()


def left(cluster):
    return {kind for kind, _, _ in cluster.objects} - {"Node"}


def test_a_deny_and_an_allow_are_timed_with_each_number_of_policies(tmp_path):
    rows = crowd.measure(cluster := Cluster(tmp_path), ["one", "two"], [1, 30], repetitions=3)
    assert [row["policies"] for row in rows] == [1, 30]
    for row in rows:
        assert [len(row[k]) for k in ("afterCreationMs", "denyMs", "allowMs")] == [1, 3, 3]
        assert (row["never"], row["resolutionMs"]) == (0, 250)
    assert cluster.most == 30 + 1  # and the default deny
    assert left(cluster) == set()


def test_its_policies_select_one_pod_and_open_ports_of_their_own(tmp_path):
    crowd.measure(cluster := Cluster(tmp_path), ["one", "two"], [4], repetitions=1)
    made = [one for one in cluster.applied if one["kind"] == "NetworkPolicy"]
    made = [one for one in made if one["metadata"]["name"] != "timed-deny"]
    selected = [one["spec"]["podSelector"]["matchLabels"] for one in made]
    assert selected == [{"netpol-lab/pod": "frontend"}] * len(made)
    ports = {
        one["metadata"]["name"]: one["spec"]["egress"][0]["ports"][0]["port"] for one in made[:4]
    }
    assert len(set(ports.values())) == len(ports) == 4
    assert [name for name, port in ports.items() if port == timing.PORT] == ["last"]


def test_where_nothing_is_enforced_no_crowd_is_made(tmp_path):
    cluster = Cluster(tmp_path, enforces=False)
    assert crowd.measure(cluster, ["one", "two"], [1, 1000]) is None
    assert (cluster.most, left(cluster)) == (1, set())


@pytest.mark.parametrize("name", ["frontend", "timed-deny", "other-7", "last"])
def test_what_was_made_goes_when_it_is_interrupted(tmp_path, name):
    cluster = Cluster(tmp_path, dies_at=name)
    with pytest.raises(KeyboardInterrupt):
        crowd.measure(cluster, ["one", "two"], [9], repetitions=1)
    assert left(cluster) == set()


def test_what_a_killed_run_left_goes_first(tmp_path):
    cluster = Cluster(tmp_path)
    cluster.add("Namespace", "lab-growth1-shop")
    spec = {"podSelector": {}, "policyTypes": ["Egress"]}
    cluster.add("NetworkPolicy", "old", "lab-growth1-shop", spec=spec)
    crowd.measure(cluster, ["one", "two"], [1], repetitions=1)
    assert cluster.most == 2


class Prober:
    """Finds `closed` closed, and says how many targets it was given at a time."""

    def __init__(self, closed=""):
        self.closed, self.given, self.ended = closed, [], False

    def probe(self, targets, timeout=1.0):
        self.given.append(len(targets))
        return [
            Observation(Outcome.TIMEOUT if one.host == self.closed else Outcome.ALLOWED)
            for one in targets
        ]

    def close(self):
        self.ended = True


def lane(number, closed=""):
    names = [pod.called for pod in plan.actors()]
    return Lane(
        None, number, "lab",
        addresses={name: f"10.0.{number}.{n}" for n, name in enumerate(names)},
        services={}, probers={name: Prober(closed) for name in names}, nodes=(),
    )  # fmt: skip


def test_pods_ask_each_other_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(asking, "SECONDS", 0)
    lanes = [lane(1, closed="10.0.2.0"), lane(2)]
    row = asking.measure(lanes, 6)
    assert (row["pods"], row["connections"], row["failed"]) == (6, 30, 4)
    used = [*lanes[0].probers.values(), *list(lanes[1].probers.values())[:2]]
    assert all(prober.given == [0, 4, 1] and prober.ended for prober in used)
    assert not any(prober.given for prober in list(lanes[1].probers.values())[2:])


def test_nobody_asks_itself():
    assert asking.others(["a", "b", "c"], 1) == ["c", "a"]


def test_every_connection_that_the_runner_tries_is_counted(monkeypatch):
    chosen = plan.spread(plan.group(), 2)
    connections = [Connection("shop/frontend", "shop/api", port) for port in (8080, 8081)]

    def run(lanes, given, tell):
        with asking.ThreadPoolExecutor(1) as pool:
            for one in lanes:
                assert len(one.observe(connections, pool, 1.0)) == 2
                one.observe(connections[:1], pool, 1.0)
        return [{"verdict": "enforced"} for _ in given]

    monkeypatch.setattr(running.runner, "run", run)
    row = running.measure([lane(1), lane(2)], chosen)
    assert (row["cases"], row["lanes"], row["connections"]) == (2, 2, 6)
    assert row["verdicts"]["enforced"] == 2


def test_cases_are_taken_from_the_whole_of_the_group():
    assert plan.spread([*"abcdefghij"], 5) == [*"acegi"]
    assert plan.spread(plan.group(), len(plan.group())) == [*plan.group()]
    assert {case.group for case in plan.group()} == {"specification"}
    assert len(plan.short()) >= growth.FEW
    assert not any(case.alone for case in plan.short())


def test_numbers_are_measured_once_and_the_smallest_first():
    planned = plan.check(None, [8, 2, 8], [])
    assert (planned.pods, planned.policies) == ([2, 8], [])
    assert planned.cases[-1] == len(plan.group())


@pytest.mark.parametrize(
    ("numbers", "complaint"),
    [
        (([0], [], []), "--cases 0: give numbers from 1 to"),
        (([999], [], []), "--cases 999: give numbers from 1 to"),
        (([], [1], []), "--pods 1: give numbers from 2 to 48."),
        (([], [49], []), "--pods 49: give numbers from 2 to 48."),
        (([], [], [0]), "--policies 0: give numbers from 1 to 10000."),
        (([], [], [-1]), "--policies -1: give numbers"),
    ],
)
def test_a_number_that_cannot_be_measured_is_refused(numbers, complaint):
    with pytest.raises(WrongUse, match=complaint):
        plan.check(*numbers)


def test_the_largest_crowd_has_ports_enough():
    assert crowd._FIRST_PORT + plan.MOST_POLICIES <= 65535


@pytest.mark.parametrize(
    ("count", "seconds", "unit", "text"),
    [(30, 20, 60, "90"), (1, 8, 60, "7.5"), (992, 12.4, 1, "80"), (5, 0, 1, "-")],
)
def test_rates(count, seconds, unit, text):
    assert told.per(count, seconds, unit) == text


RUN = {"cases": 6, "lanes": 2, "seconds": 12.0, "connections": 60, "verdicts": {}}
FIGURES = {
    "run": {
        "finishedAt": "2026-01-01T00:00:00Z",
        "lab": {"version": "0.1.0", "commit": "0123456789abcdef", "dirty": True},
    },
    "implementation": {"title": "Calico", "version": "v3"},
    "environment": {"kubernetes": "v1", "nodes": 2, "cpus": 2, "memoryBytes": 8 * 2**30},
    "cases": [{**RUN, "cases": 61, "lanes": 8, "seconds": 61.0, "connections": 1830}],
    "pods": [
        {"pods": 2, "connections": 90, "failed": 0, "seconds": 3.0, "run": None},
        {"pods": 8, "connections": 112, "failed": 1, "seconds": 2.0, "run": RUN},
    ],
    "policies": [
        {
            "policies": 10, "othersCreatedSeconds": 0.25, "afterCreationMs": [40.4],
            "denyMs": [30.0, 90.0, 50.0], "allowMs": [20.0, 25.0, 21.0], "never": 0,
            "limitMs": 30000, "resolutionMs": 23.5,
        },
        {
            "policies": 100, "othersCreatedSeconds": 1.0, "afterCreationMs": [],
            "denyMs": [], "allowMs": [], "never": 1, "limitMs": 30000, "resolutionMs": None,
        },
    ],
}  # fmt: skip


def rows(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def test_the_markdown_says_everything():
    text = told.markdown(FIGURES)
    for row in (
        ["61", "8", "61.0", "60", "1830", "30"],
        ["2", "30", "90", "0", "-", "-"],
        ["8", "56", "112", "1", "2", "30"],
        ["10", "0.2 s", "40 ms", "50 ms", "90 ms", "21 ms", "25 ms", "24 ms"],
        ["100", "1.0 s", "never", "never", "never", "never", "never", "never"],
    ):
        assert row in rows(text)
    assert "Calico v3, Kubernetes v1, 2 nodes, 2 processors, 8 GiB, commit 0123456789" in text
    assert "with changes" in text


def test_a_part_that_was_left_out_has_no_table():
    text = told.markdown({**FIGURES, "pods": [], "policies": []})
    assert "ask each other" not in text
    assert "default deny" not in text
    assert "61.0" in text


def test_nothing_enforced_is_told():
    assert "not even the default deny" in told.markdown({**FIGURES, "policies": None})


def test_the_terminal_shows_the_same():
    out = io.StringIO()
    Console(file=out, width=120).print(told.draw(FIGURES))
    for word in ("Calico v3", "cases a minute", "connections a second", "90 ms", "never"):
        assert word in out.getvalue()


def test_the_figures_are_printed_and_kept(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(growth, "_figures", lambda profile, planned, words: FIGURES)
    file = tmp_path / "figures.json"
    assert growth.main(["--profile", "calico", "--markdown", "--json", str(file)]) == 0
    assert capsys.readouterr().out.startswith("Cases of the group")
    assert json.loads(file.read_text()) == FIGURES


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["--profile", "calico", "--pods", "64"], 2, "--pods 64"),
        (["--profile", "weave"], 2, "There is no profile 'weave'"),
        (["--profile", "calico", "--cases"], 1, "is absent; `./lab up calico` makes it ready."),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(
    monkeypatch, tmp_path, capsys, words, code, complaint
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    absent = clusters.Status("calico", "netpol-lab-calico", clusters.State.ABSENT)
    monkeypatch.setattr(clusters, "status", lambda profile: absent)
    assert growth.main(words) == code
    said = capsys.readouterr().err
    assert complaint in " ".join(said.split())
    assert "Traceback" not in said


def test_an_interruption_ends_with_130(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(growth, "_figures", interrupted)
    assert growth.main(["--profile", "calico"]) == 130
    assert capsys.readouterr().err.startswith("Interrupted")


def test_the_stage_apart_has_nothing_that_exists_once_a_cluster():
    apart = cast.of_cases().without_shared()
    assert not any(pod.host_network for pod in apart.pods.values())
    assert set(apart.namespaces) == {"shop", "warehouse"}
