"""What a notebook opens first: which mode it runs in, what it measures, what it leaves behind.

The API that notebooks build on, and that stays:

    import start                       # finds the lab; under a wrong kernel says what to do
    from labsupport import show, widgets
    from labsupport.lesson import Lesson

    lesson = Lesson("02")              # shows the mode; removes what a broken-off visit left
    lesson.mode, lesson.live           # "live" or "recorded"; whether it is live
    lesson.case("deny-all")            # the case of the catalogue: what is asked
    lesson.measure("deny-all", "flannel")  # an entry of a report's `cases`: what packets did
    lesson.silent("flannel")           # deny-all by kubectl: its answer, its list, the packets
    lesson.anatomy("calico")           # what its nodes hold for one policy
    lesson.reports()                   # the reports, in the order of the profiles
    lesson.matrix()                    # the same as a `matrix.Matrix`
    lesson.lane("calico")              # live only: one copy of the stage, with its `.kube`
    lesson.apply("calico", manifest)   # live only: apply an object, and remove it at the end
    lesson.later("calico", "apply", manifest)  # live only: put something back at the end
    lesson.finish()                    # removes what the notebook left

`NETPOL_LAB_MODE=live|recorded` chooses the mode, and `NETPOL_LAB_RECORDINGS` another folder of
recordings. In either mode every call gives values of the same shape, so a notebook needs a
branch only around what nothing but a cluster can do: `if lesson.live:`.

What is left to undo is on disk before the cluster is changed, so that a restarted kernel or
the next visit still undoes it.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labsupport import cases, failures, paths, report, session, stored, undo, versions
from labsupport.errors import CheckFailed, LabError, WrongUse
from labsupport.matrix import Matrix, Mode
from labsupport.undo import Action

if TYPE_CHECKING:  # the Kubernetes client takes half a second, which recorded mode need not wait
    from labsupport.kube import Kube
    from labsupport.lane import Lane
    from labsupport.runner import Apply


class Lesson:
    """One notebook at work. See the module for what it offers."""

    def __init__(self, number: str) -> None:
        """Open a notebook: choose the mode, show it, and undo what an earlier kernel left.

        Args:
            number: the notebook's, such as `02`; what it leaves is kept under this name.

        Raises:
            WrongUse: `NETPOL_LAB_MODE` is neither `live` nor `recorded`.
        """
        from labsupport import show

        failures.install()
        self.number = number
        self._reports: list[report.Report] = []  # read once: checking them takes a while
        self._lanes: dict[str, Lane] = {}
        self._undo = undo.Ledger(paths.state() / "lessons" / f"{number}.json")
        self.mode, self.why = choose_mode(os.environ.get("NETPOL_LAB_MODE", ""))
        show.mode(self.mode, self.why)
        if self.live:
            try:
                self._undo.work(self._cluster)
            except LabError as error:  # the notebook can be used all the same
                show.note(str(error))

    @property
    def live(self) -> bool:
        """Whether clusters are measured now."""
        return self.mode == "live"

    def case(self, case_id: str) -> cases.Case:
        """A case of the catalogue.

        Raises:
            WrongUse: there is none of this name; the message names those there are.
        """
        return cases.choose(cases.load(), [case_id])[0]

    def measure(self, case_id: str, profile: str) -> dict[str, Any]:
        """What packets did in one case on one profile: an entry of a report's `cases`.

        Live, the case runs now in one lane of the profile's cluster and removes its policies
        again; recorded, it is read. It can be asked again at any time.

        Raises:
            WrongUse: the catalogue or the recordings hold no such case, or no such profile.
            CheckFailed: the profile's cluster is not ready; the message says how to get it.
        """
        name = versions.profile(profile).name
        if not self.live:
            return stored.case(self.reports(), case_id, name)
        from labsupport import runner

        return self._run(case_id, name, runner.through_api)

    def measure_each(self, case_id: str, profiles: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """What packets did in one case on several profiles: entries by what `profiles` calls each.

        Live, the clusters are measured side by side: most of the time is waiting.

        Args:
            case_id: which case.
            profiles: the profiles' names by what the entries are to be called.

        Raises:
            As `measure` does.
        """
        if not self.live:
            return {called: self.measure(case_id, name) for called, name in profiles.items()}
        from concurrent.futures import ThreadPoolExecutor

        from labsupport import runner, turns

        with turns.lock(), ThreadPoolExecutor(max(1, len(profiles))) as pool:
            found = pool.map(lambda p: self._try(case_id, p, runner.through_api), profiles.values())
            return dict(zip(profiles, found, strict=True))

    def silent(self, profile: str) -> dict[str, Any]:
        """A report's `silentFailure`: deny-all applied by kubectl, and what packets then did.

        Raises:
            As `measure` does.
        """
        name = versions.profile(profile).name
        if not self.live:
            told: dict[str, Any] = stored.report_on(self.reports(), name)["silentFailure"]
            return told
        from labsupport.measure import SILENT_CASE, Witness

        witness = Witness()
        account = witness.account([self._run(SILENT_CASE, name, witness.apply)])
        if account is None:
            raise CheckFailed(f"Case {SILENT_CASE} could not be run on {profile}; run it again.")
        return account

    def anatomy(self, profile: str) -> dict[str, Any]:
        """What a profile's CNI puts on the nodes for one policy; see `anatomy`.

        Live, the policy is applied in one lane, the nodes are looked at and it is removed
        again, about 20 s; recorded, it is read.

        Raises:
            WrongUse: there is no recording, or no such profile.
            CheckFailed: the profile's cluster is not ready; the message says how to get it.
        """
        from labsupport import anatomy

        chosen = versions.profile(profile)
        if not self.live:
            return anatomy.read(chosen.name, stored.folder() / "anatomy")
        from labsupport import turns

        with turns.lock():
            return anatomy.look(self.lane(chosen.name), chosen)

    def reports(self) -> list[report.Report]:
        """Reports on every profile, in their order, for comparisons over all cases.

        They are the recordings. Live, they are those that the last `./lab run --live` left in
        `out/`, where these hold all cases that the recordings hold; a notebook does not
        measure the whole catalogue, which takes minutes.

        Raises:
            WrongUse: a report is damaged, or there is none.
        """
        if not self._reports:
            self._reports = stored.reports(self.live)
        return self._reports

    def matrix(self) -> Matrix:
        """The reports side by side."""
        from labsupport import matrix

        return matrix.build(self.reports(), "recorded")  # also in live mode: not just now

    def lane(self, profile: str) -> "Lane":
        """One copy of the stage on a profile's cluster, with its client as `.kube`.

        Raises:
            WrongUse: the mode is recorded, so there is no cluster.
            CheckFailed: the cluster is not ready; the message says how to get it.
        """
        if not self.live:
            raise WrongUse("This cell needs a cluster; `NETPOL_LAB_MODE=live ./lab notebook`.")
        if profile not in self._lanes:
            from labsupport import clusters

            chosen = versions.profile(profile)
            now = clusters.status(chosen)
            if now.state is not clusters.State.READY:
                raise CheckFailed(
                    f"Cluster {now.cluster} is {now.state}{now.detail and f': {now.detail}'}. "
                    f"`./lab up {profile}` in a terminal gets it ready; then run this cell again."
                )
            self._lanes[profile] = clusters.lanes(chosen, 1)[0]
        return self._lanes[profile]

    def apply(self, profile: str, manifest: Mapping[str, Any]) -> None:
        """Apply an object of a case in the profile's lane, and remove it at the end.

        Live only. Namespaces are those of cases (`shop`), and become the lane's. An object
        that is already there is applied again, so the cell can be repeated.
        """
        localised = self.lane(profile).localise(manifest)
        self._undo.note(profile, "delete", localised)
        self.lane(profile).kube.apply(localised)

    def later(self, profile: str, action: Action, manifest: Mapping[str, Any]) -> None:
        """Note what to do at the end: `delete` or `apply` an object, as it is. Live only.

        Call it before the change, so that a kernel that dies in between changes nothing for
        good. The last noted is undone first; noting the same twice undoes it once.
        """
        self.lane(profile)
        self._undo.note(profile, action, manifest)

    def finish(self) -> None:
        """Undo everything this notebook left, last first.

        Raises:
            CheckFailed: something could not be undone; it is kept, and tried again by the
                next `finish` or when the notebook is opened next.
        """
        from labsupport import show

        if self.live:
            self._undo.work(self._cluster)
        show.note("Nothing of this notebook is left on a cluster.")

    def _run(self, case_id: str, profile: str, apply: "Apply") -> dict[str, Any]:
        """Run one case in one lane now, when the clusters are free."""
        from labsupport import turns

        with turns.lock():
            return self._try(case_id, profile, apply)

    def _try(self, case_id: str, profile: str, apply: "Apply") -> dict[str, Any]:
        """Run one case in one lane, and once more where a busy machine spoilt the first."""
        from labsupport import runner

        chosen, lane = self.case(case_id), self.lane(profile)
        try:
            first = runner.run([lane], [chosen], lambda _case, _verdict: None, apply)[0]
            if first["verdict"] != "inconclusive":
                return first
            return runner.run([lane], [chosen], lambda _case, _verdict: None, apply)[0]
        except BaseException:
            self._lanes.pop(profile)  # the next run may find another cluster
            raise

    def _cluster(self, profile: str) -> "Kube | None":
        """The cluster to undo something on; None where there is none any more."""
        from labsupport import clusters

        if clusters.status(versions.profile(profile)).state is clusters.State.ABSENT:
            return None
        return self.lane(profile).kube


def choose_mode(asked: str) -> tuple[Mode, str]:
    """Which mode a notebook takes and why.

    As `./lab run` chooses, except that a notebook makes no cluster by itself: where some are
    missing it reads the recordings, and says so.

    Args:
        asked: `live`, `recorded`, or nothing.

    Raises:
        WrongUse: it is something else.
    """
    if asked not in ("", "live", "recorded"):
        raise WrongUse(f"NETPOL_LAB_MODE is {asked!r}; it can be live or recorded.")
    if asked:
        return ("live" if asked == "live" else "recorded"), f"NETPOL_LAB_MODE is {asked}"
    mode, why = session.mode(live=False, recorded=False)
    if mode == "live":
        from labsupport import clusters

        states = {one.name: clusters.status(one) for one in versions.profiles()}
        missing = [n for n, now in states.items() if now.state is not clusters.State.READY]
        if missing:
            return "recorded", f"no cluster is ready for {', '.join(missing)}; `./lab up` makes it"
    return mode, why
