"""Writes openmux_lc/testing/faults.json: what each host's errors look like, from dated facts.

    python .ci/build/make_faults.py [--shared FOLDER] [--out FILE]

The forms and words of fault_shapes.json are ours. Here it is told where each was seen: a genuine recording or a
quotation of the same status whose fields it has, else the documented facts; what nobody has told is `assumed`. Nothing
of a recording is copied. The same facts give the same bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from openmux_lc.testing.behaviours import ErrorWords  # noqa: E402 - the tree this script lies in, installed or not
from openmux_lc.testing.dialects.forms import filled, put_in  # noqa: E402
from openmux_lc.types.json import Json  # noqa: E402

SHAPES = Path(__file__).with_name("fault_shapes.json")
COMPILED = "2026-11-20"
FOLDERS = {"github-models": "github"}
"""Folders of recordings that are not called as the host is."""
ABOUT = {
    "generated": "by .ci/build/make_faults.py: do not edit, corrections go into .ci/build/fault_shapes.json",
    "licence": "MIT. Forms, codes and statuses are facts; the words are ours but for the short texts that APIs emit.",
    "origin": (
        "`recorded shape`: a genuine recording of that host and status has these fields (source: repository and its "
        "licence); `quoted`: a body that people quoted has them (source: address); `documented`: the host's "
        "documentation or observers tell form or status (source); `assumed`: nobody does, the usual form"
    ),
}


def main() -> None:
    """Read the facts, write the file."""
    default = os.environ.get("OPENMUX_SHARED") or ROOT.parent / "shared"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(default), help="folder of the dated facts")
    parser.add_argument("--out", type=Path, default=ROOT / "openmux_lc" / "testing" / "faults.json")
    chosen = parser.parse_args()
    facts = _facts(chosen.shared)
    shapes = json.loads(SHAPES.read_text(encoding="utf-8"))
    seen = list(_seen(chosen.shared))
    found = {name: _provider(name, shapes, facts[name], seen) for name in sorted(shapes["providers"])}
    text = json.dumps({"about": {**ABOUT, "as_of": COMPILED}, "providers": found}, ensure_ascii=False, indent=1)
    chosen.out.write_text(text + "\n", encoding="utf-8")


def _facts(shared: Path) -> dict[str, dict[str, Any]]:
    told = json.loads((shared / "providers" / "providers.json").read_text(encoding="utf-8"))
    rows = told["providers"] if isinstance(told, dict) else told
    return {row["id"]: row for row in rows}


def _seen(shared: Path) -> Iterator[dict[str, Any]]:
    """Yield the fields of every recorded or quoted error, recordings first."""
    folder = shared / "recordings"
    for entry in json.loads((folder / "INDEX.json").read_text(encoding="utf-8")):
        if entry["status"] >= 400 or entry["error_in_200"]:
            told = json.loads((folder / entry["file"]).read_text(encoding="utf-8"))
            source = f"{entry['source_repo']} ({entry['licence']})"
            yield {"origin": "recorded shape", "source": source, **_looks(entry, told["response_body"])}
    quoted = json.loads((folder / "_quoted" / "quoted_errors.json").read_text(encoding="utf-8"))
    for entry in quoted:
        yield {"origin": "quoted", "source": entry["source"], **_looks(entry, entry["response_body"])}


def _looks(entry: dict[str, Any], body: Json) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        body = json.loads(body) if isinstance(body, str) else body
    return {"provider": entry["provider"], "status": entry["status"], "fields": frozenset(_fields(body))}


def _fields(body: Json, path: str = "") -> Iterator[str]:
    """Yield the path of every value; a text body has one."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield from _fields(value, f"{path}.{name}")
    elif isinstance(body, list):
        for value in body:
            yield from _fields(value, f"{path}[]")
    else:
        yield path


def _provider(name: str, shapes: dict[str, Any], row: dict[str, Any], seen: list[dict[str, Any]]) -> dict[str, Any]:
    own = shapes["providers"][name]
    own = shapes["providers"][own["like"]] if "like" in own else own
    words = {case: dict(told) for case, told in shapes["cases"].items()}
    for case, told in own.get("cases", {}).items():
        words[case] = {**shapes["cases"].get(case, {}), **told}
    cases = {case: _case(told, own["shape"], shapes) for case, told in words.items()}
    limits = {"headers": {"retry-after": "$seconds"}, **own.get("limits", {})}
    limits.setdefault("body", cases["rate_limited"]["body"])
    if "headers" not in own.get("limits", {}) and "limits" in own:
        limits["headers"] = {}
    source = _source(row)
    return {
        "as_of": row["as_of"],
        "source": source,
        "limits": limits,
        "cases": {case: {**told, **_origin(name, told, row, seen)} for case, told in cases.items()},
    }


def _case(told: dict[str, Any], shape: Json, shapes: dict[str, Any]) -> dict[str, Any]:
    status = told["status"]
    template = told.get("body", told.get("shape", shape))
    if "body" not in told and isinstance(template, str):
        template = shapes["shapes"][template]
    said = ErrorWords(told.get("message", ""), told.get("type", ""), told.get("code"))
    body = filled(put_in(template, {"title": shapes["titles"].get(str(status), "Error")}), said, status)
    return {"status": status, "body": body}


def _origin(name: str, told: dict[str, Any], row: dict[str, Any], seen: list[dict[str, Any]]) -> dict[str, str]:
    fields = frozenset(_fields(told["body"]))
    folder = FOLDERS.get(name, name)
    for each in seen:
        if (each["provider"], each["status"]) == (folder, told["status"]) and fields <= each["fields"]:
            return {"origin": each["origin"], "source": each["source"]}
    cases = [case for case in row["errors"]["cases"].values() if isinstance(case, dict)]
    named = {status for case in cases for status in _statuses(case.get("status"))}
    if told["status"] in named or (row["errors"]["shape"] != "unknown" and told["status"] >= 400):
        return {"origin": "documented"}
    return {"origin": "assumed"}


def _statuses(told: Json) -> tuple[int, ...]:
    return tuple(each for each in (told if isinstance(told, list) else [told]) if isinstance(each, int))


def _source(row: dict[str, Any]) -> str:
    """Return where the facts about its errors were read."""
    by_field = {told["field"]: told["sources"] for told in row["evidence"]}
    found = by_field.get("errors") or by_field.get("rate_limit_headers") or next(iter(by_field.values()), [""])
    return found[0]


if __name__ == "__main__":
    main()
