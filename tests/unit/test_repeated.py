"""Cases that were run several times: where runs disagree it is said, and nothing is hidden."""

import fake_reports as fake
import pytest

from labsupport import choosing, junit, matrix, repeated, report
from labsupport.verdict import Verdict


def ran(verdict, **fields):
    return fake.case("deny-all", verdict) | {"answers": []} | fields


def asked(answer):
    return fake.asking("held", does_it_survive=answer)


def merged(*entries):
    [one] = repeated.merge([[entry] for entry in entries])
    return one


def test_a_single_run_is_left_as_it_is():
    entries = [ran("enforced"), ran("not enforced", id="other")]
    assert repeated.merge([entries]) == entries


def test_runs_that_agree_keep_the_verdict_and_the_first_evidence():
    one = merged(ran("enforced", seconds=2.0), ran("enforced", seconds=9.0, reason="Later."))
    assert (one["verdict"], one["seconds"]) == ("enforced", 2.0)
    assert one["steps"] == ran("enforced")["steps"]
    assert [said["seconds"] for said in one["runs"]] == [2.0, 9.0]


@pytest.mark.parametrize("other", ["partly enforced", "not enforced", "inconclusive"])
def test_a_verdict_that_comes_and_goes_is_unstable_and_all_packets_are_kept(other):
    one = merged(ran("enforced"), ran(other), ran("enforced"))
    assert one["verdict"] == "unstable"
    assert one["reason"] == f"Of 3 runs, 2 enforced and 1 {other}; the evidence has each."
    assert [said["verdict"] for said in one["runs"]] == ["enforced", other, "enforced"]
    assert [step["name"] for step in one["steps"]] == [
        f"Run {number}: deny all ingress" for number in (1, 2, 3)
    ]
    seen = [step["connections"][0]["observed"] for step in one["steps"]]
    assert seen == [fake.OBSERVED.get(v, "allowed") for v in ("enforced", other, "enforced")]


def test_an_answer_that_changes_is_unstable_though_the_verdict_stays():
    one = merged(asked("survives"), asked("is cut"))
    assert one["verdict"] == "unstable"
    assert one["answers"] == []
    assert one["reason"] == "2 runs gave different answers; the evidence has each."
    assert merged(asked("survives"), asked("survives"))["verdict"] == "observed"


def flickering():
    return fake.report(
        "calico",
        merged(ran("enforced"), ran("not enforced")),
        merged(asked("lives"), asked("dies")),
    )


def test_a_report_of_several_runs_is_valid_and_counts_the_unstable(tmp_path):
    file = tmp_path / "report.json"
    report.write(flickering(), file)
    assert report.read(file)["summary"]["unstable"] == 2


def test_the_matrix_shows_it_with_the_evidence_of_every_run():
    page = matrix.build([flickering()], "live").to_html()
    assert "Run 2: deny all ingress" in page
    assert "run 1 asked: does it survive?" in page
    assert "<strong>dies</strong>" in page
    assert "runs say the same" not in page
    assert "| ≈ unstable |" in matrix.build([flickering()], "live").to_markdown()


def test_the_matrix_says_how_often_the_same_was_seen():
    calm = fake.report("calico", merged(ran("enforced"), ran("enforced"), ran("enforced")))
    found = matrix.build([calm], "live")
    assert "3 runs say the same" in found.to_html()
    assert "| Runs of each case | 3 |" in found.to_markdown()
    assert "| Runs of each case | 1 |" in matrix.build([fake.report()], "live").to_markdown()


def test_a_pipeline_and_a_choice_do_not_count_on_it():
    assert b'errors="2"' in junit.render([flickering()])
    cell = choosing._cell("deny-all", flickering()["cases"][0], "")
    assert (cell.verdict, cell.answer) == (Verdict.UNSTABLE, choosing.Answer.UNKNOWN)
