"""The check of what nbval cannot see: on a notebook that is right, and on each fault."""

import copy
import re

import nbformat
import pytest
from nbformat import v4

from labsupport import hygiene, notebooks, paths, pictures

PATH = notebooks.FOLDER / "02_topic.ipynb"


def text(source):
    return v4.new_markdown_cell(source)


def code(source, count, *outputs):
    return v4.new_code_cell(source, execution_count=count, outputs=list(outputs))


def output(plain, **data):
    return v4.new_output("display_data", {"text/plain": plain, **data})


@pytest.fixture
def right():
    return v4.new_notebook(
        cells=[
            text("# 02 A topic\n\n## Goal\n\nSee it.\n\n## Prerequisites\n\n| a |\n|---|\n| b |"),
            text("## Time\n\n5 minutes\n\n## Needs\n\nnothing"),
            code("import start\n\nlesson = start", 1),
            text("## Predict\n\nWhat?\n\n## Run"),
            code("lesson.ROOT", 2, output("10.0.0.0/8 is a block")),
            text(
                "## Explain\n\n[the conftest](conftest.py) and [k8s](https://kubernetes.io/docs/)"
            ),
            text("## Interview questions\n\n1. **A?**\n\n2. **B?**\n\n3. **C?**\n\n## Clean up"),
        ]
    )


def faults(notebook, path=PATH):
    return "; ".join(hygiene.faults(notebook, path))


def test_a_right_notebook_has_none(right):
    assert faults(right) == ""


def cell(number):
    """Change one cell, counted from 1, by the change of a test."""
    return lambda notebook: notebook.cells[number - 1]


def sets(number, **fields):
    def change(notebook):
        notebook.cells[number - 1].update(fields)

    return change


def replaces(number, old, new):
    def change(notebook):
        one = notebook.cells[number - 1]
        assert old in one.source
        one["source"] = one.source.replace(old, new)

    return change


def shows(plain, **data):
    return sets(5, outputs=[output(plain, **data)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (sets(5, execution_count=None), "cell 5 has no execution count"),
        (sets(5, execution_count=7), "cell 5 was run as number 7, not 2"),
        (shows("see /home/me/lab"), "shows the path /home/me of one machine"),
        (shows("see /work/x"), "shows the path /work/x"),
        (shows("pod 10.244.1.7 answered"), "shows the address 10.244.1.7"),
        (shows("started 17:02:33"), "shows the time of day 17:02:33"),
        (shows("in " + str(notebooks.FOLDER)), "a path or the name of one machine"),
        (shows("", **{"application/vnd.jupyter.widget-view+json": {}}), "view of a widget"),
        (sets(5, outputs=[v4.new_output("error", ename="KeyError")]), "ended with an error"),
        (replaces(6, "conftest.py", "nowhere.py"), "the link to nowhere.py leads nowhere"),
        (replaces(6, "https://kubernetes.io/docs/", "https://"), "leads nowhere"),
        (replaces(6, "https://kubernetes.io/docs/", "file:///etc/hosts"), "leads nowhere"),
        (sets(5, source="%matplotlib inline"), "a magic or a shell command"),
        (sets(5, source="x = 1\n!kubectl get pods"), "a magic or a shell command"),
        (sets(5, source="%%nosuch\nx"), "a magic or a shell command"),
        (sets(5, source="lesson?"), "a magic or a shell command"),
        (sets(5, source="x ="), "is not Python"),
        (sets(5, source="\n".join(["x = 1"] * 16)), "has 16 lines of code, more than 15"),
        (sets(5, source="import os"), "imports belong into the first code cell"),
        (sets(3, source="lesson = 1"), "imports belong into the first code cell"),
        (replaces(2, "## Needs", "## Wants"), "0 sections '## Needs'"),
        (replaces(4, "## Predict", "## Run"), "2 sections '## Run'"),
        (replaces(7, "3. **C?**", "And that."), "2 interview questions, not three"),
        (replaces(1, "| a |\n|---|\n| b |", "none"), "prerequisites are not a table"),
        (replaces(1, "# 02", "# 03"), "its first cell is not the title"),
        (sets(5, metadata={"tags": ["raises-exception"]}), "has the tag 'raises-exception'"),
        (sets(5, metadata={"tags": ["picture:../way"]}), "has the tag 'picture:../way'"),
        (sets(5, metadata={"tags": ["picture:way"]}), "the picture way shows 0 pictures, not one"),
    ],
)
def test_each_fault_is_found(right, change, said):
    change(right)
    assert said in faults(right)


def test_the_order_of_the_sections(right):
    wrong = copy.deepcopy(right)
    wrong.cells[3]["source"] = "## Run\n\nWhat?\n\n## Predict"
    assert "sections are in the order" in faults(wrong)


def test_addresses_on_purpose(right):
    shows("pod 10.244.1.7")(right)
    right.cells[4].metadata["tags"] = ["addresses"]
    assert faults(right) == ""


def test_a_tagged_picture(right):
    shows("", **{"image/png": "iVBORw=="})(right)
    right.cells[4].metadata["tags"] = ["picture:the-way"]
    assert faults(right) == ""
    assert pictures.found(right) == {"the-way": b"\x89PNG"}


SHIPPED = {
    name: png
    for path in notebooks.find()
    for name, png in pictures.found(nbformat.read(path, as_version=4)).items()
}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_readme_shows_the_notebooks_picture_with_words_for_it(name):
    """Stored by `./lab notebooks --refresh`, like the notebook itself."""
    assert (paths.ROOT / "docs" / f"{name}.png").read_bytes() == SHIPPED[name]
    readme = (paths.ROOT / "README.md").read_text()
    assert re.search(rf"!\[[^\]]{{40,}}\]\(docs/{name}\.png\)", readme)


def test_two_pictures_are_in_the_readme():
    assert set(SHIPPED) == {"way-calico", "times"}


def test_the_name_of_the_file(right):
    assert "its name is not" in faults(right, notebooks.FOLDER / "02 A Topic.ipynb")


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.stem)
def test_the_notebooks_that_ship_have_none(path):
    assert hygiene.faults(nbformat.read(path, as_version=4), path) == []
