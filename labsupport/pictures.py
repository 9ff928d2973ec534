"""Pictures of the notebooks that stand in the README too: a cell's, where its tag names one.

A cell tagged `picture:way-calico` shows one PNG, which `./lab notebooks --refresh` also stores
as `docs/way-calico.png`.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

TAG = re.compile(r"picture:([a-z]+(?:-[a-z]+)*)")


def found(notebook: Any) -> dict[str, bytes]:
    """The tagged pictures of a notebook, as PNG by their name.

    Raises:
        ValueError: a tagged cell does not show exactly one.
    """
    return {name: _only(cell, name) for cell in notebook.cells for name in _names(cell)}


def _names(cell: Any) -> Iterator[str]:
    for tag in cell.metadata.get("tags", []):
        if match := TAG.fullmatch(tag):
            yield match[1]


def _only(cell: Any, name: str) -> bytes:
    data = [one.get("data", {}) for one in cell.get("outputs", [])]
    shown = [kinds["image/png"] for kinds in data if "image/png" in kinds]
    if len(shown) != 1:
        raise ValueError(f"the cell of the picture {name} shows {len(shown)} pictures, not one")
    return base64.b64decode(shown[0])
