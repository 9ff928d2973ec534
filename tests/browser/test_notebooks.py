"""A learner's way through a notebook, on a real page: run, predict, filter, reopen."""

import re

from playwright.sync_api import expect

from labsupport import cases, matrix, reach, report, sheet

MATRIX = "06_the_matrix.ipynb"
CHOSEN = re.compile(r"\bmod-active\b")  # how ipywidgets marks the button that is down


def test_a_prediction_and_a_filter(notebook):
    opened = notebook(MATRIX)
    opened.run_all()
    predicts(opened)
    filters(opened)


def predicts(opened):
    """Answer every question with the keyboard alone, and read the score."""
    cell, keyboard = opened.cell("widgets.predict("), opened.page.keyboard
    case = cases.choose(cases.load(), ["allow-by-both-labels"])[0]
    questions = cell.locator(".widget-toggle-buttons")
    arrows = reach.arrows(case)
    expect(questions).to_have_count(len(arrows))
    questions.first.get_by_role("button", name="works").focus()
    for place, arrow in enumerate(arrows):
        works = questions.nth(place).get_by_role("button", name="works")
        blocked = questions.nth(place).get_by_role("button", name="blocked")
        expect(works).to_be_focused()
        if arrow.expected == "allowed":
            keyboard.press("Enter")
            keyboard.press("Tab")
        else:
            keyboard.press("Tab")
            keyboard.press("Space")
        expect(works if arrow.expected == "allowed" else blocked).to_have_class(CHOSEN)
        keyboard.press("Tab")
    assert "as the specification says" not in cell.inner_text()
    expect(cell.get_by_role("button", name="Reveal")).to_be_focused()
    keyboard.press("Enter")
    answer = cell.locator(".widget-html-content")
    expect(answer).to_contain_text(f"{len(arrows)} of {len(arrows)} as the specification says.")
    expect(answer).to_contain_text("Flannel")


def filters(opened):
    """Filter by words and by disagreement; the rows are those that the reports hold."""
    cell = opened.cell("widgets.explore(")
    rows = sheet.rows(matrix.build(report.recordings(), "recorded"))
    count = cell.locator(".widget-html-content").first
    expect(count).to_have_text(f"{len(rows)} of {len(rows)} cases")
    cell.get_by_label("only where the CNIs differ").check()
    differing = sheet.choose(rows, differing=True)
    expect(count).to_have_text(f"{len(differing)} of {len(rows)} cases")
    cell.get_by_placeholder("egress port").fill("egress")
    chosen = sheet.choose(rows, text="egress", differing=True)
    expect(count).to_have_text(f"{len(chosen)} of {len(rows)} cases")
    shown = cell.locator(".widget-html-content").nth(1).locator("tbody th")
    expect(shown).to_have_text([row.title for row in chosen])
    cell.locator(".widget-dropdown", has_text="CNI").locator("select").select_option("Calico")
    expect(cell.locator(".widget-html-content").last).to_contain_text("kind: NetworkPolicy")


def test_a_stored_notebook_is_whole_without_a_kernel(notebook):
    opened = notebook(MATRIX)
    cell = opened.cell("widgets.predict(")
    expect(cell.get_by_text("works / blocked").first).to_be_visible()
    expect(opened.cell("show.matrix(").locator("details").first).to_be_visible()
    for trouble in ("model not found", "Loading widget"):
        expect(opened.page.get_by_text(trouble)).to_have_count(0)


def test_a_cell_of_the_matrix_opens_with_the_keyboard(notebook):
    opened = notebook(MATRIX)
    details = opened.cell("show.matrix(").locator("td details").first
    details.locator("summary").focus()
    opened.page.keyboard.press("Enter")
    expect(details).to_have_attribute("open", "")
    expect(details).to_contain_text("->")
