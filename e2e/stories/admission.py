"""A namespace under a ceiling, and every way in which somebody may try to pass it."""

import json

from plafond.api.annotations import CEILINGS, WHY, encode_ceilings, encode_why
from plafond.model.workload import WorkloadId

REASON = "month 82 %, 2130 EUR left until 2026-12-01"


class Team:
    """A namespace, its Deployments and the ceilings that its annotation lists."""

    def __init__(self, rig, name):
        self.rig, self.name = rig, name

    def limit(self, **ceilings):
        """List ceilings by name; the operator itself writes no other form."""
        listed = {WorkloadId(self.name, "Deployment", n): c for n, c in ceilings.items()}
        self.annotate(CEILINGS, encode_ceilings(listed))
        self.annotate(WHY, encode_why(REASON))

    def limit_as_many_as_fit(self):
        """List as many ceilings of 3 as the annotation holds, and return the last name."""
        # An entry and its comma are 17 + 63 + 2 + 1 bytes: 394 of them fit.
        names = [f"{number:063}" for number in range(394)]
        self.limit(**dict.fromkeys(names, 3))
        return names[-1]

    def annotate(self, key, value):
        body = json.dumps({"metadata": {"annotations": {key: value}}})
        # The largest annotation is longer than one argument may be.
        done = self.rig.kubectl(
            "patch", "namespace", self.name, "--type=merge", "--patch-file=/dev/stdin", stdin=body
        )
        assert done.returncode == 0, done.stderr

    def manifest(self, name, replicas=None, **metadata):
        labels = {"app": "x"}
        pod = {"containers": [{"name": "engine", "image": "engine"}]}
        # Paused, so that no pods come and go while only the count matters.
        spec = {
            "paused": True,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        }
        if replicas is not None:
            spec["replicas"] = replicas
        whole = {"namespace": self.name, **({"name": name} if name else {}), **metadata}
        return json.dumps(
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": whole, "spec": spec}
        )

    def create(self, name, replicas=None, **metadata):
        return self.rig.kubectl(
            "create", "-o", "json", "-f", "-", stdin=self.manifest(name, replicas, **metadata)
        )

    def deployed(self, name, replicas):
        """Create a Deployment before any ceiling is listed, and return its name."""
        done = self.create(name, replicas)
        assert done.returncode == 0, done.stderr
        return name

    def replicas(self, name):
        path = f"/apis/apps/v1/namespaces/{self.name}/deployments/{name}"
        return self.rig.get(path)["spec"]["replicas"]

    def kubectl(self, *args, **options):
        return self.rig.kubectl("-n", self.name, *args, **options)

    def scale(self, name, replicas, **options):
        return self.kubectl("scale", "deployment", name, f"--replicas={replicas}", **options)


def scale(team, name, replicas):
    return team.scale(name, replicas)


def patch_scale(team, name, replicas):
    body = json.dumps({"spec": {"replicas": replicas}})
    return team.kubectl(
        "patch", "deployment", name, "--subresource=scale", "--type=merge", "-p", body
    )


def strategic_patch(team, name, replicas):
    return team.kubectl("patch", "deployment", name, "-p", f'{{"spec":{{"replicas":{replicas}}}}}')


def json_patch(team, name, replicas):
    operation = [{"op": "add", "path": "/spec/replicas", "value": replicas}]
    return team.kubectl("patch", "deployment", name, "--type=json", "-p", json.dumps(operation))


def replace(team, name, replicas):
    return team.kubectl("replace", "-f", "-", stdin=team.manifest(name, replicas))


def apply(team, name, replicas):
    return team.kubectl("apply", "-f", "-", stdin=team.manifest(name, replicas))


def server_side_apply(team, name, replicas):
    return team.kubectl(
        "apply", "--server-side", "--force-conflicts", "--field-manager=gitops", "-f", "-",
        stdin=team.manifest(name, replicas),
    )  # fmt: skip


WAYS = [scale, patch_scale, strategic_patch, json_patch, replace, apply, server_side_apply]
ON_THE_OBJECT = WAYS[2:]
