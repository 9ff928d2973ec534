"""Read data files and check them against a JSON Schema, with errors a user can act on."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

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
