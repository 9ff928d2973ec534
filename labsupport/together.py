"""What commonly goes wrong between the policies of one file, and with DNS.

Policies add up, so most of what follows needs a look at all that may select one pod.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labsupport import oracle
from labsupport.foresee import DNS, DNS_PORT
from labsupport.oracle import Direction, Endpoint
from labsupport.pitfalls import Finding, Level, Policy
from labsupport.policyfile import Document

_DIRECTIONS: tuple[Direction, ...] = ("Ingress", "Egress")


def find(document: Document, all_of_them: Sequence[Document]) -> list[Finding]:
    """What is worth knowing about one policy in the company of the others of its file."""
    company = [one for one in all_of_them if one is not document and _meet(document, one)]
    return [
        *_same_name(document, all_of_them),
        *_no_dns(document, company),
        *_opened(document, company),
        *_only_denies(document, company),
    ]


def _same_name(document: Document, all_of_them: Sequence[Document]) -> Iterator[Finding]:
    for one in all_of_them:
        if one is document:
            return
        if (one.name, one.namespace) == (document.name, document.namespace):
            yield Finding(
                Level.WARNING,
                "metadata.name",
                f"is that of {one.where} too: applied after it, this one replaces it.",
            )


def _no_dns(document: Document, company: Sequence[Document]) -> Iterator[Finding]:
    """Egress that is limited, and no way to a name server.

    Names are asked for over UDP 53, and over TCP 53 where the answer is long.
    https://www.rfc-editor.org/rfc/rfc7766
    """
    if "Egress" not in oracle.policy_types(document.policy):
        return
    known = [document, *company]
    udp, tcp = (any(_allows_dns(one.policy, p) for one in known) for p in ("UDP", "TCP"))
    if not udp and not tcp:
        yield Finding(
            Level.WARNING,
            "spec.egress",
            "allows no DNS, so names are not resolved and connections by name fail. Allow UDP "
            f"and TCP 53 to the pods k8s-app=kube-dns of the namespace {DNS.namespace}.",
        )
    elif not udp:
        yield Finding(
            Level.WARNING,
            "spec.egress",
            "allows DNS over TCP 53 alone; names are asked for over UDP.",
        )
    elif not tcp:
        yield Finding(
            Level.WARNING,
            "spec.egress",
            "allows DNS over UDP 53 alone; long answers are asked for again over TCP.",
        )


def _allows_dns(policy: Policy, protocol: str) -> bool:
    """Whether it lets a pod reach kube-dns, or speaks of port 53 whoever listens there."""
    anyone = {**policy, "spec": {**policy["spec"], "podSelector": {}}}
    source = Endpoint("pod", policy["metadata"].get("namespace", "default"))
    if "Egress" not in oracle.policy_types(policy):
        return False
    if oracle.decide([anyone], source, DNS, DNS_PORT, protocol).allowed:
        return True
    ports = [port for rule in policy["spec"].get("egress", []) for port in rule.get("ports", [])]
    return any(p.get("port") == 53 and p.get("protocol", "TCP") == protocol for p in ports)


def _opened(document: Document, company: Sequence[Document]) -> Iterator[Finding]:
    for direction in _DIRECTIONS:
        if direction not in oracle.policy_types(document.policy) or _open(document, direction):
            continue
        for one in company:
            if _open(one, direction):
                yield Finding(
                    Level.WARNING,
                    f"spec.{direction.lower()}",
                    f"closes what {one.name} ({one.where}) opens to all: policies add up, and "
                    "for pods that both select everything stays allowed.",
                )


def _open(document: Document, direction: Direction) -> bool:
    """Whether it allows everything in a direction."""
    peers = "from" if direction == "Ingress" else "to"
    return direction in oracle.policy_types(document.policy) and any(
        not rule.get(peers) and not rule.get("ports")
        for rule in document.policy["spec"].get(direction.lower(), [])
    )


def _only_denies(document: Document, company: Sequence[Document]) -> Iterator[Finding]:
    for direction in _DIRECTIONS:
        word = direction.lower()
        if direction not in oracle.policy_types(document.policy) or document.policy["spec"].get(
            word
        ):
            continue
        if not any(
            direction in oracle.policy_types(one.policy) and one.policy["spec"].get(word)
            for one in company
        ):
            way = "reaches these pods" if direction == "Ingress" else "leaves these pods"
            yield Finding(
                Level.NOTE,
                f"spec.{word}",
                f"allows nothing, and no other policy of this file does: nothing {way} until "
                "some other policy allows it. Replies to allowed connections always pass.",
            )


def _meet(one: Document, other: Document) -> bool:
    """Whether both may select the same pod: certain only where labels contradict."""
    if one.namespace != other.namespace:
        return False
    wanted = _labels(one.policy), _labels(other.policy)
    return all(wanted[1].get(key, value) == value for key, value in wanted[0].items())


def _labels(policy: Policy) -> Mapping[str, Any]:
    labels: Mapping[str, Any] = policy["spec"].get("podSelector", {}).get("matchLabels", {})
    return labels
