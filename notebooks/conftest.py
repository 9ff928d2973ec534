"""How `pytest --nbval notebooks` runs: in this environment, with a limit a cell.

nbval goes on after a cell that failed, on a state that the cell should have made, and each
cell after a timeout takes its own limit; here the rest of such a notebook is skipped.
"""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
CELL_SECONDS = 180
"""A cell that measures one case on one cluster takes up to about 30 s."""

_failed = pytest.StashKey[str]()


def pytest_configure(config):
    """Give nbval what every run of these notebooks needs, wherever pytest is started."""
    if config.getoption("nbval", False) or config.getoption("nbval_lax", False):
        config.option.nbval_current_env = True
        config.option.nbval_sanitize_with = str(FOLDER / "sanitize.cfg")
        config.option.nbval_cell_timeout = CELL_SECONDS


def pytest_runtest_makereport(item, call):
    """Remember the first cell of a notebook that failed."""
    skipped = call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception)
    if call.when == "call" and call.excinfo is not None and not skipped:
        item.parent.stash.setdefault(_failed, item.name)


def pytest_runtest_setup(item):
    """Skip the cells after it: they would run on a state that it should have made."""
    if _failed in item.parent.stash:
        pytest.skip(f"{item.parent.stash[_failed]} failed before")
