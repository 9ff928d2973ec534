"""Who checks an answer: packets on a cluster, or without one the specification."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from labsupport import answer, moments, report, task, versions
from labsupport.answer import Fault, State
from labsupport.connection import Connection
from labsupport.errors import CheckFailed, LabError, WrongUse
from labsupport.foresee import foresee
from labsupport.outcome import Observation, Outcome
from labsupport.verdict import Expected, Verdict
from labsupport.versions import Profile

if TYPE_CHECKING:
    from labsupport.kube import Kube

Policy = Mapping[str, Any]
Seen = Mapping[Connection, Observation]


class Judge(Protocol):
    """Tries policies and says what becomes of connections."""

    mode: str
    how: str
    """How it was checked, to follow `as wanted`."""

    def begin(self, given: Sequence[Policy], connections: Sequence[Connection]) -> None:
        """Prepare the place of an exercise, with its policies."""

    def current(self) -> Sequence[Policy] | None:
        """The policies that are there now; None where there is no such place."""

    def test(
        self, policies: Sequence[Policy] | None, wanted: Mapping[Connection, Expected]
    ) -> Seen | Fault:
        """What becomes of connections under policies, or under those there are now."""

    def clear(self) -> None:
        """Remove the place."""


class Specification:
    """Asks the oracle. No packet is sent."""

    mode = "recorded"
    how = "by the specification; no packet was sent"

    def begin(self, given: Sequence[Policy], connections: Sequence[Connection]) -> None:
        """Nothing is needed."""

    def current(self) -> None:
        """There is no cluster to look at."""

    def test(
        self, policies: Sequence[Policy] | None, wanted: Mapping[Connection, Expected]
    ) -> Seen | Fault:
        """What the specification says, with its reason as the detail."""
        policies = policies or []
        refused = answer.refusal(policies)
        if refused:
            return refused
        return moments.together(
            [
                (moment, {c: _foreseen(moment.in_force(policies, c), c) for c in moment.wanted})
                for moment in moments.of(wanted)
            ]
        )

    def clear(self) -> None:
        """Nothing was made."""


class Packets:
    """Sends packets on a profile's cluster, in the namespaces of the exercises."""

    mode = "live"

    def __init__(self, profile: Profile) -> None:
        from labsupport import ground

        self._ground, self.profile = ground, profile
        self._cast = task.ground()
        self.how = f"by packets on {profile.title}"

    def kube(self) -> "Kube":
        """The cluster's client.

        Raises:
            CheckFailed: the cluster is not ready; the message says how to get it.
        """
        return self._ground.kube(self.profile)

    def begin(self, given: Sequence[Policy], connections: Sequence[Connection]) -> None:
        """Make the pods, see that all connections work, and put the policies there.

        Raises:
            CheckFailed: the cluster is not ready, or packets do not cross it.
        """
        kube = self.kube()
        self._ground.make(kube, self.profile, self._cast)
        self._ground.put(kube, self._cast.namespaces, [])
        self._ground.control(self._ground.find(kube, self._cast), connections)
        self._ground.put(kube, self._cast.namespaces, given)

    def current(self) -> Sequence[Policy] | None:
        """The policies in the exercises' namespaces; None where pods of theirs are missing."""
        kube = self.kube()
        if set(self._ground.find(kube, self._cast).addresses) != set(self._cast.pods):
            return None
        return self._ground.policies(kube, self._cast.namespaces)

    def test(
        self, policies: Sequence[Policy] | None, wanted: Mapping[Connection, Expected]
    ) -> Seen | Fault:
        """Let exactly these policies be there, and send packets."""
        from labsupport.kube import ApiRefused

        kube = self.kube()
        if policies is not None:
            try:
                self._ground.put(kube, self._cast.namespaces, policies)
            except ApiRefused as error:
                return Fault(State.REFUSED, f"The API server says: {error}")
        return self._ground.observe(self._ground.find(kube, self._cast), wanted)

    def clear(self) -> None:
        """Delete the exercises' namespaces."""
        self._ground.remove(self.kube(), self._cast.namespaces)


def choose(profile: str | None = None, mode: str | None = None) -> Judge:
    """Packets where a cluster that enforces policy is ready, the specification otherwise.

    Args:
        profile: whose cluster; the first that is ready where None is given.
        mode: `live` or `recorded`; where it is not given, `NETPOL_LAB_MODE` says, or what
            is ready.

    Raises:
        WrongUse: there is no such profile or mode.
        CheckFailed: live was asked for, and no cluster is ready.
    """
    mode = asked(profile, mode)
    if mode == "recorded":
        return Specification()
    if profile:
        return Packets(versions.profile(profile))
    for one in enforcing():
        if _is_ready(one):
            return Packets(one)
    if mode == "live":
        names = ", ".join(one.name for one in enforcing())
        raise CheckFailed(f"No cluster of {names} is ready; `./lab up calico` makes one.")
    return Specification()


def asked(profile: str | None, mode: str | None) -> str | None:
    """The mode that was asked for, `live` or `recorded`; None where what is ready decides.

    Raises:
        WrongUse: there is no such mode.
    """
    mode = mode or os.environ.get("NETPOL_LAB_MODE") or ("live" if profile else None)
    if mode not in (None, "live", "recorded"):
        raise WrongUse(f"NETPOL_LAB_MODE is {mode!r}; it can be live or recorded.")
    return mode


def enforcing() -> list[Profile]:
    """The profiles whose recordings show that they enforced the deny-all of every pod."""
    names = {
        one["implementation"]["profile"]
        for one in report.recordings()
        for case in one["cases"]
        if case["id"] == "deny-all" and case["verdict"] == Verdict.ENFORCED
    }
    return [profile for profile in versions.profiles() if profile.name in names]


def _foreseen(policies: Sequence[Policy], connection: Connection) -> Observation:
    decision = foresee(policies, task.ground(), connection)
    return Observation(Outcome.ALLOWED if decision.allowed else Outcome.TIMEOUT, decision.why)


def _is_ready(profile: Profile) -> bool:
    from labsupport import clusters

    try:
        return clusters.status(profile).state is clusters.State.READY
    except LabError:
        return False
