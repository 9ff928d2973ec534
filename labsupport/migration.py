"""The Flannel cluster becomes Canal's while a connection is open: the test of an answer.

Every pod gets Calico's cable but the two that hold the connection, packets are sent; then
those two are made anew as well, and packets are sent again.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from labsupport import console, judges, moments, versions
from labsupport.answer import Fault, State
from labsupport.connection import Connection
from labsupport.errors import CheckFailed, LabError, WrongUse
from labsupport.judges import Judge, Packets, Policy, Seen, Specification
from labsupport.moments import Moment
from labsupport.outcome import Outcome
from labsupport.verdict import Expected

if TYPE_CHECKING:
    from labsupport.ground import Ground
    from labsupport.kube import Kube

USUAL = 240
"""Seconds that a move takes on 2 cores, for the progress bar."""


class Move(Packets):
    """Moves the Flannel cluster to Canal for each answer; `clear` takes it back."""

    def __init__(self) -> None:
        super().__init__(versions.profile("flannel"))
        self.how = "by packets, while Flannel became Canal"

    def kube(self) -> "Kube":
        """The cluster's client, also while the cluster is moved."""
        from labsupport import clusterrecord, policyaddon
        from labsupport.kube import Kube

        if policyaddon.is_added(self.profile):
            return Kube(clusterrecord.kubeconfig(self.profile))
        return super().kube()

    def begin(self, given: Sequence[Policy], connections: Sequence[Connection]) -> None:
        """Make the pods on Flannel alone, a move taken back, and put the policies there.

        Raises:
            CheckFailed: the cluster is not ready, or packets do not cross it.
        """
        from labsupport import turns

        with turns.lock():
            self._on_flannel(connections)
            self._ground.put(self.kube(), self._cast.namespaces, given)

    def test(
        self, policies: Sequence[Policy] | None, wanted: Mapping[Connection, Expected]
    ) -> Seen | Fault:
        """Move the cluster under these policies, or those there are, and send packets.

        The cluster stays moved, for whoever wants to look at it.

        Raises:
            CheckFailed: the cluster is not ready, or does not become so.
            ProgramFailed: an agent is not ready within the limit.
        """
        from labsupport import turns
        from labsupport.kube import ApiRefused

        moving = console.task("moving the Flannel cluster to Canal", usual=USUAL)
        with turns.lock(), turns.alone(self.profile), moving:
            self._on_flannel(wanted)
            if policies is not None:
                try:
                    self._ground.put(self.kube(), self._cast.namespaces, policies)
                except ApiRefused as error:
                    return Fault(State.REFUSED, f"The API server says: {error}")
            return self._moved(wanted)

    def clear(self) -> None:
        """Take the move back and delete the exercises' namespaces, where there is a cluster."""
        from labsupport import policyaddon, turns

        with turns.lock():
            if self.is_there():
                policyaddon.remove(self.profile)
                super().clear()

    def is_there(self) -> bool:
        """Whether the cluster is ready, or moved."""
        try:
            self.kube()
        except LabError:
            return False
        return True

    def _on_flannel(self, connections: Collection[Connection]) -> None:
        """Let all pods be Flannel's, and see that all connections work: nothing is enforced."""
        from labsupport import policyaddon

        policyaddon.remove(self.profile)
        kube = self.kube()
        self._ground.make(kube, self.profile, self._cast)
        new = [c for c in connections if not c.held]
        self._ground.control(self._ground.find(kube, self._cast), new)

    def _moved(self, wanted: Mapping[Connection, Expected]) -> Seen:
        """Open what is held, add Calico's policy, and try each moment with the pods it has."""
        from labsupport import policyaddon

        kube = self.kube()
        with closing(self._ground.find(kube, self._cast)) as before:
            _open(before, moments.held(wanted))
            policyaddon.add(self.profile)
            tried, left = [], set(self._cast.pods)
            for moment in moments.of(wanted):
                self._make_anew(kube, left - moment.older)
                left &= moment.older
                tried.append((moment, self._observe(kube, moment, before)))
        return moments.together(tried)

    def _make_anew(self, kube: "Kube", names: Collection[str]) -> None:
        from labsupport import policyaddon

        policyaddon.delete_pods(
            kube, lambda pod: f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" in names
        )
        self._ground.make(kube, self.profile, self._cast)

    def _observe(self, kube: "Kube", moment: Moment, before: "Ground") -> Seen:
        """Send packets; older pods by the commands that hold their connections open."""
        now = self._ground.find(kube, self._cast)
        now.probers.update({name: before.probers[name] for name in moment.older})
        seen: Seen = self._ground.observe(now, moment.wanted)
        return seen


def choose(profile: str | None = None, mode: str | None = None) -> Judge:
    """A move where the Flannel cluster is ready or was asked for, the specification otherwise.

    Args:
        profile: `flannel`, or None.
        mode: as for `judges.choose`.

    Raises:
        WrongUse: there is no such mode, or the profile is another.
    """
    if profile not in (None, "flannel"):
        raise WrongUse("This exercise moves the Flannel cluster; leave out --profile.")
    mode = judges.asked(profile, mode)
    move = Move()
    return move if mode == "live" or (mode is None and move.is_there()) else Specification()


def _open(place: "Ground", connections: Sequence[Connection]) -> None:
    """Open the connections that are to be held.

    Raises:
        CheckFailed: one cannot be opened.
    """
    with ThreadPoolExecutor(len(connections)) as pool:
        seen = place.observe(connections, pool, timeout=5, anew=True)
    for connection, saw in seen.items():
        if saw.outcome is not Outcome.ALLOWED:
            raise CheckFailed(f"{connection} could not be opened: {saw.outcome} ({saw.detail}).")
