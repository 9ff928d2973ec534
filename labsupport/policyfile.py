"""Read the NetworkPolicies of a file as the API server would, and say what is not one.

A file may hold several documents, and each may be a List, as `kubectl get -o yaml` prints.
"""

import sys
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labsupport import checked
from labsupport.errors import WrongUse

API_VERSION = "networking.k8s.io/v1"
LIMIT_BYTES = 1 << 20
"""The API server takes objects of up to 3 MiB, etcd of 1.5 MiB; policies are far smaller."""


@dataclass(frozen=True)
class Document:
    """A NetworkPolicy and where it stands: `document 2`, or `document 1, items[0]`."""

    where: str
    policy: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.policy["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace, empty where the file leaves that to whoever applies it."""
        return str(self.policy["metadata"].get("namespace", ""))


@dataclass(frozen=True)
class PolicyFile:
    """What a file holds.

    Attributes:
        source: the file's name, or `standard input`.
        documents: its NetworkPolicies.
        skipped: a sentence for each document that is something else.
    """

    source: str
    documents: list[Document] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """The safe loader, without what hides a mistake or makes a small file large."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="an alias (*) is not read here; write the value out",
                problem_mark=event.start_mark,
            )
        node: yaml.Node | None = super().compose_node(parent, index)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice, and only one would count",
                    problem_mark=key.start_mark,
                )
            seen.add(str(key.value))
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


def read(path: Path) -> PolicyFile:
    """Read a file, or standard input where the path is `-`.

    Raises:
        WrongUse: it cannot be read, is too large, is not YAML, or a NetworkPolicy in it has
            a field that does not exist or is of another type; the message names the file,
            the document and the field.
    """
    source = "standard input" if str(path) == "-" else str(path)
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(LIMIT_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise WrongUse(f"{source}: cannot be read: {error.strerror}.") from None
    if len(data) > LIMIT_BYTES:
        raise WrongUse(f"{source}: is larger than 1 MiB; give a smaller file.")
    return parse(data, source)


def parse(text: str | bytes, source: str = "the text") -> PolicyFile:
    """Read the documents of a YAML or JSON text.

    Raises:
        WrongUse: as `read` does.
    """
    found = PolicyFile(source)
    for where, document in documents(text, source):
        kind = document.get("kind") if isinstance(document, dict) else None
        if not isinstance(kind, str):
            raise WrongUse(f"{source}: {where}: kind: is missing; this is no Kubernetes object.")
        version = document.get("apiVersion")
        if kind == "NetworkPolicy" and (version == API_VERSION or not isinstance(version, str)):
            checked.check(document, "networkpolicy", f"{source}: {where}")
            found.documents.append(Document(where, document))
        else:
            found.skipped.append(f"{where} is {_called(document)} and was skipped.")
    if not found.documents and not found.skipped:
        raise WrongUse(f"{source}: holds no Kubernetes object.")
    return found


def documents(text: str | bytes, source: str) -> Iterator[tuple[str, Any]]:
    """Each document, or item of a List, and where it stands. Fields that are null are left out.

    Raises:
        WrongUse: the text is not YAML; the message names the source and the line.
    """
    try:
        loaded = list(yaml.load_all(text, _Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise WrongUse(f"{source}: {line}is not YAML: {error.problem}.") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise WrongUse(f"{source}: is not YAML: {' '.join(str(error).split())[:200]}.") from None
    except RecursionError:
        raise WrongUse(f"{source}: is nested too deeply for a Kubernetes object.") from None
    for number, document in enumerate(loaded, 1):
        kind = document.get("kind") if isinstance(document, dict) else None
        if kind == "List":
            items = document.get("items")
            for index, item in enumerate(items if isinstance(items, list) else []):
                yield f"document {number}, items[{index}]", _without_nulls(item)
        elif document is not None:
            yield f"document {number}", _without_nulls(document)


def _without_nulls(part: Any) -> Any:
    """A field that is null is a field that is not there, as it is to the API server."""
    if isinstance(part, dict):
        return {key: _without_nulls(value) for key, value in part.items() if value is not None}
    return [_without_nulls(item) for item in part] if isinstance(part, list) else part


def _called(document: dict[str, Any]) -> str:
    """An object that is not explained: what it is, and whose where the name misleads."""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    version, kind = document.get("apiVersion", "no apiVersion"), document["kind"]
    called = f"{kind} {name!r}" if isinstance(name, str) else kind
    if kind != "NetworkPolicy":
        return f"a {called} ({version}), not a NetworkPolicy,"
    if version == "extensions/v1beta1":
        return f"a {called} of extensions/v1beta1, which no API server serves since Kubernetes 1.16"
    return f"a {called} of {version}, another product's kind, not {API_VERSION},"
