"""The evidence on the nodes for one policy: commands, what they printed, what it means."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from labsupport import cast, nodemaps, noderules, nodeview, nodeway
from labsupport.errors import CheckFailed
from labsupport.lane import Lane
from labsupport.noderules import Rule
from labsupport.nodeway import Hop, Side
from labsupport.programs import ProgramFailed
from labsupport.stablenames import Names

# Upstream's image has the socket's place in its environment, and an exec may not.
_SOCKET = "env HUBBLE_SERVER=unix:///var/run/cilium/hubble.sock "
_HUBBLE = "hubble observe --verdict DROPPED --last 200 --since {} --to-pod {}"


class Scene:
    """A lane's two nodes, looked at before a policy and while it is in force."""

    def __init__(self, lane: Lane, source: str, target: str) -> None:
        self._lane, self._target, self._names = lane, target, Names()
        self._node_a, self._node_b = nodeview.nodes(lane)
        for namespace in cast.of_cases().namespaces:
            self._names.call(lane.namespace(namespace), namespace)
        for name, pod in cast.of_cases().pods.items():
            if name in lane.addresses and not pod.host_network:
                self._names.call(lane.addresses[name], f"{pod.name}-ip")
        self._here = Side(self._node_a, _short(source), lane.addresses[source], self._names)
        self._there = Side(self._node_b, _short(target), lane.addresses[target], self._names)
        self._earlier: list[Rule] = []
        self._marked, self._begun = "", ""

    @property
    def cni(self) -> str:
        """Whose agent runs on the nodes; nothing where none that enforces policy does."""
        return self._node_b.agent.cni if self._node_b.agent else ""

    def before(self) -> None:
        """Look at the rules on the target's node before there is a policy, and at the clock."""
        self._begun = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self._names.call(self._begun, "start-time")
        self._earlier = noderules.read(self._node_b.run("iptables-save --table filter"))

    def exhibits(self) -> list[dict[str, Any]]:
        """Everything that the nodes show while the policy is in force."""
        rules = noderules.read(self._node_b.run("iptables-save --table filter"))
        if self.cni == "Cilium":
            return [self._filter(rules), *self._cilium()]
        if self.cni:
            return self._calico(rules)
        return [self._filter(rules)]

    def way(self) -> list[Hop]:
        """The way of a packet from the source to the target, with the policy where it stands."""
        return nodeway.way(self._here, self._there, self._names, self._marked)

    def _filter(self, rules: Sequence[Rule]) -> dict[str, Any]:
        """What the policy changed in the node's filter table: kube-proxy's chains apart."""
        now, then = _without_services(rules), _without_services(self._earlier)
        came = [rule for rule in now if rule not in then]
        went = [rule for rule in then if rule not in now]
        about = (self._there.wire.outside.name, self._there.address)
        naming = [rule for rule in now if any(word in rule.text for word in about)]
        return _exhibit(
            "filter",
            "What the policy changed among the node's iptables rules",
            self._node_b.called,
            "iptables-save --table filter",
            [_line(self._names(rule.text), noderules.explain(rule), True) for rule in came],
            f"Outside kube-proxy's chains, {len(came)} rules came with the policy and {len(went)}"
            f" went; {len(naming)} name the address or the interface of pod {self._there.pod}.",
        )

    def _calico(self, rules: Sequence[Rule]) -> list[dict[str, Any]]:
        """The chains and the sets that Felix made."""
        interface = self._there.wire.outside.name
        walked = noderules.of_policy(rules, interface)
        if not walked:
            raise CheckFailed(
                f"{self._node_b.name} has no chain for {self._target}; its pod may be older than "
                "the policy agent. Make it anew and look again."
            )
        earlier = noderules.of_policy(self._earlier, interface)
        self._call_chains([*rules, *self._earlier], walked)
        new = [rule for rule in walked if rule not in earlier]
        chain = self._names(f"cali-tw-{interface}")
        self._marked = f"iptables: {chain}, in which {len(new)} of {len(walked)} rules are new"
        lines = [self._rule_line(rule, rule in new) for rule in walked]
        gone = [rule for rule in earlier if rule not in walked]
        return [
            _exhibit(
                "before",
                "The rules about the pod before the policy",
                self._node_b.called,
                "iptables-save --table filter",
                [self._rule_line(rule, False) for rule in earlier],
            ),
            _exhibit(
                "chain",
                "The rules about the pod with the policy",
                self._node_b.called,
                "iptables-save --table filter",
                lines,
                f"{len(new)} rules came with the policy and {len(gone)} went.",
            ),
            *[self._set(name) for name in noderules.sets(new)],
        ]

    def _rule_line(self, rule: Rule, new: bool) -> dict[str, Any]:
        return _line(self._names(rule.text), self._names(noderules.explain(rule)), new)

    def _call_chains(self, rules: Sequence[Rule], walked: Sequence[Rule]) -> None:
        """Call chains and sets with hashes for names by what they are about."""
        for chain, policy in noderules.policy_chains(rules).items():
            kind, _, _ = chain.removeprefix("cali-").partition("-")
            called = self._names(policy).rpartition("/")[2].removeprefix("knp.default.")
            self._names.call(chain, f"cali-{kind}-{called}")
        for rule in walked:
            if rule.chain.startswith("cali-to-wl-dispatch-"):  # split where pods are many
                self._names.call(rule.chain, "cali-to-wl-dispatch")
        for name in noderules.sets(walked):
            self._names.number(name, "cali40s:set")

    def _set(self, name: str) -> dict[str, Any]:
        listed = noderules.members(self._node_b.ask_agent(f"ipset list {name}"))
        members = sorted(self._names(member) for member in listed)
        return _exhibit(
            "set",
            "The set of addresses that the policy's rule asks",
            self._node_b.called,
            self._names(f"ipset list {name}"),
            [_line(member, f"pod {member.removesuffix('-ip')}", True) for member in members],
        )

    def _cilium(self) -> list[dict[str, Any]]:
        """Identities, the policy map, and what was dropped."""
        found = {
            endpoint.address: endpoint
            for node in (self._node_a, self._node_b)
            for endpoint in nodemaps.endpoints(node.ask_agent("cilium-dbg endpoint list -o json"))
        }
        pods = {
            name: found[address]
            for name, address in self._lane.addresses.items()
            if address in found
        }
        target = pods[self._target]
        printed = self._node_b.ask_agent(f"cilium-dbg bpf policy get -n {target.id}")
        entries = [e for e in nodemaps.entries(printed) if e.direction == "Ingress"]
        known = nodemaps.reserved(self._node_b.ask_agent("cilium-dbg identity list"))
        whose = {endpoint.identity: _short(name) for name, endpoint in pods.items()}
        self._marked = f"eBPF: the policy map of {self._there.pod}, {len(entries)} ingress entries"
        return [
            _exhibit(
                "identities",
                "The pods as Cilium knows them",
                "nodes A and B",
                "cilium-dbg endpoint list",
                [self._identity(name, pod) for name, pod in sorted(pods.items())],
            ),
            _exhibit(
                "map",
                f"The policy map of pod {self._there.pod}, what comes in",
                self._node_b.called,
                f"cilium-dbg bpf policy get -n endpoint-{self._there.pod}",
                [_entry(entry, whose, known) for entry in entries],
                "A sender whose identity is not in the map is dropped.",
            ),
            self._drops({entry.identity for entry in entries}),
        ]

    def _identity(self, name: str, pod: nodemaps.Endpoint) -> dict[str, Any]:
        """A pod with its identity and the labels that gave it this identity."""
        labels = [
            self._names(label.removeprefix("k8s:"))
            for label in pod.labels
            if label.startswith(("k8s:app=", "k8s:io.kubernetes.pod.namespace="))
        ]
        enforced = "not enforced" if pod.enforcement == "none" else f"{pod.enforcement} enforced"
        short = _short(name)
        return _line(f"endpoint-{short} id-{short} {' '.join(labels)}", enforced, False)

    def _drops(self, in_map: set[int]) -> dict[str, Any]:
        """What Hubble saw dropped on the way to the target, whose map holds these identities."""
        namespace, pod = self._target.split("/")
        # What an earlier case made drop is not this policy's.
        command = _HUBBLE.format(self._begun, f"{self._lane.namespace(namespace)}/{pod}")
        try:
            printed = self._node_b.ask_agent(_SOCKET + command)
        except ProgramFailed as failed:
            if "executable file not found" not in failed.stderr:
                raise
            raise CheckFailed(
                "The Cilium image of this cluster is without `hubble`; `./lab images` and then"
                " `./lab up --recreate cilium` make both anew."
            ) from None
        lines = [
            _line(
                self._names(f"{f.source} -> {f.target}:{f.port} {f.end}"),
                f"id-{_short(f.source)} is {'' if f.source_identity in in_map else 'not '}in the"
                f" policy map of {_short(f.target)}",
                True,
            )
            for f in nodemaps.flows(printed)
        ]
        return _exhibit(
            "drops", "What Hubble saw dropped", self._node_b.called, self._names(command), lines
        )


