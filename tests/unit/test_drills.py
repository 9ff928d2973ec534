"""The questions: each fits, each answer that can be evaluated is, and none contradicts a report."""

import copy

import pytest
import yaml

from labsupport import cases, checked, drills, drillscene, drilltext, report
from labsupport.drills import TOPICS, Kind
from labsupport.errors import WrongUse
from labsupport.verdict import Expected
from tests.unit import fake_reports

FILES = sorted(drills.FOLDER.glob("*/*.yaml"))
DATA = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
QUESTIONS = {question.id: question for question in drills.load()}
CASES = {case.id: case for case in cases.load()}
SCENES = [question for question in QUESTIONS.values() if question.scene]


def test_there_are_enough_of_each_kind_topic_and_level():
    assert len(QUESTIONS) >= 90
    for kind in Kind:
        assert sum(q.kind is kind for q in QUESTIONS.values()) >= 5, kind
    for topic in TOPICS:
        assert sum(data["topic"] == topic for data in DATA.values()) >= 5, topic
    for level in (1, 2, 3):
        assert sum(q.level == level for q in QUESTIONS.values()) >= 10, level


def test_ids_are_not_repeated():
    assert len(DATA) == len(FILES)


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_a_question_links_to_what_exists(data):
    if "case" in data:
        assert data["case"] in CASES
    assert 0 < data["notebook"] < 11, "a notebook that teaches, not one that practises"


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_a_question_reads_well(data):
    """One sentence each; options all different, also between right and wrong."""
    if "answer" in data:
        assert data["answer"].endswith(".")
        assert ". " not in data["answer"], "the answer is one sentence"
    options = data.get("right", []) + data.get("wrong", [])
    assert len(set(options)) == len(options)
    assert data["followup"]["question"].endswith("?")


@pytest.mark.parametrize("question", SCENES, ids=lambda question: question.id)
def test_what_is_written_of_a_scene_is_what_the_oracle_says(question):
    scene = question.scene
    assert scene.reachability(scene.repaired or None) == scene.expected


@pytest.mark.parametrize(
    "question",
    [q for q in SCENES if q.kind is Kind.MISTAKE],
    ids=lambda question: question.id,
)
def test_the_policy_with_the_mistake_fails_and_its_repair_does_not(question):
    scene = question.scene
    assert scene.reachability() != scene.expected
    assert scene.reachability(scene.repaired) == scene.expected


@pytest.mark.parametrize(
    "question", [q for q in SCENES if q.kind is Kind.GRID], ids=lambda question: question.id
)
def test_a_grid_has_both_answers(question):
    assert 0 < len(question.right) < len(question.options)
    assert set(question.scene.expected.values()) == {Expected.ALLOWED, Expected.DENIED}


MEASURED = {name: data for name, data in DATA.items() if "measured" in data}


@pytest.mark.parametrize("name", MEASURED)
def test_a_measured_question_agrees_with_every_report(name):
    """Looked up anew, by hand: the options are the profiles that the reports answer for."""
    data, asked = MEASURED[name], MEASURED[name]["measured"]
    said = {}
    for one in report.recordings():
        for case in one["cases"]:
            if case["id"] == data["case"]:
                said[one["implementation"]["title"]] = case
    if name not in QUESTIONS:
        assert not any(case.get("answers") or "verdict" in asked for case in said.values())
        return
    question = QUESTIONS[name]
    assert set(question.options) <= set(said)
    for title in question.options:
        case = said[title]
        if "verdict" in asked:
            expected = case["verdict"] == asked["verdict"]
        else:
            answers = {one["connection"]: one["observed"] for one in case.get("answers", [])}
            seen = [
                one["observed"]
                for one in case["steps"][-1]["connections"]
                if asked["connection"] == f"{one['from']} -> {one['to']}:{one['port']}"
            ]
            expected = answers.get(asked["connection"], *seen) == asked["observed"]
        assert (title in question.right) is expected, title


