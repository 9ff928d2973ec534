"""Read data files and check them against a JSON Schema, with errors a user can act on."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from labsupport import paths
from labsupport.errors import WrongUse


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
