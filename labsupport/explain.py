"""What a NetworkPolicy does, in words, and what commonly goes wrong with it.

Everything is read from the file; no cluster is asked. The words follow the specification,
so they say what a network plugin that enforces policies should do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport import oracle, pitfalls, policyfile, portpitfalls, together, wording
from labsupport.oracle import Direction
from labsupport.pitfalls import Finding, Level
from labsupport.policyfile import Document, PolicyFile


@dataclass(frozen=True)
class Allowance:
    """What one rule allows, and the field it stands in."""

    field: str
    text: str


@dataclass(frozen=True)
class Explanation:
    """One policy, explained.

    Attributes:
        document: the policy and where it stands.
        selects: which pods it is about.
        isolates: the directions in which only what is allowed passes.
        allows: what each rule allows, in the file's order.
        findings: what goes wrong or surprises, what matters most first.
    """

    document: Document
    selects: str
    isolates: list[str]
    allows: list[Allowance]
    findings: list[Finding]

    def lines(self) -> list[str]:
        """The explanation as lines of text."""
        name = "/".join(part for part in (self.document.namespace, self.document.name) if part)
        return [
            f"{name} ({self.document.where})",
            f"  selects   {self.selects}",
            *(f"  {line}" for line in _isolation(self)),
            *(f"  allows    {one.text}   [{one.field}]" for one in self.allows),
            *(f"  {one.level:<9} {one.field}: {one.message}" for one in self.findings),
        ]

    def to_json(self) -> dict[str, Any]:
        """The explanation for programs."""
        return {
            "document": self.document.where,
            "name": self.document.name,
            "namespace": self.document.namespace or None,
            "selects": self.selects,
            "isolates": self.isolates,
            "allows": [vars(one) for one in self.allows],
            "findings": [{**vars(one), "level": str(one.level)} for one in self.findings],
        }


@dataclass(frozen=True)
class FileExplanation:
    """All policies of a file, explained, and a sentence for each document that is none."""

    source: str
    policies: list[Explanation]
    skipped: list[str]

    @property
    def refused(self) -> bool:
        """Whether the API server would refuse one of them."""
        return any(f.level is Level.REFUSED for one in self.policies for f in one.findings)

    def lines(self) -> list[str]:
        """The explanation as lines of text, an empty line between policies."""
        blocks = [one.lines() for one in self.policies] + ([self.skipped] if self.skipped else [])
        return [line for block in blocks for line in ["", *block]][1:]

    def to_json(self) -> dict[str, Any]:
        """The explanation for programs."""
        return {
            "source": self.source,
            "policies": [one.to_json() for one in self.policies],
            "skipped": self.skipped,
        }


def file(path: Path) -> FileExplanation:
    """Explain the policies of a file, or of standard input where the path is `-`.

    Raises:
        WrongUse: the file is not what it should be; see `policyfile.read`.
    """
    return _explained(policyfile.read(path))


def text(policies: str, source: str = "the text") -> FileExplanation:
    """Explain the policies of a YAML text, as a notebook has it.

    Raises:
        WrongUse: the text is not what it should be; see `policyfile.parse`.
    """
    return _explained(policyfile.parse(policies, source))


def _explained(content: PolicyFile) -> FileExplanation:
    every = content.documents
    return FileExplanation(content.source, [_one(one, every) for one in every], content.skipped)


def _one(document: Document, every: list[Document]) -> Explanation:
    policy = document.policy
    types = oracle.policy_types(policy)
    findings = [*pitfalls.find(policy), *portpitfalls.find(policy), *together.find(document, every)]
    return Explanation(
        document,
        wording.pods(policy["spec"].get("podSelector"), document.namespace),
        [direction for direction in ("Ingress", "Egress") if direction in types],
        list(_allowed(document)),
        sorted(findings, key=lambda finding: list(Level).index(finding.level)),
    )


def _allowed(document: Document) -> Iterator[Allowance]:
    for field, peers, rule in pitfalls.rules(document.policy):
        direction: Direction = "Ingress" if peers == "from" else "Egress"
        if direction in oracle.policy_types(document.policy):
            way = "in, from" if direction == "Ingress" else "out, to"
            who = wording.peers(rule.get(peers), document.namespace)
            yield Allowance(field, f"{way} {who}, {wording.ports(rule.get('ports'))}")


def _isolation(one: Explanation) -> Iterator[str]:
    for direction in ("Ingress", "Egress"):
        word = direction.lower()
        if direction not in one.isolates:
            yield f"leaves    {word} as it is: this policy neither denies nor allows any"
        elif any(allowance.field.startswith(f"spec.{word}") for allowance in one.allows):
            yield f"isolates  for {word}: only what a policy allows passes"
        else:
            yield f"isolates  for {word}, and allows none"
