"""A NetworkPolicy's parts in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any


def pods(selector: Mapping[str, Any] | None, namespace: str) -> str:
    """`pods labelled app=api of namespace shop`, or `every pod of …`."""
    where = f"namespace {namespace}" if namespace else "the namespace it is applied in"
    return f"{_selected('pod', selector)} of {where}"


def peers(described: Sequence[Mapping[str, Any]] | None, namespace: str) -> str:
    """Who a rule is about: its peers, joined by "or"; all of them where there are none."""
    if not described:
        return "anyone, inside the cluster and outside"
    return ", or ".join(peer(one, namespace) for one in described)


def peer(described: Mapping[str, Any], namespace: str) -> str:
    """One item of `from` or `to`."""
    if "ipBlock" in described:
        block = described["ipBlock"]
        excepted = " and ".join(block.get("except", []))
        return f"addresses in {block['cidr']}" + (f" except {excepted}" if excepted else "")
    if "namespaceSelector" not in described:
        return pods(described.get("podSelector"), namespace)
    spaces = _selected("namespace", described["namespaceSelector"])
    return f"{_selected('pod', described.get('podSelector'))} of {spaces}"


def ports(described: Sequence[Mapping[str, Any]] | None) -> str:
    """`on TCP 8080 or UDP 53`; on every port where there is none."""
    if not described:
        return "on every port of every protocol"
    return "on " + " or ".join(_port(one) for one in described)


def _selected(noun: str, selector: Mapping[str, Any] | None) -> str:
    terms = _terms(selector or {})
    return f"{noun}s {' and '.join(terms)}" if terms else f"every {noun}"


def _terms(selector: Mapping[str, Any]) -> list[str]:
    labels = ", ".join(f"{k}={v}" for k, v in selector.get("matchLabels", {}).items())
    terms = [f"labelled {labels}"] if labels else []
    for expression in selector.get("matchExpressions", []):
        key, values = expression["key"], ", ".join(expression.get("values", []))
        terms.append(
            {
                "In": f"whose label {key} is one of ({values})",
                "NotIn": f"whose label {key} is missing or none of ({values})",
                "Exists": f"with a label {key}",
                "DoesNotExist": f"without a label {key}",
            }[expression["operator"]]
        )
    return terms


def _port(described: Mapping[str, Any]) -> str:
    protocol, port = described.get("protocol", "TCP"), described.get("port")
    if port is None:
        return f"every {protocol} port"
    if isinstance(port, str):
        return f"the {protocol} port that the target pod names {port}"
    return f"{protocol} {port}" + (f" to {described['endPort']}" if "endPort" in described else "")
