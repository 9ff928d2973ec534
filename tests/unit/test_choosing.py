"""Requirements as cells: who meets them, in which order, and what of the document holds."""

import fake_reports as fake
import pytest

from labsupport import cases, choosing, versions
from labsupport.choosing import Answer, Requirement
from labsupport.errors import WrongUse

FOREIGN = choosing.NO_SUCH_KIND + "CiliumNetworkPolicy of cilium.io/v2."


def requirement(*names, every=True, group="", observed=""):
    return Requirement("one", "One", every, names, group, observed)


def answer(wanted, *entries):
    return choosing.assess(wanted, fake.report("calico", *entries)).answer


def test_all_cases_or_any():
    good, bad = fake.case("good", "enforced"), fake.case("bad", "not enforced")
    assert answer(requirement("good", "bad"), good, bad) is Answer.UNMET
    assert answer(requirement("good", "bad", every=False), good, bad) is Answer.MET
    assert answer(requirement("good"), good, bad) is Answer.MET
    assert answer(requirement(group="specification"), good, bad) is Answer.UNMET
    assert answer(requirement("bad", every=False), good, bad) is Answer.UNMET


@pytest.mark.parametrize("verdict", ["inconclusive", "not run"])
def test_what_was_not_measured_counts_for_nobody(verdict):
    good, open_ = fake.case("good", "enforced"), fake.case("open", verdict)
    assert answer(requirement("good", "open"), good, open_) is Answer.UNKNOWN
    assert answer(requirement("good", "open", every=False), good, open_) is Answer.MET
    assert answer(requirement("absent"), good) is Answer.UNKNOWN
    assert answer(requirement(group="cilium"), good) is Answer.UNKNOWN


def test_an_api_that_is_not_served_is_a_requirement_not_met():
    foreign = fake.case("theirs", "not run") | {"reason": FOREIGN}
    assert answer(requirement("theirs"), foreign) is Answer.UNMET


def test_what_the_specification_leaves_open_is_met_by_what_packets_did():
    def observed(*outcomes):
        answers = [
            {"question": "q", "connection": "c", "observed": outcome, "answer": "a"}
            for outcome in outcomes
        ]
        return fake.case("open", "observed") | {"answers": answers}

    wanted = requirement("open", observed="timeout")
    assert answer(wanted, observed("timeout", "timeout")) is Answer.MET
    assert answer(wanted, observed("timeout", "allowed")) is Answer.UNMET
    assert answer(wanted, fake.case("open", "not enforced")) is Answer.UNMET


def test_the_fewest_missed_come_first_and_the_cells_say_why():
    reports = [
        fake.report("flannel", fake.case("a", "not enforced")),
        fake.report("calico", fake.case("b", "enforced")),
        fake.report("cilium", fake.case("a", "enforced")),
    ]
    standings = choosing.rank([requirement("a")], reports)
    assert [one.profile for one in standings] == ["cilium", "calico", "flannel"]
    (cell,) = standings[-1].reasons[0].deciding
    assert (cell.case, cell.verdict) == ("a", "not enforced")


def test_the_documents_table_is_judged_row_by_row():
    ok = fake.case("deny-all", "enforced")
    http = fake.case("cilium-http", "enforced") | {"group": "cilium"}
    foreign = fake.case("cilium-fqdn", "not run") | {"group": "cilium", "reason": FOREIGN}
    judged = choosing.judge([fake.report("calico", ok), fake.report("cilium", ok, http, foreign)])
    by_row = {one.says: one.judgement for one in judged}
    assert by_row["Standard K8s Network Policies only"].endswith("and so does Cilium.")
    assert "no other does" in by_row["L7 (HTTP) policies"]
    assert by_row["DNS-based egress filtering"].startswith("Wrong")
    assert "throughput" in by_row["Maximum performance"]
    assert len(judged) == 8


def test_a_report_without_the_case_judges_nothing():
    judged = choosing.judge([fake.report("cilium", fake.case("deny-all", "enforced"))])
    assert {one.says: one.judgement for one in judged}["L7 (HTTP) policies"] == "Not measured yet."


def test_every_requirement_names_cases_of_the_catalogue():
    catalogue = cases.load()
    known = {case.id for case in catalogue} | {case.group for case in catalogue}
    for one in choosing.requirements():
        assert set(one.cases) | ({one.group} - {""}) <= known, one.id


def test_every_recommendation_names_a_requirement_and_a_profile():
    profiles = {one.name for one in versions.profiles()}
    wanted = {one.id for one in choosing.requirements()}
    for one in choosing._data()["recommendations"]:
        assert one.get("profile", "calico") in profiles
        assert one.get("requirement", "standard") in wanted


def test_a_requirement_that_there_is_not():
    with pytest.raises(WrongUse, match="'speed'; choose from standard"):
        choosing.choose(["speed"])
