"""The matrix shows every verdict of every report, safely and the same each time."""

import csv
import html
import io
import re
import struct
from html.parser import HTMLParser

import fake_reports
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from labsupport import groups, matrix, plain
from labsupport.errors import MachineCannot, WrongUse
from labsupport.verdict import Verdict

NAMES = ("flannel", "calico", "cilium", "canal")
words = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40)
CASES = {f"case-{n}": verdict for n, verdict in enumerate(Verdict)}


@pytest.fixture
def four():
    """Four profiles, each with a case of every verdict."""
    cases = [fake_reports.case(name, str(verdict)) for name, verdict in CASES.items()]
    return matrix.build([fake_reports.report(name, *cases) for name in reversed(NAMES)], "recorded")


@pytest.fixture(scope="module")
def whole():
    """Four profiles with the 110 cases of a whole catalogue, which several tests look at."""
    return matrix.build([fake_reports.catalogue(name) for name in NAMES], "recorded")


class Page(HTMLParser):
    """What a test asks of a page: ids, links, and everything that would be loaded."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.tags = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "a":
            self.links.append(attributes["href"])
        elif attributes.keys() & {"src", "href", "srcset", "data", "poster"}:
            self.loads.append((tag, attributes))


def test_measured_holds_every_cell_in_order(four):
    assert list(four.measured) == list(NAMES)
    assert all(cells == CASES for cells in four.measured.values())
    assert four.to_json() == {
        "mode": "recorded",
        "measured": dict.fromkeys(NAMES, CASES),
        "answers": {name: {} for name in NAMES},
    }


def test_a_case_that_a_report_lacks_is_not_run():
    less = fake_reports.report("flannel", fake_reports.case("b", "not enforced"))
    more = fake_reports.report(
        "calico", *(fake_reports.case(name, "enforced") for name in ("a", "b", "c"))
    )
    made = matrix.build([less, more], "live")
    assert list(made.cases) == ["a", "b", "c"]
    assert made.measured["flannel"] == {"a": "not run", "b": "not enforced", "c": "not run"}
    assert "The report has no such case." in made.to_html()


def test_a_frame_has_cases_down_and_profiles_across(four):
    frame = four.frame()
    assert list(frame.columns) == ["Flannel", "Calico", "Cilium", "Canal"]
    assert list(frame["Canal"]) == [str(verdict) for verdict in Verdict]
    assert list(frame.index) == [f"Case {n}" for n in range(len(Verdict))]


def test_no_reports_two_of_one_profile_or_two_policies_of_one_name_are_refused():
    with pytest.raises(WrongUse, match="no report"):
        matrix.build([], "live")
    again = fake_reports.report()
    again["run"] |= {
        "id": "00000000-0000-4000-8000-000000000000",
        "startedAt": "2026-11-24T08:00:00Z",
    }
    with pytest.raises(WrongUse, match=r"2026-11-23 19:37 .*6f1c1a52.*2026-11-24 08:00 .*00000000"):
        matrix.build([fake_reports.report(), again], "live")
    other = fake_reports.report("canal")
    other["cases"][0]["policySha256"] = "f" * 64
    with pytest.raises(WrongUse, match=r"'deny-all-ingress' .* calico .* canal"):
        matrix.build([fake_reports.report(), other], "live")


def test_the_headline_says_what_kind_of_result_it_is():
    one, two = fake_reports.report("calico"), fake_reports.report("canal")
    live = matrix.build([one, two], "live").headline()
    assert live == "Live: measured on this machine on 2026-11-23 19:40 UTC"
    assert matrix.build([one, two], "recorded").headline() == (
        "Recorded: measured 2026-11-23 on Linux 6.18, kind v0.32.0, Kubernetes v1.36.1, "
        "commit abc1234; no packet was sent just now"
    )


def test_the_headline_hides_no_difference_between_the_reports():
    one, two = fake_reports.report("calico"), fake_reports.report("canal")
    two["run"]["finishedAt"] = "2026-11-25T00:00:00Z"
    two["run"]["lab"] |= {"commit": None}
    one["run"]["lab"] |= {"dirty": True}
    two["environment"]["kernel"] = "5.15.0"
    assert matrix.build([one, two], "recorded").headline() == (
        "Recorded: measured 2026-11-23 to 2026-11-25 on Linux 6.18 and 5.15, kind v0.32.0, "
        "Kubernetes v1.36.1, commit abc1234 with changes and commit unknown; "
        "no packet was sent just now"
    )


def test_every_verdict_has_a_sign_and_a_colour_of_its_own():
    assert list(matrix.LOOKS) == list(Verdict)
    assert len({look.sign for look in matrix.LOOKS.values()}) == len(Verdict)
    assert len({look.colour for look in matrix.LOOKS.values()}) == len(Verdict)


def _luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("look", matrix.LOOKS.values(), ids=str)
def test_signs_and_words_can_be_read_on_their_colours(look):
    def contrast(a, b):
        light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    # https://www.w3.org/TR/WCAG22/#contrast-minimum and #non-text-contrast
    assert contrast(look.ink, look.colour) >= 3
    assert contrast("#1A1A1A", look.tint) >= 7


def test_markdown_begins_with_the_headline_and_shows_every_cell(four):
    lines = four.to_markdown().splitlines()
    assert lines[0] == four.headline()
    assert "| Case | Flannel | Calico | Cilium | Canal |" in lines
    for name, verdict in CASES.items():
        title = name.replace("-", " ").capitalize()
        cell = f"{matrix.LOOKS[verdict].sign} {verdict}"
        assert f"| {title} | {' | '.join([cell] * 4)} |" in lines


def test_markdown_cannot_be_broken_by_a_title():
    case = fake_reports.case("a", "enforced", "a | b <script> `c` [d](e)")
    text = matrix.build([fake_reports.report("calico", case)], "live").to_markdown()
    assert r"| a \| b \<script\> \`c\` \[d\](e) | ✓ enforced |" in text
    page = MarkdownIt("commonmark").enable("table").render(text)
    assert "<td>a | b &lt;script&gt; `c` [d](e)</td>" in page


@given(words)
@example("# a heading")
@example("- an item")
@example("12) an item")
@example("===")
@example("~~~")
def test_any_text_is_shown_as_it_is_in_a_paragraph_a_list_and_a_quote(text):
    shown = " ".join(text.split())
    for begin in ("", "- ", "  - ", "> "):
        page = MarkdownIt("commonmark").render(begin + plain.escape(text))
        told = html.unescape(re.sub(r"</?(?:p|ul|li|blockquote)>", "", page))
        assert " ".join(told.split()) == shown


def test_the_page_begins_with_the_headline_and_shows_it(four):
    text = four.to_html()
    assert text.splitlines()[0] == f"<!-- {four.headline()} -->"
    assert f'<p class="headline">{four.headline()}</p>' in text


def test_every_cell_leads_to_its_evidence(four):
    page = Page(four.to_html())
    assert len(page.ids) == len(set(page.ids))
    cells = {f"#case-{name}--{profile}" for name in CASES for profile in NAMES}
    inner = {link for link in page.links if link.startswith("#")}
    assert cells < inner
    assert {link[1:] for link in inner} <= set(page.ids)


def test_the_page_holds_the_evidence_and_its_origin(four):
    text = four.to_html()
    for expected in (
        "podSelector: {}",
        "shop/frontend → shop/api:8080/TCP",
        "420 ms to converge",
        "3 attempts",
        "POD-SELECTOR",
        "4 allowed, 2 timeout",
        "built from Go modules and Debian packages",
        "kernel 6.18.3-lab",
        fake_reports.SHA,
        *(look.meaning for look in matrix.LOOKS.values()),
    ):
        assert expected in text


def test_the_page_loads_nothing_and_runs_nothing(four):
    text = four.to_html()
    page = Page(text)
    assert page.loads == []
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "img", "object"}
    assert not re.search(r"@import|url\(", text)


def test_tables_are_told_to_those_who_cannot_see_them(four):
    page = Page(four.to_html())
    count = [tag for tag, _ in page.tags].count
    assert count("caption") == count("table")
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_nothing_in_a_report_becomes_markup():
    evil = '--><script>alert("x")</script>'
    case = fake_reports.case("a", "enforced", evil)
    case["policies"][0] = {"kind": evil}
    case["steps"][0] |= {"name": evil, "apiAnswer": evil}
    case["steps"][0]["connections"][0] |= {"detail": evil, "from": evil, "to": evil}
    one = fake_reports.report("calico", case | {"reason": evil, "group": evil})
    one["implementation"] |= {"title": evil, "mode": evil}
    one["environment"] |= {"kind": evil, "kernel": evil}
    one["silentFailure"] |= {"accepted": evil, "listed": evil, "sentence": evil}
    text = matrix.build([one], "recorded").to_html()
    assert "<script" not in text
    assert text.splitlines()[0].count("-->") == 1
    assert "&lt;script&gt;" in text


def test_a_silent_failure_that_was_not_looked_for_is_said():
    one = fake_reports.report("calico") | {"silentFailure": None}
    made = matrix.build([one, fake_reports.report("canal")], "live")
    assert "Its case was not run." in made.to_html()
    assert "- Canal: ✓ enforced." in made.to_markdown()


def test_the_terminal_table_loses_nothing_in_eighty_columns(four):
    screen = Console(file=io.StringIO(), width=80, soft_wrap=True)
    screen.print(four.table())
    headline, *lines = screen.file.getvalue().splitlines()
    assert headline.strip() == four.headline()
    lines = lines[: lines.index("") if "" in lines else None]
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert re.search(r"Case +Flannel +Calico +Cilium +Canal", text)
    for verdict, look in matrix.LOOKS.items():
        assert text.count(f"{look.sign} {verdict.split()[0]}") == 4


def test_writing_makes_four_files_and_the_same_ones_again(four, tmp_path):
    paths = four.write(tmp_path / "a")
    assert [path.name for path in paths] == [
        "matrix.html",
        "matrix.md",
        "matrix.csv",
        "matrix.png",
    ]
    assert sorted(paths) == sorted((tmp_path / "a").iterdir())
    again = four.write(tmp_path / "b")
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]


def test_the_picture_is_a_png_as_wide_as_a_slide(four, tmp_path):
    four.to_picture(tmp_path / "matrix.png")
    content = (tmp_path / "matrix.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1920
    assert 600 < height < 1200


def test_the_picture_of_many_profiles_is_wider(tmp_path):
    cases = [fake_reports.case(f"case-{n}", "enforced") for n in range(20)]
    reports = [fake_reports.report(name, *cases) for name in NAMES]
    for n in range(4):
        more = fake_reports.report("calico", *cases)
        more["implementation"] |= {"profile": f"other-{n}"}
        reports.append(more)
    width, height = size(matrix.build(reports, "live"), tmp_path)
    assert (width, height) > (2500, 1500)


def test_the_picture_of_a_whole_catalogue_still_fits_a_slide(whole, tmp_path):
    width, height = size(whole, tmp_path)
    assert width == 1920
    assert height < 2400  # five groups and the twenty rows on which the profiles differ


def size(made, folder):
    """A picture's width and height in dots, as its header says."""
    made.to_picture(folder / "matrix.png")
    return struct.unpack(">II", (folder / "matrix.png").read_bytes()[16:24])


