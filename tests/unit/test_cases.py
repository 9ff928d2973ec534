"""The catalogue, and what a learner who writes a case is told about mistakes."""

import copy

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labsupport import cases, cast, paths
from labsupport.connection import VIA, Connection
from labsupport.errors import WrongUse
from labsupport.verdict import Expected

DENY = paths.CASES / "01-deny-all-ingress.yaml"


SPECIFICATION = [case for case in cases.load() if case.group == "specification"]


def test_the_first_ten_cases_come_first():
    assert [case.id for case in cases.load()][:10] == [
        "deny-all-ingress",
        "deny-all-egress",
        "deny-all",
        "allow-by-pod-label",
        "allow-by-namespace-label",
        "allow-by-both-labels",
        "allow-by-port",
        "two-policies-add-up",
        "egress-with-dns",
        "validate-in-four-steps",
    ]


@pytest.mark.parametrize("case", SPECIFICATION, ids=lambda case: case.id)
def test_every_case_denies_and_allows_something(case):
    words = {word for step in case.steps for word in step.expected.values()}
    assert words == set(Expected)


@pytest.mark.parametrize("case", SPECIFICATION[:10], ids=lambda case: case.id)
def test_the_first_ten_cross_nodes_and_stay_on_one(case):
    pods = cast.of_cases().pods
    crossings = {pods[c.source].node != pods[c.target].node for c in case.connections}
    assert crossings == {True, False}


connections = st.builds(
    Connection,
    st.sampled_from(["shop/api", "shop/frontend"]),
    st.sampled_from(["warehouse/stock", "warehouse/audit"]),
    st.integers(1, 65535),
    st.sampled_from(["TCP", "UDP", "SCTP"]),
    st.sampled_from(list(VIA.values())),
    st.booleans(),
)


@given(connections)
def test_a_connection_reads_as_it_is_written(connection):
    assert Connection.parse(str(connection)) == connection


def edited(**changes):
    data = yaml.safe_load(DENY.read_text())
    for path, value in changes.items():
        target = data
        *way, last = path.split("__")
        for key in way:
            target = target[int(key) if key.isdigit() else key]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return yaml.safe_dump(data)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id: [", "is not YAML"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
        ("- a list", "the file as a whole"),
        (edited(title=None), "'title' is a required property"),
        (edited(colour="red"), "'colour' was unexpected"),
        (edited(id="other"), "<number>-<id>.yaml"),
        (edited(steps__0__denied=["shop/api > shop/frontend"]), "steps[0].denied[0]"),
        (edited(steps__0__denied=["shop/ghost -> shop/api:8080"]), "no pod 'shop/ghost'"),
        (edited(steps__0__denied=["shop/frontend -> shop/api:9"]), "no pod serves TCP 9"),
        (edited(steps__0__denied=[]), "could not fail"),
        (edited(steps__0__denied=["warehouse/stock -> warehouse/audit:8080"]), "both allowed"),
        (edited(steps__0__apply__0__metadata={"name": "x"}), "namespace None"),
        (edited(steps__0__apply__0__metadata={"name": "x", "namespace": "prod"}), "'prod'"),
    ],
)
def test_a_mistake_is_named_with_its_file(tmp_path, text, complaint):
    file = tmp_path / DENY.name
    file.write_text(text)
    with pytest.raises(WrongUse) as error:
        cases.load(tmp_path)
    assert str(file) in str(error.value)
    assert complaint in str(error.value)


def test_two_cases_cannot_share_an_id(tmp_path):
    for number in ("01", "02"):
        (tmp_path / f"{number}-deny-all-ingress.yaml").write_text(DENY.read_text())
    with pytest.raises(WrongUse, match="another case"):
        cases.load(tmp_path)


def test_adding_a_case_needs_no_python(tmp_path):
    (tmp_path / "77-mine.yaml").write_text(edited(id="mine"))
    assert [case.id for case in cases.load(tmp_path)] == ["mine"]


def test_an_unknown_case_is_answered_with_those_there_are():
    with pytest.raises(WrongUse, match="deny-all-ingress"):
        cases.choose(cases.load(), ["no-such-case"])


def test_the_policy_hash_ignores_formatting_and_nothing_else():
    case = cases.load()[0]
    same = cases.read(DENY)
    assert case.policy_sha256 == same.policy_sha256
    changed = copy.deepcopy(same.steps[0].apply[0])
    changed["spec"]["policyTypes"] = ["Egress"]
    other = cases.Case(**{**vars(same), "steps": (cases.Step("x", (changed,), {}),)})
    assert other.policy_sha256 != case.policy_sha256
