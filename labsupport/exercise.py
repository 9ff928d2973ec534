"""Exercises: a task, a check that sends packets, hints, a solution, and cleaning up.

    exercise = Exercise.load("only-the-front-end")
    print(exercise.text())
    exercise.setup()                 # live: pods and policies on a cluster
    exercise.check(my_yaml)          # or a file, or nothing: the cluster as it is now
    exercise.hint(1)
    exercise.solution()
    exercise.cleanup()

An answer is the whole of the policies that should be in the exercise's namespaces; it
takes the place of those that are there.
"""

from pathlib import Path

from labsupport import answer as answers
from labsupport import attempt, exercise_log, judges, migration, moments, task
from labsupport.answer import Fault, State
from labsupport.attempt import Attempt
from labsupport.errors import LabError
from labsupport.exercise_log import Entry, Log
from labsupport.judges import Judge, Policy, Seen, Specification
from labsupport.outcome import Outcome
from labsupport.task import Task
from labsupport.verdict import Expected

_UNTOUCHED = Fault(State.NOT_ATTEMPTED, "The policies are as they were given.")


class Exercise:
    """One exercise, and who checks it."""

    def __init__(self, task: Task, judge: Judge, log: Log | None = None) -> None:
        self.task, self.judge = task, judge
        self._log = log or Log()

    @classmethod
    def load(cls, name: str, profile: str | None = None, mode: str | None = None) -> "Exercise":
        """An exercise by its id or number; see `judges.choose` for the rest.

        One that holds a connection is checked by a move of the Flannel cluster.

        Raises:
            WrongUse: there is none of this name, or it does not take place on this cluster.
            CheckFailed: live was asked for, and no cluster is ready.
        """
        found = task.find(name)
        chooser = migration if moments.held(found.wanted) else judges
        return cls(found, chooser.choose(profile, mode))

    def setup(self) -> None:
        """Prepare the exercise, as often as wanted; policies of an earlier one are removed.

        Raises:
            CheckFailed: live, the cluster is not ready or packets do not cross it.
        """
        self.judge.begin(self.task.given, list(self.task.wanted))
        with self._log.change(self.task.id):
            pass

    def text(self) -> str:
        """The task with its wanted reachability and the policies that are there."""
        lines = [self.task.text, ""]
        for word in Expected:
            lines += [f"{word.capitalize()}:"]
            lines += [f"  {c}" for c, wanted in self.task.wanted.items() if wanted is word]
        if self.task.given:
            lines += ["", "The policies that are there:", answers.dump(self.task.given)]
        return "\n".join(lines)

    def blank(self) -> str:
        """What a learner begins with: the policies that are there, or a blank one."""
        if self.task.given:
            return answers.dump(self.task.given)
        namespace = self.task.solution[0]["metadata"]["namespace"]
        return (
            "apiVersion: networking.k8s.io/v1\n"
            "kind: NetworkPolicy\n"
            f"metadata: {{name: my-policy, namespace: {namespace}}}\n"
            f"spec:\n  {answers.BLANK}\n"
        )

    def check(self, answer: str | Path | None = None) -> Attempt:
        """Put an answer to the test. Never raises for what a learner wrote or left out.

        Args:
            answer: YAML, or a file of it. Live, nothing means the cluster as it is now.
        """
        try:
            done = self._check(answer)
            self._keep(done)
        except LabError as error:
            return self._fault(Fault(State.NOT_CHECKED, str(error)))
        return done

    def hint(self, number: int) -> str:
        """One of the three hints, from 1; another number is told so."""
        if not 1 <= number <= len(self.task.hints):
            return f"There are {len(self.task.hints)} hints, from 1 to {len(self.task.hints)}."
        with self._log.change(self.task.id) as entry:
            if not entry.solved:
                entry.hints = max(entry.hints, number)
        return self.task.hints[number - 1]

    def solution(self) -> str:
        """One right answer as YAML, and why it is right as its first lines."""
        with self._log.change(self.task.id) as entry:
            entry.told = entry.told or not entry.solved
        why = "\n".join(f"# {line}" for line in _wrap(self.task.why))
        return f"{why}\n{answers.dump(self.task.solution)}"

    def cleanup(self) -> None:
        """Remove the exercises' namespaces from the cluster, and take a move back.

        Raises:
            CheckFailed: the cluster is not ready, or they do not go.
        """
        self.judge.clear()

    def entry(self) -> Entry | None:
        """How far the learner is with it; None where it was not begun."""
        return self._log.entries().get(self.task.id)

    def _check(self, answer: str | Path | None) -> Attempt:
        policies: list[Policy] | None = None
        if answer is not None:
            found = answers.read(answer, task.ground().namespaces)
            if isinstance(found, Fault):
                return self._fault(found)
            policies = found
            if self._untouched(policies):
                return self._fault(_UNTOUCHED)
        present = self.judge.current()
        if policies is None:
            if present is None:
                return self._fault(Fault(State.NOT_ATTEMPTED, "There is no answer yet."))
            if self._untouched(list(present)):
                return self._fault(_UNTOUCHED)
        if present is None:
            self.judge.begin(self.task.given, list(self.task.wanted))
        seen = self.judge.test(policies, self.task.wanted)
        if isinstance(seen, Fault):
            return self._fault(seen)
        return self._judged(seen, policies if policies is not None else list(present or []))

    def _judged(self, seen: Seen, policies: list[Policy]) -> Attempt:
        """What observations say of the policies under which they were made."""
        grid = attempt.rows(self.task.wanted, seen, self.judge.mode)
        broken = next((r for r in grid if r.observed == Outcome.PROBE_FAILED), None)
        wrong = [row for row in grid if not row.right]
        state = State.NOT_YET
        if broken:
            state = State.NOT_CHECKED
            sentence = f"The probe itself failed: {broken.connection}: {broken.detail}."
        elif wrong:
            count = f"{len(wrong)} of {len(grid)}"
            sentence = f"{count} connections are not as wanted, {self.judge.how}."
            if self.judge.mode == "live" and self._would_do(policies):
                sentence += (
                    " By the specification the answer is right: does the cluster enforce it?"
                )
        else:
            state = State.SOLVED
            sentence = f"All {len(grid)} connections are as wanted, {self.judge.how}."
        return Attempt(state, sentence, self.judge.mode, grid)

    def _untouched(self, policies: list[Policy]) -> bool:
        return not answers.refusal(policies) and task.alike(policies, self.task.given)

    def _would_do(self, policies: list[Policy]) -> bool:
        """Whether the specification would accept the answer."""
        seen = Specification().test(policies, self.task.wanted)
        return not isinstance(seen, Fault) and all(
            row.right for row in attempt.rows(self.task.wanted, seen, Specification.mode)
        )

    def _fault(self, fault: Fault) -> Attempt:
        return Attempt(fault.state, fault.sentence, self.judge.mode)

    def _keep(self, done: Attempt) -> None:
        """Note an attempt that was tried; blanks and mistypings are not counted."""
        if done.state not in (State.SOLVED, State.NOT_YET):
            return
        with self._log.change(self.task.id) as entry:
            if entry.solved:
                return
            entry.attempts += 1
            if done.solved:
                entry.solved, entry.mode = exercise_log.now(), done.mode


def _wrap(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 88)