def test_half_a_character_does_not_stop_the_page(tmp_path):
    one = fake_reports.report()
    one["cases"][0]["reason"] = "half \ud83d"
    page, *_ = matrix.build([one], "live").write(tmp_path)
    assert "half ?" in page.read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_said(four, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineCannot, match=r"matrix\.html: cannot be written"):
        four.write(tmp_path / "file")


def test_groups_are_counted_a_profile_in_the_order_of_the_catalogue(whole):
    found = groups.of(whole)
    assert [group.heading for group in found] == list(groups.HEADINGS.values())
    places = range(len(NAMES))
    assert [found[0].tally(n) for n in places] == [
        "✗ 50 of 50", *["✓ 49 of 50, ◐ 1"] * 3,
    ]  # fmt: skip
    assert [found[1].tally(n) for n in places] == ["✗ 20 of 20", *["○ 20 of 20"] * 3]
    assert [found[3].tally(n) for n in places][2] == "✓ 18 of 18"
    assert sum(len(group.cases) for group in found) == len(whole.cases) == 110


def test_a_group_that_nobody_knows_keeps_its_name_and_follows():
    cases = [
        fake_reports.case("a", "enforced") | {"group": "verify"},
        fake_reports.case("b", "enforced"),
    ]
    found = groups.of(matrix.build([fake_reports.report("calico", *cases)], "live"))
    assert [group.heading for group in found] == ["Specification", "Verify"]


