"""Pieces of what a notebook shows, each as HTML and as plain text, without a kernel's help.

The HTML uses no script, no style sheet and no random id, so that it survives a notebook that
is reopened, printed or shown on a page, and so that the same data give the same bytes. Text
keeps the colour that the page gives it, and only signs have a background, with an ink
chosen for it: this reads on a dark page and on a light one.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from labsupport.matrix import LOOKS, Look
from labsupport.verdict import Verdict

_CELL = "text-align:left;vertical-align:top;padding:.15em .6em"
_FIELDS = (
    "apiVersion", "kind", "metadata", "name", "namespace",
    "podSelector", "policyTypes", "from", "to", "ports",
)  # fmt: skip
_BADGE = "padding:0 .4em;border-radius:3px;font-weight:bold"


@dataclass(frozen=True)
class Fragment:
    """Something to show: HTML for a page, text for a terminal, a diff and a screen reader."""

    html: str
    text: str

    def __add__(self, other: "Fragment") -> "Fragment":
        return Fragment(f"{self.html}\n{other.html}", f"{self.text}\n{other.text}")


def words(text: str) -> Fragment:
    """Plain text in which nothing acts as HTML."""
    return Fragment(html.escape(text), text)


def paragraph(text: str) -> Fragment:
    """A paragraph of plain text."""
    return Fragment(f"<p>{html.escape(text)}</p>", text)


def badge(look: Look, word: str) -> Fragment:
    """A sign on its colour, and the word that says the same without the colour."""
    style = f"background:{look.colour};color:{look.ink};{_BADGE}"
    marked = f'<span style="{style}">{look.sign}</span> {html.escape(word)}'
    return Fragment(marked, f"{look.sign} {word}")


def verdict(word: str) -> Fragment:
    """A verdict with its sign and colour."""
    return badge(LOOKS[Verdict(word)], word)


def table(rows: Iterable[Sequence[object]], head: Sequence[str], caption: str = "") -> Fragment:
    """A table whose first column names its rows.

    Args:
        rows: as many cells in each as in the head. A verdict gets its sign, a fragment is
            kept, None is an empty cell, and anything else is shown as plain text.
        head: the columns' names.
        caption: a sentence above the table that says what it shows.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    named = f'<caption style="text-align:left">{html.escape(caption)}</caption>' if caption else ""
    top = "".join(f'<th scope="col" style="{_CELL}">{html.escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{_row(row)}</tr>\n" for row in cells)
    markup = f"<table>{named}<thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table>"
    lines = [list(head), *[[cell.text for cell in row] for row in cells]]
    return Fragment(markup, (f"{caption}\n" if caption else "") + _aligned(lines))


def closed(summary: Fragment, inside: Fragment) -> Fragment:
    """Something that opens with a click or the Enter key; the text form is open."""
    markup = f"<details><summary>{summary.html}</summary>\n{inside.html}\n</details>"
    indented = "\n".join(f"    {line}" for line in inside.text.splitlines())
    return Fragment(markup, f"{summary.text}\n{indented}")


def policy(manifests: Sequence[Mapping[str, Any]]) -> Fragment:
    """Objects of Kubernetes as YAML, in the order in which people write the fields."""
    ordered = [_in_order(one) for one in manifests]
    text = yaml.safe_dump_all(ordered, sort_keys=False, allow_unicode=True).rstrip()
    return Fragment(f'<pre style="text-align:left">{html.escape(text)}</pre>', text)


def _in_order(part: Any) -> Any:
    """Fields in one order, whether they come from a case's file or sorted from a report."""
    if isinstance(part, Mapping):
        known = [key for key in _FIELDS if key in part]
        return {key: _in_order(part[key]) for key in [*known, *sorted(part.keys() - known)]}
    return [_in_order(item) for item in part] if isinstance(part, list) else part


def _cell(cell: object) -> Fragment:
    if isinstance(cell, Fragment):
        return cell
    if isinstance(cell, Verdict):
        return verdict(cell)
    return words("" if cell is None else str(cell))


def _row(cells: Sequence[Fragment]) -> str:
    first, *rest = cells
    named = f'<th scope="row" style="{_CELL}">{first.html}</th>'
    return named + "".join(f'<td style="{_CELL}">{cell.html}</td>' for cell in rest)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns of equal width; a cell of several lines is put on one."""
    flat = [[" ".join(cell.split()) for cell in line] for line in lines]
    widths = [max(len(cell) for cell in column) for column in zip(*flat, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in flat
    )
