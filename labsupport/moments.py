"""When a connection is held while a cluster gets its enforcer: the two moments that count.

An enforcer such as Calico's acts at the cable that its own CNI plugin made, and a plugin
runs when a pod starts. The pods that hold a connection open cannot be made anew without
breaking it, so no policy applies to them until the connection may end. What an answer is
worth shows at both moments: while they are older than the enforcer, and when nobody is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labsupport import oracle
from labsupport.connection import Connection
from labsupport.outcome import Observation
from labsupport.verdict import HOPED_FOR, Expected

Policy = Mapping[str, Any]
Wanted = Mapping[Connection, Expected]
Seen = Mapping[Connection, Observation]


@dataclass(frozen=True)
class Moment:
    """One of the moments at which an answer is tried.

    Attributes:
        name: in words, as the beginning of a sentence; empty where there is no other moment.
        older: the pods that no policy applies to.
        wanted: who should reach whom.
    """

    name: str
    older: frozenset[str]
    wanted: Wanted

    def in_force(self, policies: Iterable[Policy], connection: Connection) -> list[Policy]:
        """The policies without what they say of an older end of a connection."""
        without = {
            direction
            for direction, pod in (("Egress", connection.source), ("Ingress", connection.target))
            if pod in self.older
        }
        left = [
            (policy, [one for one in oracle.policy_types(policy) if one not in without])
            for policy in policies
        ]
        return [
            {**policy, "spec": {**policy["spec"], "policyTypes": types}}
            for policy, types in left
            if types
        ]


def of(wanted: Wanted) -> tuple[Moment, ...]:
    """The moments at which something is wanted: one, or two where a connection is held."""
    ends = frozenset(end for c in held(wanted) for end in (c.source, c.target))
    if not ends:
        return (Moment("", frozenset(), wanted),)
    afterwards = {c: word for c, word in wanted.items() if not c.held}
    return (
        Moment("while the connection is held", ends, wanted),
        Moment("when every pod is made anew", frozenset(), afterwards),
    )


def held(connections: Iterable[Connection]) -> list[Connection]:
    """Those that are opened before the enforcer comes, and used again under it."""
    return [connection for connection in connections if connection.held]


def together(tried: Sequence[tuple[Moment, Seen]]) -> Seen:
    """What became of each connection: the first moment that was not as wanted, or the first."""
    found: dict[Connection, Observation] = {}
    for moment, seen in tried:
        for connection, word in moment.wanted.items():
            hoped, saw = HOPED_FOR[word], seen[connection]
            fell = saw.outcome is not hoped
            if connection not in found or (fell and found[connection].outcome is hoped):
                found[connection] = _told(saw, moment)
    return found


def _told(saw: Observation, moment: Moment) -> Observation:
    if not moment.name:
        return saw
    return replace(saw, detail=": ".join(part for part in (moment.name, saw.detail) if part))
