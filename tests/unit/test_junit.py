"""Pipelines see each case as a test, and nothing in a report breaks the XML."""

from xml.etree import ElementTree as Xml

import fake_reports

from labsupport import junit
from labsupport.verdict import Verdict


def test_a_suite_a_report_and_a_test_a_case_with_its_verdict():
    cases = [fake_reports.case(f"case-{n}", verdict) for n, verdict in enumerate(Verdict)]
    reports = [fake_reports.report(name, *cases) for name in ("flannel", "calico")]
    suites = Xml.fromstring(junit.render(reports))
    assert [suite.get("name") for suite in suites] == ["flannel", "calico"]
    first = suites[0]
    counts = {name: first.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "7", "failures": "2", "errors": "2", "skipped": "1"}
    found = {case.get("name"): [child.tag for child in case] for case in first}
    assert found == {
        "Case 0": [],
        "Case 1": ["failure"],
        "Case 2": ["failure"],
        "Case 3": ["error"],
        "Case 4": ["skipped"],
        "Case 5": [],
        "Case 6": ["error"],
    }
    assert first[4][0].get("message").startswith("not run: ")


def test_what_xml_cannot_hold_is_replaced(tmp_path):
    case = fake_reports.case("a", "not enforced", "<&> \x1b half \ud83d")
    junit.write([fake_reports.report("calico", case)], tmp_path / "junit.xml")
    (suite,) = Xml.parse(tmp_path / "junit.xml").getroot()
    assert suite[0].get("name") == "<&> \ufffd half \ufffd"