def test_a_line_a_question_shows_the_answer_of_each_profile(whole):
    first, second, *_ = groups.of(whole)[1].lines
    assert (first.question, first.first) == ("survives?", True)
    assert [cell.text for cell in first.cells] == [
        "not enforced", "survives", "is cut", "survives",
    ]  # fmt: skip
    assert [cell.variant for cell in first.cells] == [0, 0, 1, 0]
    assert first.differs
    assert (second.question, second.first, second.differs) == ("same here?", False, False)


def test_what_was_not_answered_is_no_difference():
    told = [
        fake_reports.asking("a", it="yes"),
        fake_reports.asking("a", it="inconclusive: it did not work before"),
        fake_reports.case("a", "not enforced") | {"group": "open"},
    ]
    made = matrix.build(
        [fake_reports.report(name, case) for name, case in zip(NAMES, told, strict=False)], "live"
    )
    (line,) = groups.of(made)[0].lines
    assert not line.differs


def test_one_question_of_two_connections_is_two_lines():
    case = fake_reports.asking("a", it="yes", other="no")
    for told, port in zip(case["answers"], (1, 2), strict=True):
        told |= {"question": "it?", "connection": f"x -> y:{port}"}
    made = matrix.build([fake_reports.report("calico", case)], "live")
    assert made.answers["calico"]["a"] == {"it? (x -> y:1)": "yes", "it? (x -> y:2)": "no"}


