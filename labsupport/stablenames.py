"""Names in place of addresses, so that two looks at the same thing read the same.

A pod's address, its interface and a chain's hash are made anew with every cluster; what a
reader wants to know is whose they are. `api-ip` is the address of the pod `api`, `cali-api`
the node's end of its veth pair, `node-B-ip` the address of node B.
"""

import re


class Names:
    """What is called what. What is called first keeps its name."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def call(self, real: str, name: str) -> str:
        """Call something by a name from now on, unless it has one, and return its name."""
        return self._names.setdefault(real, name)

    def number(self, real: str, kind: str) -> str:
        """Call something `kind-1`, `kind-2` and so on in the order of asking."""
        if real not in self._names:
            taken = [n for n in self._names.values() if re.fullmatch(rf"{re.escape(kind)}-\d+", n)]
            self._names[real] = f"{kind}-{len(taken) + 1}"
        return self._names[real]

    def __call__(self, text: str) -> str:
        """A text with every name in place, and without the spaces at its ends."""
        if not self._names:
            return text.strip()
        longest_first = sorted(self._names, key=lambda real: (-len(real), real))
        anything = "|".join(re.escape(real) for real in longest_first)
        # Whole words: 10.244.1.1 is not the beginning of 10.244.1.11, nor the end of 110.244.1.1.
        whole = rf"(?<!\w)(?<!\d\.)(?:{anything})(?!\w)(?!\.\d)"
        return re.sub(whole, lambda match: self._names[match.group()], text).strip()
