"""Reports as JUnit XML, which pipelines show as tests.

The shape is the one that CI systems agree on (https://github.com/testmoapp/junitxml): a case
that is not enforced is a failure, an inconclusive or unstable one an error, one not run is skipped.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as Xml

from labsupport.report import Report, write_file
from labsupport.verdict import Verdict

_ELEMENTS = {
    Verdict.NOT_ENFORCED: "failure",
    Verdict.PARTLY: "failure",
    Verdict.INCONCLUSIVE: "error",
    Verdict.UNSTABLE: "error",
    Verdict.NOT_RUN: "skipped",
}
# What XML 1.0 cannot hold, however it is escaped (https://www.w3.org/TR/xml/#charsets).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(reports: Iterable[Report], path: Path) -> None:
    """Write the verdicts of reports as JUnit XML, whole or not at all.

    Raises:
        MachineCannot: the file cannot be written.
    """
    write_file(path, render(reports))


def render(reports: Iterable[Report]) -> bytes:
    """The verdicts of reports as JUnit XML, a suite a report."""
    suites = Xml.Element("testsuites")
    suites.extend(map(_suite, reports))
    Xml.indent(suites)
    text: bytes = Xml.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(report: Report) -> Xml.Element:
    cases = report["cases"]
    kinds = [_ELEMENTS.get(Verdict(case["verdict"])) for case in cases]
    suite = Xml.Element(
        "testsuite",
        name=_text(report["implementation"]["profile"]),
        timestamp=report["run"]["startedAt"],
        tests=str(len(cases)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
    )
    for case, kind in zip(cases, kinds, strict=True):
        test = Xml.SubElement(
            suite,
            "testcase",
            classname=_text(case["group"]),
            name=_text(case["title"]),
            time=str(case["seconds"]),
        )
        if kind:
            message = f"{case['verdict']}: {case['reason']}"
            Xml.SubElement(test, kind, message=_text(message))
    return suite


def _text(value: object) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(value))
