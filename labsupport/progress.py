"""What a learner has answered: one file that survives crashes, upgrades and two sessions.

Every answer is added under a lock and written whole beside the old file before it takes
its place. A file that cannot be read is put aside under another name, never overwritten.
Answers to questions that this version of the lab does not have are kept as they are.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from labsupport import checked, console, paths, report
from labsupport.errors import WrongUse

KIND = "DrillProgress"
VERSION = 2


@dataclass(frozen=True)
class Answer:
    """One answer to one question.

    Attributes:
        question: its id.
        at: when, in UTC.
        share: what it was worth, from 0 to 1.
        seconds: how long it took; None where that is not known.
    """

    question: str
    at: datetime
    share: float
    seconds: float | None = None


class Progress:
    """The file that answers are kept in, `progress.json` in the lab's state by default."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or paths.state() / "progress.json"
        self._lock = FileLock(self.path.with_name(f"{self.path.name}.lock"))

    def answers(self) -> list[Answer]:
        """Everything answered so far, in order.

        Raises:
            WrongUse: the file was written by a newer version of the lab.
        """
        with self._lock:
            return self._read()

    def add(self, *answers: Answer) -> None:
        """Keep answers, beside whatever another session has added.

        Raises:
            WrongUse: as for `answers`.
            MachineCannot: the file cannot be written.
        """
        with self._lock:
            self._write({*self._read(), *answers})

    def export(self, path: Path) -> int:
        """Write a copy to a file and say how many answers it has.

        Raises:
            MachineCannot: the file cannot be written.
        """
        answers = self.answers()
        report.write_file(path, _text(answers))
        return len(answers)

    def take_in(self, path: Path) -> int:
        """Add the answers of an exported file, and say how many were new.

        Raises:
            WrongUse: the file cannot be read or is not a learner's progress.
        """
        try:
            taken = _parse(path.read_bytes(), str(path))
        except OSError as error:
            raise WrongUse(f"{path}: cannot be read: {error.strerror}.") from None
        with self._lock:
            mine = set(self._read())
            self._write(mine | set(taken))
            return len(set(taken) - mine)

    def reset(self) -> Path | None:
        """Begin anew; the old file is kept under the name that is returned."""
        with self._lock:
            return self._put_aside("until") if self.path.exists() else None

    def _read(self) -> list[Answer]:
        if not self.path.exists():
            return []
        try:
            return _parse(self.path.read_bytes(), str(self.path))
        except _Damaged as error:
            kept = self._put_aside("damaged")
            console.say(f"{error} It is kept as {kept.name}, and progress begins anew.")
            return []

    def _write(self, answers: Iterable[Answer]) -> None:
        report.write_file(self.path, _text(answers))

    def _put_aside(self, why: str) -> Path:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        return self.path.replace(self.path.with_name(f"{self.path.stem}-{why}-{stamp}.json"))


class _Damaged(WrongUse):
    """What is in a file is not a learner's progress."""


def _text(answers: Iterable[Answer]) -> bytes:
    rows = [
        asdict(one) | {"at": one.at.isoformat()}
        for one in sorted(answers, key=lambda one: (one.at, one.question))
    ]
    document = {"kind": KIND, "version": VERSION, "answers": rows}
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def _parse(content: bytes, where: str) -> list[Answer]:
    """The answers in a file of this or an older version."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise _Damaged(f"{where}: is damaged: it is not JSON.") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise _Damaged(f"{where}: kind: is not {KIND}, so this is no progress of the drills.")
    version = document.get("version")
    if isinstance(version, int) and version > VERSION:
        raise WrongUse(
            f"{where}: version: is {version}, so a newer version of the lab wrote it; "
            f"update the lab, which reads {VERSION}."
        )
    try:
        for step in range(version if isinstance(version, int) else VERSION, VERSION):
            document = _MIGRATIONS[step](document)
        checked.check(document, "progress", where)
        return [
            Answer(**row | {"at": datetime.fromisoformat(row["at"])}) for row in document["answers"]
        ]
    except (WrongUse, KeyError, TypeError, ValueError) as error:
        raise _Damaged(f"{where}: is damaged: {error}") from None


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew right and wrong, and not how long an answer took."""
    rows = [
        {"question": row["question"], "at": row["at"], "share": float(row["right"])}
        for row in document["answers"]
    ]
    return document | {"version": 2, "answers": [row | {"seconds": None} for row in rows]}


_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}