def test_markdown_counts_first_and_then_shows_each_group(whole):
    text = whole.to_markdown()
    assert "| Left open by the specification | ✗ 20 of 20 | ○ 20 of 20 |" in text
    assert text.index("| Cases |") < text.index("## Specification") < text.index("## Cilium's own")
    assert "| Open 3: survives? | ✗ not enforced | ○ survives | ○ is cut | ○ survives |" in text


def test_the_csv_has_a_row_a_question(whole):
    head, *rows = csv.reader(io.StringIO(whole.to_csv()))
    assert head == ["group", "case", "title", "question", *NAMES]
    assert len(rows) == 110 + 20
    assert ["open", "open-0", "Open 0", "survives?", "not enforced", "survives", "is cut",
            "survives"] in rows  # fmt: skip


def test_the_page_of_a_whole_catalogue_folds_and_shows_answers(whole):
    text = whole.to_html()
    page = Page(text)
    assert len(text) < 4 * 2**20
    assert [tag for tag, _ in page.tags].count("details") == 2 * 5
    assert all("open" in attributes for tag, attributes in page.tags if tag == "details")
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert "○ 20 of 20" in text
    assert re.search(r'class="observed v1".*is cut', text)
    assert "asked: survives?" in text
    assert "<strong>is cut</strong>" in text


def test_a_sentence_and_its_source_stand_with_the_evidence():
    case = fake_reports.case("a", "enforced") | {"shows": "It works.", "source": "https://k8s.io/x"}
    other = case | {"id": "b", "source": "javascript:alert(1)"}
    text = matrix.build([fake_reports.report("calico", case, other)], "live").to_html()
    assert 'title="It works."' in text
    assert '<p>It works. <a href="https://k8s.io/x">' in text
    assert "javascript:" not in text


def test_the_terminal_shows_the_counts_of_a_whole_catalogue_last(whole):
    screen = Console(file=io.StringIO(), width=80, soft_wrap=True)
    screen.print(whole.table())
    _, *lines = screen.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 90  # the legend is one line
    text = "\n".join(lines)
    assert re.search(r"Cases +Flannel +Calico.*\n.*\n +Specification +✗ 50 of 50 +✓ 49 of 50", text)
    assert re.search(r"Left open by the", text)
    assert "○ is cut" in text


def test_times_are_told_where_any_were_measured(four):
    assert "How long it takes" not in four.to_html() + four.to_markdown()
    quick, never = fake_reports.report("calico"), fake_reports.report("flannel")
    quick["timing"] = {
        "limitMs": 10000,
        "resolutionMs": 4.6,
        "deny": {"ms": [90.0, 41.4, 56.0], "never": 0},
        "allow": {"ms": [7.0], "never": 2},
        "start": {"pods": 20, "withAMoment": 3, "lastPassedMs": 12.5},
    }
    never["timing"] = quick["timing"] | {
        "deny": {"ms": [], "never": 20},
        "start": {"pods": 0, "withAMoment": 0, "lastPassedMs": None},
    }
    reports = [quick, never, fake_reports.report("canal")]
    for shown in ("to_html", "to_markdown"):
        text = getattr(matrix.build(reports, "live"), shown)()
        text = text.replace("\\", "")
        for told in (
            "half within 56 ms, 41 to 90 ms (3 measured)",
            "half within 7 ms, 7 to 7 ms (1 measured), never in 2 tries",
            "never in 20 tries",
            "3 of 20",
            "5 ms",
        ):
            assert told in text
        assert text.count("not measured") > 2
