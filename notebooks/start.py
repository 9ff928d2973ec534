"""The first import of every notebook: finds the lab, or says which kernel to choose."""

import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class WrongKernel(ImportError):
    """The kernel's Python lacks the lab's packages; shown as one sentence, not as a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


if str(ROOT) not in sys.path[:1]:
    sys.path.insert(0, str(ROOT))
_missing = [name for name in ("yaml", "kubernetes", "ipywidgets") if find_spec(name) is None]
if sys.version_info < (3, 11) or _missing:
    raise WrongKernel(
        "This notebook runs under another Python than the lab's: close it and open it with "
        "`./lab notebook`, or choose the kernel of the lab's folder .venv."
    )
