"""The map of the course, read from the notebooks themselves."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from labsupport import notebooks
from labsupport.fragments import Fragment, table, words


@dataclass(frozen=True)
class Unit:
    """One notebook: its title, how long it takes, and what it needs, in its own words."""

    number: str
    title: str
    time: str
    needs: str
    file: str


def units(folder: Path = notebooks.FOLDER) -> list[Unit]:
    """Every notebook of a folder, in order."""
    return [_unit(path) for path in notebooks.find(folder=folder)]


def table_of(found: list[Unit]) -> Fragment:
    """The units as a table whose titles are links."""
    rows = []
    for unit in found:
        link = f'<a href="{unit.file}">{words(unit.title).html}</a>'
        rows.append([unit.number, Fragment(link, unit.title), unit.time, unit.needs])
    return table(rows, ["", "notebook", "time", "needs"])


def _unit(path: Path) -> Unit:
    cells = json.loads(path.read_text())["cells"]
    prose = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    title = re.search(r"^# \d\d (.+)$", prose, re.MULTILINE)
    return Unit(
        path.name[:2],
        title[1].strip() if title else path.stem[3:],
        _first_line(prose, "Time"),
        _first_line(prose, "Needs"),
        path.name,
    )


def _first_line(prose: str, section: str) -> str:
    """The first line below a heading, or nothing."""
    match = re.search(rf"^## {section}\s*\n+(.+)$", prose, re.MULTILINE)
    return match[1].strip() if match else ""