def _entry(entry: nodemaps.Entry, whose: dict[int, str], known: dict[int, str]) -> dict[str, Any]:
    identity = entry.identity
    if identity in whose:
        text, words = f"id-{whose[identity]}", f"from pod {whose[identity]}"
    elif identity in known:
        text, words = f"{identity}", f"from Cilium's reserved identity {known[identity]}"
    else:
        text, words = ("0", "from anyone") if identity == 0 else ("another", "from another pod")
    port = "any port" if entry.port == "ANY" else entry.port
    line = f"{entry.policy} {entry.direction} {text} {entry.port}"
    return _line(line, f"{words}, {port}: {entry.policy.lower()}", text.startswith("id-"))


def _exhibit(
    name: str, title: str, place: str, command: str, lines: list[dict[str, Any]], note: str = ""
) -> dict[str, Any]:
    return {
        "id": name,
        "title": title,
        "place": place,
        "command": command,
        "lines": lines,
        "note": note,
    }


def _line(text: str, words: str, new: bool) -> dict[str, Any]:
    return {"text": text, "words": words, "new": new}


def _without_services(rules: Sequence[Rule]) -> list[Rule]:
    """The rules outside kube-proxy's chains, which change with every pod of a Service."""
    return [rule for rule in rules if not rule.chain.startswith("KUBE-")]


def _short(pod: str) -> str:
    return pod.rpartition("/")[2]
