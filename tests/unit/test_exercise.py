"""Exercises without a cluster: the data by the oracle, and answers of every kind."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport import answer, cases, judges, report, task
from labsupport.answer import State
from labsupport.errors import CheckFailed, WrongUse
from labsupport.exercise import Exercise
from labsupport.exercise_log import Log
from labsupport.outcome import Observation, Outcome
from labsupport.verdict import Expected

TASKS = list(task.load_all().values())
RIGHT = [
    pytest.param(one, policies, id=f"{one.id}: {why}")
    for one in TASKS
    for why, policies in [
        ("solution", one.solution),
        *((other.why, other.policies) for other in one.right),
    ]
]
NEARLY = [
    pytest.param(one, other.policies, id=f"{one.id}: {other.why}")
    for one in TASKS
    for other in one.nearly
]
HEAD = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
ANY = HEAD + "metadata: {name: any, namespace: ex-shop}\nspec: {podSelector: {}}\n"


@pytest.fixture
def load(tmp_path):
    log = Log(tmp_path / "exercises.json")
    return lambda one: Exercise(
        one if isinstance(one, task.Task) else task.find(one), judges.Specification(), log
    )


def test_there_are_at_least_fifteen():
    assert len(TASKS) >= 15
    assert {one.kind for one in TASKS} == {"write", "repair", "find"}


@pytest.mark.parametrize(("one", "policies"), RIGHT)
def test_every_right_answer_is_accepted(load, one, policies):
    done = load(one).check(answer.dump(policies))
    assert done.state is State.SOLVED, str(done)
    assert "no packet was sent" in done.sentence


@pytest.mark.parametrize(("one", "policies"), NEARLY)
def test_no_nearly_right_answer_is(load, one, policies):
    done = load(one).check(answer.dump(policies))
    assert done.state is State.NOT_YET, str(done)


@pytest.mark.parametrize("one", TASKS, ids=lambda one: one.id)
def test_what_is_given_does_not_solve_it(load, one):
    exercise = load(one)
    assert exercise.check().state is State.NOT_ATTEMPTED
    assert exercise.check(exercise.blank()).state is State.NOT_ATTEMPTED
    seen = exercise.judge.test(one.given, one.wanted)
    assert any(
        (seen[c].outcome is Outcome.ALLOWED) != (word is Expected.ALLOWED)
        for c, word in one.wanted.items()
    )


def test_each_points_at_a_case_that_there_is():
    assert {one.case for one in TASKS} <= {case.id for case in cases.load()}


@pytest.mark.parametrize("one", TASKS, ids=lambda one: one.id)
def test_hints_do_not_hold_the_answer(load, one):
    exercise = load(one)
    assert len({exercise.hint(n) for n in (1, 2, 3)}) == 3
    for policy in one.solution:
        assert policy["metadata"]["name"] not in " ".join(one.hints) or policy in one.given
    assert "from 1 to 3" in exercise.hint(4)


@pytest.mark.parametrize(
    ("text", "state", "says"),
    [
        ("", State.NOT_ATTEMPTED, "nothing"),
        ("---\n---\n", State.NOT_ATTEMPTED, "nothing"),
        (f"{HEAD}spec: {answer.BLANK}", State.NOT_ATTEMPTED, answer.BLANK),
        ("a: [", State.NOT_READABLE, "line 1"),
        ("a: b: c", State.NOT_READABLE, "line 1"),
        ("&a [*a]", State.NOT_READABLE, "not YAML"),
        ("2020-01-01", State.NOT_READABLE, "not YAML"),
        ("!!python/object/apply:os.system [x]", State.NOT_READABLE, "constructor"),
        ("\x00", State.NOT_READABLE, "not YAML"),
        ("[" * 1500, State.NOT_READABLE, "nested"),
        ("x" * 200_000, State.NOT_READABLE, "characters"),
        ("no-such-file.yaml", State.NOT_READABLE, "No such file"),
        ("allow the front end", State.WRONG_OBJECTS, "no object"),
        ("42", State.WRONG_OBJECTS, "no object"),
        ("kind: Pod\napiVersion: v1", State.WRONG_OBJECTS, "not Pod of v1"),
        (ANY.replace("networking.k8s.io/v1", "crd/v1"), State.WRONG_OBJECTS, "of crd/v1"),
        (f"{HEAD}metadata: []", State.WRONG_OBJECTS, "no name"),
        (f"{HEAD}metadata: {{name: x}}", State.WRONG_OBJECTS, "no namespace"),
        (ANY.replace("ex-shop", "kube-system"), State.WRONG_OBJECTS, "kube-system"),
        (f"{ANY}---\n{ANY}", State.WRONG_OBJECTS, "two policies any"),
        (ANY.replace("podSelector", "podselector"), State.REFUSED, "podselector"),
        (ANY.replace("podSelector: {}", "ingress: [{form: []}]"), State.REFUSED, "form"),
        (ANY.replace("podSelector: {}", "policyTypes: [ingress]"), State.REFUSED, "ingress"),
        (ANY.replace("podSelector: {}", "ingress: [{ports: [{port: 0}]}]"), State.REFUSED, "port"),
        (ANY.replace("podSelector: {}", "ingress: nobody"), State.REFUSED, "nobody"),
        (ANY.replace("podSelector: {}", "podSelector: {matchLabels: {a: yes}}"), State.REFUSED, ""),
        (ANY, State.NOT_YET, "not as wanted"),
        (ANY.replace("{podSelector: {}}", ""), State.NOT_YET, "not as wanted"),  # spec: null
    ],
)
def test_what_is_unfinished_or_broken_is_told_and_never_raises(load, text, state, says):
    done = load("only-the-front-end").check(text)
    assert done.state is state, str(done)
    assert says in done.sentence
    assert done.sentence.count("\n") == 0


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.dictionaries(st.text(max_size=5), st.none() | st.integers()))
def test_no_text_whatever_raises(text, spec):
    read = Exercise(task.find("1"), judges.Specification(), log=_NoLog())
    read.check(text)
    read.check(f"{HEAD}metadata: {{name: x, namespace: ex-shop}}\nspec: {spec!r}\n")


class _NoLog:
    def change(self, _):
        from contextlib import nullcontext

        return nullcontext(type("Entry", (), {"solved": True})())


def test_a_list_as_kubectl_prints_it_is_read(load):
    exercise = load("only-the-front-end")
    items = "".join(
        f"- {line}" if n == 0 else f"  {line}"
        for n, line in enumerate(answer.dump(exercise.task.solution).splitlines(keepends=True))
    )
    assert exercise.check(f"apiVersion: v1\nkind: List\nitems:\n{items}").solved


def test_a_file_is_read(load, tmp_path):
    exercise = load("by-port")
    file = tmp_path / "answer.yaml"
    file.write_text(exercise.solution())
    assert exercise.check(file).solved
    assert exercise.check(str(file)).solved
    file.write_bytes(b"\xff\xfe")
    assert exercise.check(file).state is State.NOT_READABLE


def test_the_grid_is_html_and_nothing_in_it_acts(load):
    done = load("by-port").check(ANY.replace("name: any", "name: '<script>'"))
    assert done.state is State.REFUSED
    assert "&lt;script&gt;" in done.fragment().html
    assert "<script>" not in done.fragment().html
    grid = load("by-port").check(ANY).fragment().html
    assert "<table>" in grid
    assert "✗" in grid
    assert "by the specification" in grid
    assert "timeout" not in grid  # nothing times out where no packet is sent


class Broken(judges.Specification):
    """A cluster that is not there."""

    mode = "live"

    def current(self):
        raise CheckFailed("Cluster netpol-lab-calico is absent.")


def test_a_cluster_that_fails_is_told_and_not_raised(tmp_path):
    exercise = Exercise(task.find("1"), Broken(), Log(tmp_path / "log.json"))
    done = exercise.check(ANY)
    assert done.state is State.NOT_CHECKED
    assert "absent" in done.sentence


class Silent(judges.Specification):
    """Packets that were not sent must not count as denied."""

    mode = "live"

    def test(self, policies, wanted):
        return {c: Observation(Outcome.PROBE_FAILED, "no exec") for c in wanted}


def test_a_probe_that_fails_is_no_denial(tmp_path):
    exercise = Exercise(task.find("1"), Silent(), Log(tmp_path / "log.json"))
    assert exercise.check(ANY).state is State.NOT_CHECKED


class Open(judges.Specification):
    """A cluster that lets everything pass."""

    mode = "live"

    def test(self, policies, wanted):
        return {c: Observation(Outcome.ALLOWED) for c in wanted}


def test_a_right_answer_on_a_cluster_that_does_not_enforce(tmp_path):
    exercise = Exercise(task.find("1"), Open(), Log(tmp_path / "log.json"))
    done = exercise.check(answer.dump(exercise.task.solution))
    assert done.state is State.NOT_YET
    assert "does the cluster enforce it?" in done.sentence
    assert "does the cluster" not in exercise.check(ANY).sentence


def test_who_judges(monkeypatch):
    monkeypatch.delenv("NETPOL_LAB_MODE", raising=False)
    ready = {"canal"}
    monkeypatch.setattr(judges, "_is_ready", lambda profile: profile.name in ready)
    assert judges.choose().how == "by packets on Canal"
    assert judges.choose(mode="recorded").mode == "recorded"
    ready.clear()
    assert judges.choose().mode == "recorded"
    with pytest.raises(CheckFailed, match="is ready"):
        judges.choose(mode="live")
    monkeypatch.setenv("NETPOL_LAB_MODE", "recorded")
    assert judges.choose().mode == "recorded"
    monkeypatch.setenv("NETPOL_LAB_MODE", "maybe")
    with pytest.raises(WrongUse, match="maybe"):
        judges.choose()


def test_who_enforces_is_read_from_the_recordings(monkeypatch):
    assert "flannel" not in [profile.name for profile in judges.enforcing()]
    monkeypatch.setattr(report, "recordings", lambda: [])
    assert judges.enforcing() == []


def test_an_unknown_exercise_is_named():
    with pytest.raises(WrongUse, match="'nothing'; choose from only-the-front-end"):
        task.find("nothing")
