"""The instructor's page: how far each participant is, and the solutions behind one switch.

It is made from the participants' state files, each `exercises.json` as the lab keeps it,
collected in a folder under the participants' names: `anna.json`, or `anna/exercises.json`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from labsupport import answer, console, exercise_log, paths, task
from labsupport.errors import WrongUse
from labsupport.exercise_log import Entry
from labsupport.task import Task


@dataclass(frozen=True)
class Participant:
    """One participant's state, or why it is not known."""

    name: str
    entries: Mapping[str, Entry]
    trouble: str = ""

    def solved(self, tasks: Iterable[Task]) -> int:
        """How many of the exercises are solved."""
        return sum(bool(e and e.solved) for e in (self.entries.get(one.id) for one in tasks))


def participants(folder: Path) -> list[Participant]:
    """Everybody whose state file is in a folder, by name.

    A file that cannot be read makes its participant's row say so.

    Raises:
        WrongUse: there is no such folder.
    """
    if not folder.is_dir():
        raise WrongUse(f"{folder}: is no folder; give the one with the participants' files.")
    files = {path.stem: path for path in folder.glob("*.json")}
    files |= {path.parent.name: path for path in folder.glob("*/exercises.json")}
    return [_participant(name, files[name]) for name in sorted(files)]


def page(known: Iterable[Participant], solutions: bool = False) -> str:
    """The page, which loads nothing and needs no script.

    Args:
        known: the participants; without any, the page is a guide to the exercises.
        solutions: whether solutions are shown from the start. The page's own switch shows
            and hides all of them in either case.
    """
    environment = Environment(
        loader=FileSystemLoader(paths.PACKAGE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "yaml": answer.dump,
        "duration": duration,
        "state": state,
        "count": _count,
    }
    return environment.get_template("instructor.html.j2").render(
        participants=list(known),
        tasks=list(task.load_all().values()),
        solutions=solutions,
        now=exercise_log.now(),
    )


def write(folder: Path | None, solutions: bool, out: Path) -> None:
    """Write the page of the participants in a folder.

    Raises:
        WrongUse: there is no such folder.
        MachineCannot: the page cannot be written.
    """
    from labsupport import report

    known = participants(folder) if folder else []
    report.write_file(out, page(known, solutions).encode())
    console.out.print(f"Written: {out}, {_count(len(known), 'participant')}.", style="dim")


def duration(entry: Entry | None) -> str:
    """How long an exercise took, or nothing where it is not solved."""
    seconds = entry.seconds if entry else None
    return "" if seconds is None else console.seconds(seconds)


def state(entry: Entry | None) -> tuple[str, str]:
    """A sign and words for how far an exercise is."""
    if entry is None:
        return "–", "not begun"  # noqa: RUF001 (as in the matrix: not run)
    sign = {"solved": "✓", "solved after the solution": "(✓)", "tried": "◐"}
    return sign.get(entry.state, "…"), entry.state


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _participant(name: str, path: Path) -> Participant:
    try:
        return Participant(name, exercise_log.read(path))
    except WrongUse as error:
        return Participant(name, {}, str(error))
