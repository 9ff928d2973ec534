"""The notebooks as files: opened for a learner, run by CI, refreshed by a maintainer."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport import console, hygiene, paths, pictures, report
from labsupport.errors import CheckFailed, WrongUse
from labsupport.matrix import Mode

if TYPE_CHECKING:  # a second to import, and only a refresh needs it
    from nbformat import NotebookNode

FOLDER = paths.ROOT / "notebooks"
REFRESH_SECONDS = 300
"""For one cell; a cell that takes longer hangs."""

_WIDGET = "application/vnd.jupyter.widget-view+json"


def find(numbers: Sequence[str] = (), folder: Path = FOLDER) -> list[Path]:
    """The notebooks of these numbers, or all, in their order.

    Raises:
        WrongUse: there is no notebook of a number.
    """
    every = {path.name[:2]: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    for number in numbers:
        if number not in every:
            raise WrongUse(f"There is no notebook {number!r}; choose from {', '.join(every)}.")
    return [path for number, path in every.items() if not numbers or number in numbers]


def lab(number: str = "00", arguments: Sequence[str] = ()) -> int:
    """Open JupyterLab at a notebook, with the lab's own Python as its kernel, until it ends.

    Args:
        number: which notebook.
        arguments: more for JupyterLab, such as `--no-browser`.

    Returns:
        JupyterLab's exit code.
    """
    (path,) = find([number])
    command = [*server(paths.ROOT), *arguments, str(path)]
    return subprocess.run(command, env=environment(), cwd=paths.ROOT).returncode


def server(root: Path) -> list[str]:
    """The command that serves JupyterLab for a folder, and asks nobody for news of itself."""
    quiet = "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"
    return [sys.executable, "-m", "jupyterlab", f"--notebook-dir={root}", quiet]


def check(chosen: Sequence[Path], mode: Mode | None, quiet: bool = False) -> None:
    """Run notebooks from top to bottom and compare their outputs with those they store.

    Recorded ones run side by side. Live ones take turns: they share the clusters.

    Args:
        chosen: which.
        mode: `NETPOL_LAB_MODE` for them; as the environment has it where None.
        quiet: whether only failures are printed.

    Raises:
        CheckFailed: a cell failed, took too long, or showed something else.
    """
    together = ["-n", "2", "--dist", "loadfile"] if mode == "recorded" and len(chosen) > 1 else []
    command = [
        sys.executable, "-m", "pytest", "--nbval", "--timeout=0", *(["-q"] if quiet else []),
        "-p", "no:cacheprovider", *together, *map(str, chosen),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment(mode), cwd=paths.ROOT)
    if done.returncode:
        raise CheckFailed("A notebook did not run as stored, see above.")


def refresh(chosen: Sequence[Path]) -> list[Path]:
    """Run notebooks on the recordings and store what they show, each whole or not at all.

    Pictures that the README shows too are stored in `docs`, beside the notebooks' folder.

    Returns:
        The files that changed.

    Raises:
        CheckFailed: a cell failed, or what a notebook shows is not fit to be stored. Such a
            notebook is left as it was, and the others are stored.
    """
    import nbformat

    changed, troubles = [], []
    for path in chosen:
        try:
            with console.task(f"running {path.name}", usual=5):
                notebook = _executed(path)
        except CheckFailed as error:
            troubles.append(str(error))
            continue
        docs = path.parent.parent / "docs"
        files = {path: (nbformat.writes(notebook) + "\n").encode()}  # type: ignore[no-untyped-call]
        files |= {docs / f"{name}.png": png for name, png in pictures.found(notebook).items()}
        for file, content in files.items():
            if not file.exists() or file.read_bytes() != content:
                report.write_file(file, content)
                changed.append(file)
    if troubles:
        raise CheckFailed(" ".join([*troubles, f"Stored anew: {len(changed)} others."]))
    return changed


def _executed(path: Path) -> "NotebookNode":
    """A notebook after a run, without what only that run's kernel knew."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook,
        timeout=REFRESH_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],  # it warns that its ports are not encrypted
    )
    try:
        client.execute(env=environment("recorded"))
    except (CellExecutionError, CellTimeoutError) as error:
        last = re.sub(r"\x1b\[\d*m", "", str(error)).strip().splitlines()[-1]
        raise CheckFailed(f"{path.name}: a cell failed: {last}") from None
    clean(notebook, path.name[:2])
    faults = hygiene.faults(notebook, path)
    if faults:
        raise CheckFailed(f"{path.name} is not fit to be stored: {'; '.join(faults)}.")
    return notebook


def clean(notebook: Any, number: str) -> None:
    """Give a notebook that has run the form in which it is stored.

    Views of widgets are left out, since their models end with the kernel; what each shows is
    beside it as a table. Cells get ids by their place, and nothing of the machine is kept.
    """
    notebook.metadata = {
        # With another display name than the kernel's own, JupyterLab asks which to start.
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for place, cell in enumerate(notebook.cells):
        cell.id = f"{number}-{place:02d}"
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if _WIDGET not in o.get("data", {})]


def environment(mode: Mode | None = None) -> dict[str, str]:
    """This process's environment for kernels: the lab's own packages first, and the mode."""
    chosen = {"NETPOL_LAB_MODE": mode} if mode else {}
    # A kernel of the user's own that is called python3 must not take the place of the lab's.
    lab = {"PYTHONPATH": str(paths.ROOT), "JUPYTER_PREFER_ENV_PATH": "1"}
    return {**os.environ, **lab, **chosen}
