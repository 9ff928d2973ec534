"""Recordings besides the reports: one JSON file each, read with care and written whole."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labsupport import checked, report
from labsupport.errors import WrongUse


def read(path: Path, schema: str, command: str) -> dict[str, Any]:
    """Read a recording and hold it against `schemas/<schema>.schema.json`.

    Args:
        path: the file.
        schema: the schema's name.
        command: what makes the recording, for the message where there is none.

    Raises:
        WrongUse: there is none, or it is damaged; the message names the file.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise WrongUse(f"{path}: there is no recording; `{command}` makes one.") from None
    except (OSError, ValueError) as error:
        raise WrongUse(f"{path}: is no recording: {error}.") from None
    checked.check(found, schema, str(path))
    return found


def write(document: Mapping[str, Any], path: Path, schema: str) -> Path:
    """Check a recording and keep it as what ships with the lab; returns its file.

    Raises:
        WrongUse: it does not fit the schema; nothing is written.
        MachineCannot: the file cannot be written.
    """
    checked.check(document, schema, f"the recording for {path}")
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
    report.write_file(path, f"{text}\n".encode())
    return path
