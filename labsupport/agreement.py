"""The catalogue against the specification: what a case expects must be what the oracle says.

Only cases of the group `specification` can be held against it; the others are there because
it leaves something open, or does not know their kinds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from labsupport import cases, cast
from labsupport.cases import Case, Step
from labsupport.cast import Cast
from labsupport.connection import Connection
from labsupport.errors import CheckFailed
from labsupport.foresee import HOST, foresee
from labsupport.oracle import Policy
from labsupport.verdict import Expected

GROUP = "specification"


def check(catalogue: Iterable[Case]) -> None:
    """Hold every case of the group against the oracle.

    Raises:
        CheckFailed: one expects something else; the message names case, step and connection.
    """
    for case in catalogue:
        for step, policies, actors in scenes(case) if case.group == GROUP else ():
            for connection, word in step.expected.items():
                said = expected(policies, actors, connection)
                if said is not word:
                    raise CheckFailed(
                        f"Case {case.id}, step {step.name!r}: {connection} is expected to be "
                        f"{word}, but by the specification it is {said}; nothing was run."
                    )


def expected(policies: Sequence[Policy], actors: Cast, connection: Connection) -> Expected:
    """What the specification says should become of a connection."""
    allowed = foresee(policies, actors, connection).allowed
    return Expected.ALLOWED if allowed else Expected.DENIED


def scenes(case: Case) -> Iterator[tuple[Step, list[Policy], Cast]]:
    """Each step with the policies and the labels that are there when it is probed."""
    places = {name: name for name in cast.of_cases().namespaces} | {"outside": HOST}
    applied: dict[str, Policy] = {}
    actors = cast.of_cases()
    for step in case.steps:
        for manifest in step.apply:
            applied[cases.name_of(manifest)] = cases.fill(manifest, places)
        for name in step.delete:
            del applied[name]
        for what, changes in step.label.items():
            actors = _relabelled(actors, what, changes)
        yield step, list(applied.values()), actors


def _relabelled(actors: Cast, what: str, changes: cases.Labels) -> Cast:
    kind, name = what.split()
    if kind == "pod":
        pod = replace(actors.pods[name], labels=_changed(actors.pods[name].labels, changes))
        return replace(actors, pods={**actors.pods, name: pod})
    labels = _changed(actors.namespaces[name], changes)
    return replace(actors, namespaces={**actors.namespaces, name: labels})


def _changed(labels: dict[str, str], changes: cases.Labels) -> dict[str, str]:
    """Labels with a step's changes, where None removes one."""
    return {key: value for key, value in {**labels, **changes}.items() if value is not None}
