"""A learner's way through a notebook, on a real page: run, predict, filter, reopen."""

from playwright.sync_api import expect

from labsupport import cases, matrix, reach, report, sheet

MATRIX = "06_the_matrix.ipynb"


def test_a_prediction_and_a_filter(notebook):
    opened = notebook(MATRIX)
    opened.run_all()
    expect(opened.page.locator(".jp-mod-error, [data-mime-type*=stderr]")).to_have_count(0)
    predicts(opened)
    filters(opened)


def predicts(opened):
    """Answer every question, the first by keyboard, and read the score."""
    cell = opened.cell("widgets.predict(")
    case = cases.choose(cases.load(), ["allow-by-both-labels"])[0]
    questions = cell.locator(".widget-toggle-buttons")
    arrows = reach.arrows(case)
    expect(questions).to_have_count(len(arrows))
    for place, arrow in enumerate(arrows):
        word = "works" if arrow.expected == "allowed" else "blocked"
        button = questions.nth(place).get_by_role("button", name=word)
        if place == 0:
            button.focus()
            opened.page.keyboard.press("Enter")
        else:
            button.click()
    assert "as the specification says" not in cell.inner_text()
    cell.get_by_role("button", name="Reveal").click()
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
