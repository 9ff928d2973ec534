"""Exercises in a terminal: the list, the task, what came of an attempt."""

from rich.markup import escape
from rich.table import Table

from labsupport import clusterrecord, console, outages, task
from labsupport.attempt import Attempt
from labsupport.exercise import Exercise
from labsupport.exercise_log import Log
from labsupport.judges import Packets
from labsupport.outages import Outage
from labsupport.versions import Profile

_SIGNS = {"solved": "✓", "solved after the solution": "(✓)", "tried": "◐", "begun": "…"}


def listing(log: Log | None = None) -> Table:
    """All exercises, and how far the learner is."""
    entries = (log or Log()).entries()
    table = Table("", "exercise", "title", "level", "min", "state", "attempts", "hints")
    table.columns[1].no_wrap = table.columns[5].no_wrap = True
    for number, one in enumerate(task.load_all().values(), 1):
        entry = entries.get(one.id)
        state = entry.state if entry else "not begun"
        table.add_row(
            str(number),
            one.id,
            one.title,
            "•" * one.level,
            str(one.minutes),
            f"{_SIGNS.get(state, '')} {state}".strip(),
            str(entry.attempts) if entry else "",
            str(entry.hints) if entry else "",
        )
    return table


def open_exercise(name: str | None, profile: str | None, mode: str | None) -> Exercise:
    """An exercise; without a name the first, which is as good as any for cleaning up."""
    return Exercise.load(name or "1", profile, mode)


def told(exercise: Exercise) -> str:
    """The task, and what to do next."""
    one, judge = exercise.task, exercise.judge
    where = "No cluster is used."
    if isinstance(judge, Packets):
        where = f"It is prepared on the cluster: `{_kubectl(judge.profile)}`."
    return (
        f"{one.title} (level {one.level} of 3, about {one.minutes} min)\n\n{exercise.text()}\n"
        f"Checked {judge.how}. {where}\n"
        f"Next: write the policies to a file and `./lab exercise {one.id} --check FILE`; "
        "`--hint 1` helps."
    )


def outage_listing() -> Table:
    """All outages by their symptoms."""
    table = Table("", "outage", "where", "what its victims report")
    table.columns[1].no_wrap = True
    for number, one in enumerate(outages.load_all().values(), 1):
        table.add_row(str(number), one.id, ", ".join(one.profiles), one.symptom)
    return table


def outage_told(outage: Outage, profile: Profile) -> str:
    """The symptom, and what to do next."""
    return (
        f"{outage.title}\n\n{outage.symptom}\n\n"
        f"Next: find the cause and end it, with `{_kubectl(profile)}`. `./lab break --check` says "
        "whether it is over, `--solution` tells, `./lab mend` undoes it."
    )


def _kubectl(profile: Profile) -> str:
    return f"kubectl --kubeconfig {clusterrecord.kubeconfig(profile)}"


def show(done: Attempt) -> None:
    """Print what came of an attempt: the grid, then the sentence."""
    if done.rows:
        console.out.print(done.table())
    console.out.print(escape(f"{done.title}. {done.sentence}"))
