"""What a notebook shows instead of a traceback: one sentence that helps.

Only for errors a learner can act on. Anything else keeps its traceback, because it is a
fault of the lab, and whoever mends it needs to see where.
"""

from types import TracebackType
from typing import Any

import urllib3.exceptions
import yaml

from labsupport.errors import LabError, WrongUse

INTERRUPTED = "Interrupted. What the cell had applied is removed; run the cell again when you like."
GONE = (
    "The cluster does not answer any more. `./lab status` in a terminal says how it is, and "
    "`./lab up` mends it; then run this cell again."
)
_KINDS = (LabError, KeyboardInterrupt, yaml.YAMLError, urllib3.exceptions.HTTPError)


def install() -> None:
    """Let the notebook's kernel show the errors of `sentence` as one line each.

    The cell still counts as failed, so cells after it do not run on, and nbval sees it.
    Outside a notebook nothing happens.
    """
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc(_KINDS, _show)  # type: ignore[no-untyped-call]


def sentence(error: BaseException) -> str:
    """What to tell a learner about an error."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, urllib3.exceptions.HTTPError):
        return GONE
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        line = error.problem_mark.line + 1
        return f"The policy is not YAML: {error.problem} on line {line}; mend it and run again."
    if isinstance(error, yaml.YAMLError):
        return "The policy is not YAML; mend it and run the cell again."
    return str(error)


def _show(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> list[str]:
    """IPython's handler: sends the sentence as the cell's error and returns it as traceback."""
    lines = [f"\x1b[31m{sentence(error)}\x1b[0m"]
    shell._showtraceback(kind, error, lines)
    return lines


def read_policy(text: str) -> dict[str, Any]:
    """Parse one policy that a learner typed.

    Raises:
        WrongUse: it is not YAML, or no object of Kubernetes; the message says which line or
            which field.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WrongUse(sentence(error)) from None
    if not isinstance(found, dict):
        raise WrongUse("The policy is not an object: it should begin with apiVersion and kind.")
    for field in ("apiVersion", "kind", "metadata"):
        if not found.get(field):
            raise WrongUse(f"The policy has no {field}; every object of Kubernetes needs one.")
    return found
