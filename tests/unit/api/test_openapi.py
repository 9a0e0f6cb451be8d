"""docs/openapi.yaml describes the routes that there are, and no others."""

from pathlib import Path
from typing import Any

import yaml

from sja_units.api.routes import list_routes
from sja_units.jobs.state import STATES

DOCUMENT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[3] / "docs/openapi.yaml").read_text()
)


def test_all_routes_are_described() -> None:
    told = {
        (method.upper(), path): {
            p["name"]
            for p in [
                DOCUMENT["components"]["parameters"][p["$ref"].rpartition("/")[2]]
                if "$ref" in p
                else p
                for p in [*item.get("parameters", ()), *operation.get("parameters", ())]
            ]
            if p["in"] == "query"
        }
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
    real = {(method, path): set(query) for method, path, query in list_routes()}
    assert told == real


def test_all_states_are_described() -> None:
    assert set(DOCUMENT["components"]["schemas"]["Job"]["properties"]["state"]["enum"]) == set(
        STATES
    )
