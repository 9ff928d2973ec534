"""What a notebook has to put back, kept on disk so that a lost kernel does not lose it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from labsupport import report
from labsupport.errors import CheckFailed, LabError

Action = Literal["apply", "delete"]


class Applies(Protocol):
    """What undoing needs of a cluster; `kube.Kube` has it."""

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Apply one object."""

    def delete(self, manifest: Mapping[str, Any]) -> None:
        """Delete one object; no error where it is gone already."""


class Ledger:
    """Changes to undo, last first, in a file that is written before each change."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def note(self, profile: str, action: Action, manifest: Mapping[str, Any]) -> None:
        """Note one thing to do later. What is noted already keeps its place.

        Raises:
            MachineCannot: the file cannot be written; do not make the change then.
        """
        entry = {"profile": profile, "action": action, "manifest": dict(manifest)}
        entries = self.entries()
        if entry not in entries:
            self._write([*entries, entry])

    def entries(self) -> list[dict[str, Any]]:
        """What is noted, first first. A file that is damaged counts as empty."""
        try:
            found: list[dict[str, Any]] = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return []
        return found

    def work(self, cluster: Callable[[str], Applies | None]) -> None:
        """Do what is noted, last first, and forget what is done.

        Args:
            cluster: gives a profile's cluster, or None where it is gone with all that was on it.

        Raises:
            CheckFailed: something could not be done; it stays noted, the rest was done.
        """
        failed: list[dict[str, Any]] = []
        trouble = ""
        for entry in reversed(self.entries()):
            try:
                kube = cluster(entry["profile"])
                if kube is not None:
                    act = kube.apply if entry["action"] == "apply" else kube.delete
                    act(entry["manifest"])
            except LabError as error:
                failed.insert(0, entry)
                what = entry["manifest"]
                trouble = (
                    f"{what['kind']} {what['metadata']['name']} on {entry['profile']}: {error}"
                )
        self._write(failed)
        if failed:
            raise CheckFailed(
                f"{len(failed)} of what this notebook changed could not be put back, such as "
                f"{trouble} It is kept and tried again when the notebook is opened next."
            )

    def _write(self, entries: list[dict[str, Any]]) -> None:
        if entries:
            report.write_file(self._file, json.dumps(entries, indent=1).encode())
        else:
            self._file.unlink(missing_ok=True)
