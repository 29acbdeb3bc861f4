"""Writes tests/chart/schemas anew: `python tools/crd_schemas.py`, which needs go and the module proxy.

Takes the CustomResourceDefinitions of the kinds that the chart makes from Go modules of named versions, and leaves of each what
a JSON Schema can say: no descriptions, no CEL rules, and no field beside those that are named. `make test` reads only the files.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

OUT = Path(__file__).resolve().parents[1] / "tests" / "chart" / "schemas"
# Module, version, folder of its CRDs, and the kinds that are taken from there. All of it is under the Apache License 2.0.
SOURCES = (
    (
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        "example/prometheus-operator-crd",
        ("ServiceMonitor", "PodMonitor", "PrometheusRule"),
    ),
    ("github.com/kedacore/keda/v2", "v2.21.0", "config/crd/bases", ("ScaledObject", "TriggerAuthentication")),
    ("sigs.k8s.io/gateway-api", "v1.4.0", "config/crd/standard", ("HTTPRoute",)),
)
# What is kept of a schema besides the parts that hold schemas.
_KEPT = ("type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "required")


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a CRD as a JSON Schema that refuses every field it does not name."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    result = {key: schema[key] for key in _KEPT if key in schema}
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            result[key] = [{"required": each["required"]} for each in schema[key] if "required" in each]
    if "items" in schema:
        result["items"] = strict(schema["items"])
    if "properties" in schema:
        result["properties"] = {name: strict(each) for name, each in schema["properties"].items()}
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        result["additionalProperties"] = strict(more)
    elif "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return {key: value for key, value in result.items() if value != []}


def schema_of(definition: dict[str, Any], source: str) -> dict[str, Any]:
    """The whole object's schema, of the version `v1` where there is one and else of the one that is stored."""
    spec = definition["spec"]
    version = min(spec["versions"], key=lambda each: (each["name"] != "v1", not each["storage"]))
    schema = strict(version["schema"]["openAPIV3Schema"])
    schema["properties"] |= {
        "apiVersion": {"const": f"{spec['group']}/{version['name']}"},
        "kind": {"const": spec["names"]["kind"]},
        "metadata": {"type": "object"},
    }
    return {"$comment": f"Made by tools/crd_schemas.py from {source}, Apache License 2.0."} | schema


def folder_of(module: str, version: str) -> Path:
    """Where go keeps the module, which it fetches if need be."""
    command = ["go", "mod", "download", "-json", f"{module}@{version}"]
    answer = subprocess.run(command, cwd="/", check=True, capture_output=True, text=True).stdout
    return Path(json.loads(answer)["Dir"])


def main() -> None:
    """Write a file for each kind."""
    OUT.mkdir(exist_ok=True)
    for module, version, folder, kinds in SOURCES:
        for kind in kinds:
            (path,) = (folder_of(module, version) / folder).glob(f"*_{kind.lower()}s.yaml")
            schema = schema_of(yaml.load(path.read_text(), yaml.CSafeLoader), f"{module} {version}")
            (OUT / f"{kind}.json").write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