@pytest.mark.parametrize("name", MEASURED)
def test_a_measured_question_asks_for_what_its_case_has(name):
    asked = MEASURED[name]["measured"]
    known = {str(connection) for connection in CASES[MEASURED[name]["case"]].connections}
    assert "verdict" in asked or asked["connection"] in known


def measured(reports, **asked):
    """A question over made-up reports, or None."""
    found = drills._measured("a-case", asked, reports)
    return found and {"options": found[0], "right": found[1], "answer": found[2]}


def made_up(**verdicts):
    return [
        fake_reports.report(name, fake_reports.case("a-case", verdict))
        for name, verdict in verdicts.items()
    ]


def test_another_verdict_in_a_report_turns_the_answer():
    before = measured(made_up(flannel="not enforced", calico="enforced"), verdict="enforced")
    after = measured(made_up(flannel="enforced", calico="not enforced"), verdict="enforced")
    assert before["right"] == ["Calico"]
    assert after["right"] == ["Flannel"]
    assert before["answer"] == "Measured: not enforced on Flannel; enforced on Calico."


def test_what_was_not_measured_is_no_option():
    found = measured(made_up(flannel="not run", calico="inconclusive", cilium="enforced"),
                     verdict="enforced")  # fmt: skip
    assert found["options"] == ["Cilium"]
    assert measured(made_up(flannel="not run"), verdict="enforced") is None


def test_what_a_case_asked_is_answered_in_its_words():
    reports = made_up(calico="enforced", cilium="enforced")
    for one, (observed, word) in zip(
        reports, [("allowed", "survives"), ("timeout", "is cut")], strict=True
    ):
        one["cases"][0]["answers"] = [
            {"question": "?", "connection": "held a/b -> c/d:1", "observed": observed,
             "answer": word}
        ]  # fmt: skip
    found = measured(reports, connection="held a/b -> c/d:1", observed="allowed")
    assert found["right"] == ["Calico"]
    assert found["answer"] == "Measured: survives on Calico; is cut on Cilium."
    reports[0]["cases"][0]["answers"][0]["answer"] = "inconclusive: it did not work before"
    found = measured(reports, connection="held a/b -> c/d:1", observed="allowed")
    assert (found["options"], found["right"]) == (["Cilium"], [])


def test_topics_and_levels_choose():
    every = list(QUESTIONS.values())
    chosen = drills.choose(every, ["proof"], 1)
    assert {q.topic for q in chosen} == {"proof"}
    assert {q.level for q in chosen} == {1}
    with pytest.raises(WrongUse, match="no topic 'weave'; choose from silent-failure"):
        drills.choose(every, ["weave"])


EXAMPLE = DATA["extra-dash-mistake"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"right": ["a", "b"]}, "right"),
        ({"right": []}, "right"),
        ({"kind": "riddle"}, "kind"),
        ({"level": 4}, "level"),
        ({"answer": None}, "answer"),
        ({"measured": {"verdict": "enforced"}}, "kind"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(change, complaint):
    with pytest.raises(WrongUse, match=complaint):
        checked.check(EXAMPLE | change, "drill", "x.yaml")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"denied": ["shop/api -> shop/none:1"]}, "no pod 'shop/none'"),
        ({"denied": ["warehouse/audit -> shop/api:8080"]}, "both allowed and denied"),
        ({"denied": ["nonsense"]}, "not a connection"),
    ],
)
def test_a_scene_that_cannot_be_is_refused(change, complaint):
    with pytest.raises(WrongUse, match=complaint):
        drillscene.read(copy.deepcopy(EXAMPLE["scene"]) | change, "x.yaml")


def test_the_file_must_be_where_its_topic_and_id_say(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "other.yaml").write_text(yaml.safe_dump(EXAMPLE))
    with pytest.raises(WrongUse, match=r"should be selectors/extra-dash-mistake\.yaml"):
        drills.load(tmp_path, [])


def test_every_question_can_be_told():
    for question in QUESTIONS.values():
        assert drilltext.headline(question)
        assert drilltext.shown_first(question) is not None
        assert drilltext.shown_after(question) is not None
        assert drilltext.references(question)
