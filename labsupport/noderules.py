"""What Calico's agent writes for a policy: iptables chains and IP sets, found and read.

Felix, the agent of Calico and of Canal, gives every pod a chain for what comes in,
`cali-tw-<interface>` (to workload), and every policy a chain for each direction,
`cali-pi-<hash>` and `cali-po-<hash>`. A policy's chain marks what it accepts; the pod's
chain drops what is unmarked in the end
(https://github.com/projectcalico/calico/tree/v3.31.0/felix/rules).
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# Felix's marks are the bits of its `IptablesMarkMask`, 0xffff0000, in the order in which it
# takes them (https://docs.tigera.io/calico/latest/reference/felix/configuration).
_ACCEPT, _PASS = 0x10000, 0x20000
_CHECKSUM = re.compile(r"cali:[\w-]{16}")


@dataclass(frozen=True)
class Rule:
    """A rule of `iptables-save`: its chain, and its words without Felix's checksum."""

    chain: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The rule as `iptables-save` prints it, its checksum left out."""
        words = (f'"{word}"' if " " in word else word for word in self.words)
        return " ".join(["-A", self.chain, *words])

    def value(self, *options: str) -> str | None:
        """What follows the first of these options in the rule."""
        for option, value in zip(self.words, self.words[1:], strict=False):
            if option in options:
                return value
        return None

    @property
    def target(self) -> str | None:
        """What the rule does with a packet: a chain to go to, or `DROP` and the like."""
        return self.value("-j", "-g")

    @property
    def comment(self) -> str:
        """What the rule says of itself."""
        return self.value("--comment") or ""


def read(saved: str, table: str = "filter") -> list[Rule]:
    """The rules of one table, out of what `iptables-save` printed."""
    _, _, rest = saved.partition(f"*{table}\n")
    lines = rest.partition("\nCOMMIT")[0].splitlines()
    rules = (shlex.split(line) for line in lines if line.startswith("-A "))
    return [Rule(words[1], tuple(_without_checksum(words[2:]))) for words in rules]


def of_policy(rules: Sequence[Rule], interface: str) -> list[Rule]:
    """What decides about packets to a pod, in the order in which they meet it.

    From the kernel's FORWARD chain to the pod's own, with the policies' chains where it
    goes through them. Empty where there is no such chain.

    Args:
        rules: the filter table.
        interface: the node's end of the pod's veth pair.
    """
    pods_chain = f"cali-tw-{interface}"
    if not any(rule.chain == pods_chain for rule in rules):
        return []
    way = [
        rule
        for rule in rules
        if (rule.chain == "FORWARD" and rule.target == "cali-FORWARD")
        or (rule.chain == "cali-FORWARD" and rule.target == "cali-to-wl-dispatch")
        or (rule.chain.startswith("cali-to-wl-dispatch") and rule.target == pods_chain)
    ]
    order = ["FORWARD", "cali-FORWARD"]
    way.sort(key=lambda rule: order.index(rule.chain) if rule.chain in order else len(order))
    return [*way, *_walk(rules, pods_chain)]


def _walk(rules: Sequence[Rule], pods_chain: str) -> Iterator[Rule]:
    """A pod's chain, and each policy's chain after the rule that goes there."""
    for rule in rules:
        if rule.chain == pods_chain:
            yield rule
            if (rule.target or "").startswith("cali-pi-"):
                yield from (inner for inner in rules if inner.chain == rule.target)


def policy_chains(rules: Iterable[Rule]) -> dict[str, str]:
    """The policies' and profiles' chains with what Felix's comments call them.

    Their names are hashes where the real ones are too long: `cali-pi-_ldoZGuc-nNS3TvKcflR` is
    `lab1-shop/knp.default.api-from-frontend`.
    """
    found: dict[str, str] = {}
    for rule in rules:
        match = re.fullmatch(r"(?:Policy|Profile) (\S+) (?:ingress|egress)", rule.comment)
        if match and rule.chain.startswith("cali-p"):
            found.setdefault(rule.chain, match[1])
    return found


def sets(rules: Iterable[Rule]) -> list[str]:
    """The IP sets that rules ask, in order."""
    named = (rule.words[n + 1] for rule in rules for n, w in enumerate(rule.words)
             if w == "--match-set")  # fmt: skip
    return list(dict.fromkeys(named))


def members(listed: str) -> list[str]:
    """The members of an IP set, out of what `ipset list NAME` printed."""
    _, _, rest = listed.partition("Members:\n")
    return sorted(line.strip() for line in rest.splitlines() if line.strip())


def explain(rule: Rule) -> str:
    """A rule in a sentence: on which condition it does what."""
    conditions = list(_conditions(rule.words))
    action = _action(rule)
    return f"if {' and '.join(conditions)}: {action}" if conditions else action


def _conditions(words: Sequence[str]) -> Iterator[str]:
    for n, word in enumerate(words):
        rest = words[n + 1 :]
        if word in ("-i", "-o"):
            name = rest[0].replace("+", "…")
            yield f"it {'came from' if word == '-i' else 'leaves by'} {name}"
        elif word == "-p":
            yield f"it is {rest[0].upper()}"
        elif word in ("--dport", "--dports"):
            yield f"its port is {rest[0].replace(',', ' or ')}"
        elif word == "--ctstate":
            yield _STATES.get(rest[0], f"its connection is {rest[0]}")
        elif word == "--mark":
            yield _marked(rest[0])
        elif word == "--match-set":
            what = {"src": "source", "dst": "target"}.get(rest[1], "target and port")
            yield f"its {what} is in the set {rest[0]}"


_STATES = {
    "RELATED,ESTABLISHED": "it belongs to a connection that is already there",
    "INVALID": "it belongs to no connection that can be",
}


def _action(rule: Rule) -> str:
    target = rule.target or "nothing"
    if target == "MARK":
        return _marking(rule.value("--set-xmark") or "")
    plain = {"DROP": "drop it", "ACCEPT": "let it pass", "RETURN": "go back"}
    return plain.get(target, f"go through {target}")


def _marked(mark: str) -> str:
    """What `--mark value/mask` asks, where the bits are the two that decide."""
    value, _, mask = mark.partition("/")
    names = _bits(int(mask or "0xffffffff", 16))
    return f"it is {'marked' if int(value, 16) else 'not marked'} {names}"


def _marking(mark: str) -> str:
    value, _, mask = mark.partition("/")
    names = _bits(int(mask or "0xffffffff", 16))
    return f"mark it {names}" if int(value, 16) else f"take the marks away: {names}"


def _bits(mask: int) -> str:
    """The names of the bits of a mask: policy accepted it, or passed it to the next tier."""
    known = {_ACCEPT: "accepted", _PASS: "passed on"}
    names = [name for bit, name in known.items() if mask & bit]
    rest = mask & ~(_ACCEPT | _PASS)
    return " and ".join([*names, *([f"{rest:#x}"] if rest else [])])


def _without_checksum(words: Sequence[str]) -> list[str]:
    """A rule's words without the comment by which Felix knows it, and its `-m comment`."""
    left = list(words)
    for n in range(len(left) - 1, 0, -1):
        if left[n - 1] == "--comment" and _CHECKSUM.fullmatch(left[n]):
            del left[n - 3 : n + 1]
    return left
