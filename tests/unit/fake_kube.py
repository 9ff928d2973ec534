"""A made-up cluster behind the interface of `Kube`: objects in a dict, packets by its policies."""

import time

from labsupport.kube import ApiRefused

READY = [{"type": "Ready", "status": "True"}]
CONFIG = """
apiVersion: v1
kind: Config
current-context: admin@shop
contexts: [{name: admin@shop, context: {cluster: shop, user: admin}}]
clusters: [{name: shop, cluster: {server: "https://192.0.2.1:6443"}}]
users: [{name: admin, user: {token: hunter2}}]
"""


def stamp(age=0.0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))


class FakeKube:
    """Enforces what `enforces` names; `status` is what new pods say of themselves."""

    context, api = None, None

    def __init__(self, folder, enforces=("Ingress", "Egress"), lacks=(), status=None):
        self.kubeconfig = folder / "config"
        self.kubeconfig.write_text(CONFIG)
        self.objects, self.enforces, self.lacks, self.status = {}, enforces, lacks, status
        self.applied, self.broken, self.served = [], False, set()

    def version(self):
        return "v1.36.1"

    def groups(self):
        return self.served

    def may(self, attributes):
        name = "/".join(filter(None, (attributes["resource"], attributes.get("subresource"))))
        return f"{attributes['verb']} {name}" not in self.lacks

    def serves(self, manifest):
        return True

    def apply(self, manifest):
        meta = {"creationTimestamp": stamp(), "labels": {}, **manifest["metadata"]}
        made = {**manifest, "metadata": meta}
        if manifest["kind"] == "Pod":
            number = 1 + sum(one["kind"] == "Pod" for one in self.objects.values())
            ready = {"phase": "Running", "podIP": f"10.0.0.{number}", "conditions": READY}
            made["status"] = self.status or ready
        self.applied.append(made)
        self.objects[self._key(manifest)] = made

    def add(self, kind, name, namespace=None, labels=None, age=0.0, **more):
        meta = {"name": name, "labels": labels or {}, "creationTimestamp": stamp(age)}
        meta |= {"namespace": namespace} if namespace else {}
        self.objects[kind, namespace, name] = {
            "apiVersion": "v1", "kind": kind, "metadata": meta, **more
        }  # fmt: skip

    def delete(self, manifest):
        self.objects.pop(self._key(manifest), None)
        if manifest["kind"] == "Namespace":
            name = manifest["metadata"]["name"]
            self.objects = {k: v for k, v in self.objects.items() if k[1] != name}

    def exists(self, manifest):
        return self._key(manifest) in self.objects

    def list(self, version, kind, labels=None, namespace=None, patient=False):
        if f"list {kind}" in self.lacks:
            raise ApiRefused(403, f"{kind} is forbidden")
        key, _, value = (labels or "").partition("=")
        return [
            one
            for (one_kind, where, _), one in self.objects.items()
            if one_kind == kind
            and namespace in (None, where)
            and (not key or key in one["metadata"]["labels"])
            and (not value or one["metadata"]["labels"][key] == value)
        ]

    def converse(self, namespace, pod, command):
        return _Shell(self, self.objects["Pod", namespace, pod])

    def _key(self, manifest):
        meta = manifest["metadata"]
        return manifest["kind"], meta.get("namespace"), meta["name"]

    def denied(self, source, target):
        for policy in self.list("", "NetworkPolicy"):
            kind = policy["spec"]["policyTypes"][0]
            wanted = policy["spec"]["podSelector"].get("matchLabels", {}).items()
            pod = target if kind == "Ingress" else source
            if kind in self.enforces and wanted <= pod["metadata"]["labels"].items():
                return True
        return False


class _Shell:
    """Answers the probe script's questions."""

    def __init__(self, kube, pod):
        self.kube, self.pod = kube, pod

    def ask(self, question, last, timeout):
        if self.kube.broken:
            raise KeyboardInterrupt
        pods = {p["status"]["podIP"]: p for p in self.kube.list("v1", "Pod")}
        _, *targets = question.split()
        hosts = [target.partition("/")[2].rpartition(":")[0] for target in targets]
        return [
            f"{n} 1 TIMEOUT" if self.kube.denied(self.pod, pods[host]) else f"{n} 0 "
            for n, host in enumerate(hosts)
        ]

    def close(self):
        pass
