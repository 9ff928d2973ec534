"""A learner at an exercise on a real page: blank, mistyped, nearly right, right, and hints."""

from playwright.sync_api import expect

from labsupport import answer, task
from labsupport.foresee import foresee
from labsupport.verdict import Expected

EXERCISES = "12_exercises.ipynb"
NAME = "only-the-front-end"
NEARLY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: my-policy, namespace: ex-shop}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress: [{from: [{podSelector: {}}]}]
"""  # the whole namespace comes in, not the front end alone


def test_an_exercise_by_its_widgets(notebook):
    opened = notebook(EXERCISES)
    opened.run_all()
    cell, one = opened.cell(f'workbench.show("{NAME}"'), task.find(NAME)
    expect(cell.get_by_role("button")).to_have_text(["Check", "Hint", "Solution"])
    for number, hint in enumerate(one.hints, 1):
        press(cell, "Hint")
        expect(result(cell)).to_contain_text(f"Hint {number}: {hint}")

    press(cell, "Check")
    expect(result(cell)).to_contain_text("Not attempted. There is still a blank")
    writes(cell, "kind: [")
    expect(result(cell)).to_contain_text("Does not parse.")
    writes(cell, NEARLY)
    wrong = compares(cell, one, NEARLY)
    assert wrong
    expect(result(cell)).to_contain_text(f"Not yet. {wrong} of {len(one.wanted)} connections")

    right = answer.dump(one.solution)
    writes(cell, right)
    expect(result(cell)).to_contain_text(
        f"Solved. All {len(one.wanted)} connections are as wanted, "
        "by the specification; no packet was sent."
    )
    assert not compares(cell, one, right)
    press(cell, "Solution")
    expect(result(cell)).to_contain_text(right)


def compares(cell, one, written):
    """The grid says of each connection what the specification says; how many are wrong."""
    policies = answer.read(written, task.ground().namespaces)
    rows, wrong = [], 0
    for connection, wanted in one.wanted.items():
        decided = foresee(policies, task.ground(), connection)
        found = Expected.ALLOWED if decided.allowed else Expected.DENIED
        wrong += found is not wanted
        rows.append(f"{connection}{wanted}{'✓' if found is wanted else '✗'} {found}{decided.why}")
    expect(result(cell).locator("tbody tr")).to_have_text(rows)
    return wrong


def writes(cell, text):
    """Put a text into the text area, as pasting does, and press Check."""
    cell.locator("textarea").fill(text)
    press(cell, "Check")


def press(cell, button):
    cell.get_by_role("button", name=button, exact=True).click()


def result(cell):
    """What is told below the buttons."""
    return cell.locator(".widget-html-content")
