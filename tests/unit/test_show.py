"""What notebooks display: right, escaped, the same every time, and never by colour alone."""

import re

import fake_reports as fake
import pytest

from labsupport import cases, delays, fragments, matrix, reach, sheet, show
from labsupport.matrix import LOOKS
from labsupport.verdict import Verdict


def test_a_table_is_html_and_aligned_text():
    piece = fragments.table([["a", 1], ["long", None]], ["x", "y"], "What it shows.")
    assert piece.text == "What it shows.\nx     y\na     1\nlong"
    assert piece.html.count('scope="row"') == 2
    assert "<caption" in piece.html


def test_nothing_in_a_report_acts_as_html():
    evil = "<script>alert(1)</script>"
    piece = fragments.table([[evil]], [evil], evil) + fragments.paragraph(evil)
    piece += fragments.policy([{"kind": evil}]) + fragments.badge(LOOKS[Verdict.PARTLY], evil)
    assert "<script>" not in piece.html


def test_colour_is_never_the_only_sign():
    for verdict, look in LOOKS.items():
        piece = fragments.verdict(verdict)
        assert look.sign in piece.html
        assert str(verdict) in piece.html
        # A background always brings its own ink, so it reads on a dark page too.
        assert re.search(r"background:#\w+;color:#\w+", piece.html)
    assert "background" not in fragments.table([["a"]], ["b"]).html


def test_policies_are_written_as_people_write_them():
    policy = {
        "apiVersion": "v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"ingress": [{}], "podSelector": {}, "policyTypes": ["Ingress"]},
    }
    fields = re.findall(r"^ *(\w+):", fragments.policy([policy]).text, re.MULTILINE)
    assert fields[5:] == ["spec", "podSelector", "policyTypes", "ingress"]


@pytest.mark.parametrize(
    ("expected", "before", "observed", "verdict"),
    [
        ("denied", "allowed", "timeout", Verdict.ENFORCED),
        ("allowed", "allowed", "allowed", Verdict.ENFORCED),
        ("denied", "allowed", "allowed", Verdict.NOT_ENFORCED),
        ("allowed", "allowed", "timeout", Verdict.PARTLY),
        ("denied", "timeout", "timeout", Verdict.INCONCLUSIVE),
        ("denied", "allowed", "refused", Verdict.INCONCLUSIVE),
        ("denied", "allowed", "probe failed", Verdict.INCONCLUSIVE),
        ("denied", "", "", Verdict.NOT_RUN),
    ],
)
def test_a_connections_look_is_what_it_shows(expected, before, observed, verdict):
    arrow = reach.Arrow("shop/a", "shop/b:8080", expected, before, observed)
    assert arrow.look is LOOKS[verdict]


def test_a_grid_shows_a_case_before_and_after_it_is_run():
    case = cases.choose(cases.load(), ["deny-all"])[0]
    planned = reach.grid(case)
    assert f"{LOOKS[Verdict.NOT_RUN].sign} denied" in planned.text
    entry = fake.case("deny-all", "not enforced")
    assert "✗ denied, worked" in reach.grid(entry).text
    assert "✓ allowed, worked" in reach.grid(entry).text


def test_evidence_has_every_moment_and_every_answer():
    entry = fake.case("one", "enforced") | {
        "answers": [
            {"question": "Is it cut?", "connection": "a -> b:1", "observed": "timeout",
             "answer": "is cut"},
        ]
    }  # fmt: skip
    text = reach.evidence(entry).text
    assert re.search("before +under the policy +after", text)
    assert "is cut" in text
    assert reach.evidence(fake.case("two", "not run")).text == fake.case("two", "not run")["reason"]


def made(**verdicts):
    """A matrix of two profiles, with each case's verdicts on them."""
    pairs = {name.replace("_", "-"): pair for name, pair in verdicts.items()}
    reports = [
        fake.report(profile, *(fake.case(name, pair[n]) for name, pair in pairs.items()))
        for n, profile in enumerate(("flannel", "calico"))
    ]
    return matrix.build(reports, "recorded")


def test_the_matrix_opens_the_evidence_of_every_cell():
    what = made(deny_all=("not enforced", "enforced"), allow_one=("enforced", "enforced"))
    piece = sheet.of(what, sheet.rows(what))
    assert piece.html.count("<details>") == 2 + 4
    assert "✗ not enforced" in piece.text
    assert "Recorded: measured" in piece.html


def test_rows_are_filtered_by_every_condition():
    what = made(deny_all=("not enforced", "enforced"), allow_one=("enforced", "enforced"))
    rows = sheet.rows(what)

    def ids(**how):
        return [row.id for row in sheet.choose(rows, **how)]

    assert ids() == ["deny-all", "allow-one"]
    assert ids(text="ONE allow") == ["allow-one"]
    assert ids(verdict="not enforced") == ["deny-all"]
    assert ids(differing=True) == ["deny-all"]
    assert ids(group="cilium") == []
    assert ids(text="all", differing=True, group="specification") == ["deny-all"]


def test_rows_differ_by_what_was_observed_too():
    what = made(open_one=("observed", "observed"))
    answers = [{"question": "q", "connection": "c", "observed": "allowed", "answer": "survives"}]
    what.reports[0]["cases"][0]["answers"] = answers
    what.reports[1]["cases"][0]["answers"] = answers
    assert not sheet.rows(what)[0].differs
    what.reports[1]["cases"][0]["answers"] = [{**answers[0], "answer": "is cut"}]
    assert sheet.rows(what)[0].differs


def test_times_are_those_of_denies_that_were_in_force():
    timed = fake.report("calico") | {"timing": {"deny": {"ms": [420.4], "never": 0}}}
    idle = fake.report("flannel") | {"timing": {"deny": {"ms": [], "never": 2}}}
    series = delays.denies([idle, timed, fake.report("cilium")])
    assert series == {"Flannel": [], "Calico": [420.4]}
    assert "420 ms" in delays.summary(series).text
    assert "never" in delays.summary(series).text
    assert "0 of 1" in delays.by_then(series, 420).text
    assert "1 of 1" in delays.by_then(series, 421).text


def test_no_times_at_all_are_said(capsys):
    show.times({})
    assert "No times are recorded" in capsys.readouterr().out


def test_what_is_documented_is_named_so():
    piece = sheet.documented()
    assert "not measured" in piece.text
    assert piece.html.count("<a href=") == piece.html.count("https://")


def test_pictures_are_the_same_bytes_every_time():
    from labsupport import figures

    found = reach.arrows(fake.case("a", "not enforced"))
    assert figures.graph(found, "A $case") == figures.graph(found, "A $case")
    assert figures.times({"a": [3, 1], "b": []}, "t") == figures.times({"a": [3, 1], "b": []}, "t")


def test_every_time_is_in_the_picture_and_the_bar_is_the_tables_median():
    """A policy that is in force before the API server's answer arrives has a negative time."""
    from labsupport import figures

    times = [-64.0, -1.0, 3.0, 80.0]
    [axes] = figures.distributions({"Calico": times, "Flannel": []}, "t").axes
    zero, dots, bar, _ = axes.lines
    assert list(dots.get_xdata()) == times
    low, high = axes.get_xlim()
    assert low < min(times)
    assert max(times) < high
    assert list(zero.get_xdata()) == [0, 0]
    assert list(bar.get_xdata()) == [1.0, 1.0]
    assert "1 ms" in delays.summary({"Calico": times}).text


def test_outside_a_notebook_the_text_is_printed(capsys):
    show.graph(fake.case("a", "not enforced"))
    assert "of the 1 that it denies, 1 still worked" in capsys.readouterr().out
