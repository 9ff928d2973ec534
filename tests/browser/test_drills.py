"""A learner's round of drills on a real page: blank, wrong, right, and the wrong one again."""

import pytest
from playwright.sync_api import expect

from labsupport import drillround, drills, drilltext, drillwidgets, marking, schedule
from labsupport.drills import Kind

DRILLS = "11_drills.ipynb"


@pytest.fixture
def asked():
    """The questions of the first round, as one without progress gets them."""
    return schedule.queue(drills.load(), [])[:10]


def test_a_round_of_drills(notebook, asked):
    opened = notebook(DRILLS)
    opened.run_all()
    cell = opened.cell("drillwidgets.practise(count=10)")
    first, *others = asked[: drillround.AGAIN_AFTER + 1]
    assert first.kind is Kind.CHOOSE, "the first question is answered with radio buttons here"
    shows(cell, first, 0)
    expect(cell.get_by_role("button", name="Next")).to_be_disabled()
    check(cell)
    expect(told(cell)).to_have_text(drillwidgets.NOT_ATTEMPTED)

    wrong = next(option for option in first.options if option not in first.right)
    answer(cell, [wrong])
    for line in drilltext.verdict(first, marking.mark(first, [wrong])).splitlines():
        expect(told(cell)).to_contain_text(line)
    expect(told(cell)).to_contain_text("It comes back in this round.")
    further(cell)
    for place, question in enumerate(others, 1):
        shows(cell, question, place)
        answer(cell, question.right)
        expect(told(cell)).to_contain_text("Right.")
        expect(told(cell)).to_contain_text(question.answer)
        expect(told(cell)).to_contain_text(f"They ask next: {question.followup[0]}")
        further(cell)
    shows(cell, first, len(others) + 1)
    answer_by_keyboard(opened.page, cell, first, len(others) + 1)
    expect(told(cell)).to_contain_text("Right.")
    counts(opened, [first, *others])


def shows(cell, question, answered):
    """The question is on the screen, with its options and no verdict."""
    asked = cell.locator(".widget-html-content").first
    expect(asked).to_contain_text(question.question)
    expect(asked).to_contain_text(drilltext.headline(question))
    options = marking.shuffled(question, answered)
    if question.kind is Kind.CHOOSE:
        expect(cell.locator(".widget-radio-box label")).to_have_text(options)
    else:
        assert question.kind is Kind.SEVERAL, "the first questions are chosen from options"
        expect(cell.locator(".widget-checkbox")).to_have_text([*options, "none of them"])
    expect(told(cell)).to_be_empty()


def counts(opened, answered):
    """The table of the notebook counts what was answered, once its cell is run again."""
    cell = opened.cell("drillwidgets.standing()")
    topic = answered[0].topic
    every = sum(one.topic == topic for one in drills.load())
    new = cell.locator("tr", has_text=drills.TOPICS[topic]).locator("td").nth(1)
    expect(new).to_have_text(str(every))
    cell.locator(".cm-content").click()
    opened.page.keyboard.press("Control+Enter")
    expect(new).to_have_text(str(every - sum(one.topic == topic for one in answered)))


def answer(cell, chosen):
    """Choose options with the mouse, and press Check."""
    for option in chosen:
        cell.get_by_label(option, exact=True).check()
    check(cell)


def answer_by_keyboard(page, cell, question, answered):
    """The same as the notebook's prose says: Tab moves on, the space bar chooses and presses."""
    right = cell.get_by_label(question.right[0], exact=True)
    cell.get_by_role("radio").first.focus()
    options = marking.shuffled(question, answered)
    for option in options:
        expect(cell.get_by_label(option, exact=True)).to_be_focused()
        if option in question.right:
            page.keyboard.press("Space")
            expect(right).to_be_checked()
        page.keyboard.press("Tab")
    expect(cell.get_by_role("button", name="Check", exact=True)).to_be_focused()
    page.keyboard.press("Space")


def check(cell):
    cell.get_by_role("button", name="Check", exact=True).click()


def further(cell):
    cell.get_by_role("button", name="Next").click()


def told(cell):
    """What is told below the buttons."""
    return cell.locator(".widget-html-content").last
