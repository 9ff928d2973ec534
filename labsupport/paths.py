"""Where the lab keeps things. What can be made again is cache, the rest is state.

`XDG_CACHE_HOME` and `XDG_STATE_HOME` move both, as for any program.
"""

from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parent.parent
CLUSTERS = ROOT / "clusters"
PACKAGE = Path(__file__).resolve().parent
CASES = PACKAGE / "cases"
RECORDINGS = PACKAGE / "recordings"
SCHEMAS = PACKAGE / "schemas"


def cache() -> Path:
    """Built programs, archives and upstream files; safe to delete."""
    return platformdirs.user_cache_path("netpol-lab", ensure_exists=True)


def state() -> Path:
    """What the lab created on this machine, its kubeconfigs and its lock."""
    return platformdirs.user_state_path("netpol-lab", ensure_exists=True)
