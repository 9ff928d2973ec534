"""What nbval cannot see in a notebook: a check of the file, without running it.

Each fault is a sentence that names the cell, counted from 1 over all cells.
"""

import ast
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labsupport import paths, pictures

LINES = 15
"""How much code a learner reads in one cell."""

SECTIONS = (
    "Goal", "Prerequisites", "Time", "Needs", "Predict", "Run", "Explain",
    "Interview questions", "Clean up",
)  # fmt: skip
PRACTICE_SECTIONS = ("Goal", "Prerequisites", "Time", "Needs", "Clean up")
"""Of the notebooks that only practise what others explain."""

PRACTICE = frozenset({"11", "12"})
TAGS = frozenset({"nbval-ignore-output", "nbval-skip", "addresses"})
"""`addresses` marks a cell whose output shows real addresses on purpose; `picture:NAME` one whose
picture the README shows too (see `pictures`).

`raises-exception` is not among them: a cell with it that raises nothing passes.
"""

_PATHS = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|Users|var|opt|private)/[\w.-]+|\b[A-Z]:\\")
_ADDRESS = re.compile(r"\b(?:10|172|192)(?:\.\d{1,3}){3}\b(?!/)")
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}:\d{2}\b")
_MAGIC = re.compile(r"^\s*(%|!|\?)|\?\s*$|get_ipython\(", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_IMPORT = re.compile(r"^(import|from) ", re.MULTILINE)
_QUESTION = re.compile(r"^\d+\. .*\?", re.MULTILINE)


def faults(notebook: Any, path: Path) -> list[str]:
    """Everything that is wrong with a notebook.

    Args:
        notebook: as nbformat reads it.
        path: where it is; its number decides which sections it has, and links start there.
    """
    number = path.name[:2]
    return [
        *_name(notebook, path),
        *_counts(notebook),
        *_sections(notebook, PRACTICE_SECTIONS if number in PRACTICE else SECTIONS),
        *([] if number in PRACTICE else _questions(notebook)),
        *_imports(notebook),
        *(fault for n, cell in enumerate(notebook.cells, 1) for fault in _cell(cell, n, path)),
        *_pictures(notebook),
    ]


def _name(notebook: Any, path: Path) -> Iterator[str]:
    if not re.fullmatch(r"\d\d_[a-z0-9_]+\.ipynb", path.name):
        yield "its name is not NN_topic.ipynb in small letters"
    first = notebook.cells[0] if notebook.cells else {}
    if not re.match(rf"# {path.name[:2]} \S", first.get("source", "")):
        yield f"its first cell is not the title '# {path.name[:2]} …'"


def _counts(notebook: Any) -> Iterator[str]:
    code = [(n, c) for n, c in enumerate(notebook.cells, 1) if c.cell_type == "code"]
    for place, (number, cell) in enumerate(code, 1):
        if cell.execution_count is None:
            yield f"cell {number} has no execution count: it was not run"
        elif cell.execution_count != place:
            yield f"cell {number} was run as number {cell.execution_count}, not {place}"


def _sections(notebook: Any, wanted: tuple[str, ...]) -> Iterator[str]:
    headings = re.findall(r"^## (.+?)\s*$", _prose(notebook), re.MULTILINE)
    for name in wanted:
        if headings.count(name) != 1:
            yield f"it has {headings.count(name)} sections '## {name}', not one"
    found = [name for name in headings if name in wanted]
    if len(found) == len(wanted) and found != list(wanted):
        yield f"its sections are in the order {', '.join(found)}, not {', '.join(wanted)}"
    if "|" not in _section(notebook, "Prerequisites"):
        yield "its prerequisites are not a table"


def _questions(notebook: Any) -> Iterator[str]:
    count = len(_QUESTION.findall(_section(notebook, "Interview questions")))
    if count != 3:
        yield f"it has {count} interview questions, not three"


def _imports(notebook: Any) -> Iterator[str]:
    code = [(n, c) for n, c in enumerate(notebook.cells, 1) if c.cell_type == "code"]
    for place, (number, cell) in enumerate(code):
        if bool(_IMPORT.search(cell.source)) != (place == 0):
            yield f"cell {number}: imports belong into the first code cell, and only there"


def _pictures(notebook: Any) -> Iterator[str]:
    try:
        pictures.found(notebook)
    except ValueError as error:
        yield str(error)


def _cell(cell: Any, number: int, path: Path) -> Iterator[str]:
    where = f"cell {number}"
    for tag in set(cell.metadata.get("tags", [])) - TAGS:
        if not pictures.TAG.fullmatch(tag):
            yield f"{where} has the tag {tag!r}; known are {', '.join(sorted(TAGS))}, picture:NAME"
    if cell.cell_type == "markdown":
        for target in _LINK.findall(cell.source):
            if not _leads_somewhere(target, path):
                yield f"{where}: the link to {target} leads nowhere"
    elif cell.cell_type == "code":
        yield from _code(cell.source, where)
        for output in cell.outputs:
            yield from _output(output, where, "addresses" in cell.metadata.get("tags", []))


def _code(source: str, where: str) -> Iterator[str]:
    lines = len([line for line in source.splitlines() if line.strip()])
    if lines > LINES:
        yield f"{where} has {lines} lines of code, more than {LINES}"
    if _MAGIC.search(source):
        yield f"{where} has a magic or a shell command; nbval passes some that fail"
        return
    try:
        ast.parse(source)
    except SyntaxError as error:
        yield f"{where} is not Python: {error.msg} on line {error.lineno}"


def _output(output: Any, where: str, addresses: bool) -> Iterator[str]:
    if output.output_type == "error":
        yield f"{where} ended with an error: {output.ename}"
    data = output.get("data", {})
    if any("widget" in kind for kind in data):
        yield f"{where} stores the view of a widget, whose model ended with its kernel"
    text = "\n".join(
        [output.get("text", ""), *(str(v) for k, v in data.items() if k.startswith("text/"))]
    )
    personal = [str(paths.ROOT), str(Path.home()), socket.gethostname()]
    if any(len(word) > 4 and word in text for word in personal):
        yield f"{where} shows a path or the name of one machine"
    for what, pattern in {"path": _PATHS, "time of day": _CLOCK, "address": _ADDRESS}.items():
        match = pattern.search(text)
        if match and not (what == "address" and addresses):
            yield f"{where} shows the {what} {match.group()} of one machine"


def _leads_somewhere(target: str, path: Path) -> bool:
    """Whether a relative link has its file, and a heading of the notebook its name.

    Links into the web are not followed: CI has no network.
    """
    if re.match(r"https://[\w.-]+\.\w+(/|$)", target):
        return True
    file = target.partition("#")[0]
    return bool(file) and not re.match(r"\w+:", target) and (path.parent / file).exists()


def _prose(notebook: Any) -> str:
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def _section(notebook: Any, name: str) -> str:
    """The text of a section, up to the next one."""
    parts = re.split(r"^## ", _prose(notebook), flags=re.MULTILINE)
    return next((part for part in parts if re.match(rf"{re.escape(name)}\s*$", part, re.M)), "")
