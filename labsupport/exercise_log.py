"""How far a learner is with each exercise: one file that survives crashes and two sessions.

It is changed under a lock and written whole. A file that cannot be read is put aside under
another name, never overwritten. Exercises that this version of the lab does not have are
kept as they are.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from labsupport import checked, console, paths, report
from labsupport.errors import WrongUse

KIND = "ExerciseProgress"
VERSION = 1


@dataclass
class Entry:
    """How far one exercise is.

    Attributes:
        begun: when it was first opened, in UTC, ISO 8601.
        solved: when it was first solved, or None.
        attempts: how many answers were put to the test until then.
        hints: the number of the furthest hint that was asked for.
        told: whether the solution was looked at before it was solved.
        mode: how it was solved: `live` with packets, `recorded` by the specification.
    """

    begun: str
    solved: str | None = None
    attempts: int = 0
    hints: int = 0
    told: bool = False
    mode: str | None = None

    @property
    def state(self) -> str:
        """In a word: `solved`, `solved after the solution`, `tried` or `begun`."""
        if self.solved:
            return "solved after the solution" if self.told else "solved"
        return "tried" if self.attempts else "begun"

    @property
    def seconds(self) -> float | None:
        """From begun to solved, or None."""
        if self.solved is None:
            return None
        return (
            datetime.fromisoformat(self.solved) - datetime.fromisoformat(self.begun)
        ).total_seconds()


class Log:
    """The file, `exercises.json` in the lab's state by default."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or paths.state() / "exercises.json"

    def entries(self) -> dict[str, Entry]:
        """What is known, by exercise.

        Raises:
            WrongUse: the file was written by a newer version of the lab.
        """
        with self._lock():
            return self._read()

    @contextmanager
    def change(self, exercise: str) -> Iterator[Entry]:
        """Change what is known of one exercise, which counts as begun from now on.

        Raises:
            WrongUse: as for `entries`.
            MachineCannot: the file cannot be written.
        """
        with self._lock():
            known = self._read()
            yield known.setdefault(exercise, Entry(now()))
            report.write_file(self.path, _text(known))

    def forget(self, exercise: str) -> None:
        """Begin one exercise anew."""
        with self._lock():
            known = self._read()
            if known.pop(exercise, None):
                report.write_file(self.path, _text(known))

    def _lock(self) -> FileLock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self.path.with_name(f"{self.path.name}.lock"))

    def _read(self) -> dict[str, Entry]:
        if not self.path.exists():
            return {}
        try:
            return read(self.path)
        except Damaged as error:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
            kept = self.path.replace(self.path.with_name(f"{self.path.stem}-damaged-{stamp}.json"))
            console.say(f"{error} It is kept as {kept.name}, and the exercises begin anew.")
            return {}


class Damaged(WrongUse):
    """What is in a file is not a learner's state."""


def read(path: Path) -> dict[str, Entry]:
    """Read a state file.

    Raises:
        Damaged: it cannot be read, or is something else.
        WrongUse: a newer version of the lab wrote it.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise Damaged(f"{path}: cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise Damaged(f"{path}: is damaged: it is not JSON.") from None
    version = document.get("version") if isinstance(document, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise WrongUse(
            f"{path}: version: is {version}, so a newer version of the lab wrote it; "
            f"update the lab, which reads {VERSION}."
        )
    try:
        checked.check(document, "exercises-progress", str(path))
        found = {name: Entry(**one) for name, one in document["exercises"].items()}
        for entry in found.values():
            _ = entry.seconds, datetime.fromisoformat(entry.begun)
    except (WrongUse, ValueError, TypeError) as error:
        raise Damaged(f"{path}: is damaged: {error}") from None
    return found


def now() -> str:
    """This moment, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _text(known: dict[str, Entry]) -> bytes:
    document = {
        "kind": KIND,
        "version": VERSION,
        "exercises": {name: asdict(entry) for name, entry in known.items()},
    }
    return (json.dumps(document, indent=1) + "\n").encode()
