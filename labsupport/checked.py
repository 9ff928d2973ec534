"""Read data files and check them against a JSON Schema, with errors a user can act on."""

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from labsupport import paths
from labsupport.errors import WrongUse

# jsonschema imports every optional checker of formats it finds. JupyterLab brings one that
# parses a grammar for over a second, and no schema of the lab's checks a format: while
# jsonschema is imported, it is not to be found.
_SLOW = "rfc3987_syntax"
_hide = _SLOW not in sys.modules
if _hide:
    sys.modules[_SLOW] = None  # type: ignore[assignment]
from jsonschema import Draft202012Validator  # noqa: E402
from jsonschema.exceptions import best_match  # noqa: E402

if _hide:
    del sys.modules[_SLOW]

_T = TypeVar("_T")


@cache
def _validator(schema: str) -> Draft202012Validator:
    text = (paths.SCHEMAS / f"{schema}.schema.json").read_text()
    return Draft202012Validator(json.loads(text))


def check(data: object, schema: str, where: str) -> None:
    """Hold `data` against `labsupport/schemas/<schema>.schema.json`.

    Raises:
        WrongUse: it does not fit; the message names `where`, the field and the fault.
    """
    error = best_match(_validator(schema).iter_errors(data))
    if error is not None:
        field = error.json_path.removeprefix("$.").removeprefix("$") or "the file as a whole"
        raise WrongUse(f"{where}: {field}: {error.message[:200]}.")


def read_numbered(path: Path, schema: str) -> Any:
    """Read a file of a collection, whose name is its number and its `id`.

    Raises:
        WrongUse: as `read_yaml`, or the file is not called `<number>-<id>.yaml`.
    """
    data = read_yaml(path, schema)
    if data["id"] != path.stem.lstrip("0123456789").removeprefix("-"):
        raise WrongUse(f"{path}: id: is {data['id']!r}; the file should be <number>-<id>.yaml.")
    return data


def pick(known: Mapping[str, _T], name: str, what: str) -> _T:
    """One of a collection, by its id or its number in the list, from 1.

    Args:
        known: the collection by ids, in order.
        name: an id or a number.
        what: what one of them is called, for the message.

    Raises:
        WrongUse: there is none of that name.
    """
    if name.isdigit() and 1 <= int(name) <= len(known):
        return list(known.values())[int(name) - 1]
    if name not in known:
        raise WrongUse(f"There is no {what} {name!r}; choose from {', '.join(known)}.")
    return known[name]


def read_yaml(path: Path, schema: str) -> Any:
    """Parse a YAML file with the safe loader and check it.

    Raises:
        WrongUse: it cannot be read, is not YAML or does not fit the schema.
    """
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise WrongUse(f"{path}: cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path}: is not YAML: {' '.join(str(error).split())[:200]}.") from None
    check(data, schema, str(path))
    return data
