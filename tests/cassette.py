"""Cassettes: exchanges as plain YAML with JSON bodies, played through vcrpy.

A cassette lies at `cassettes/<provider>/<module>/<test>.yaml` and says its `origin`: `recorded` (a real host or engine
answered; `source` says which, its version and the day) or `modelled` (written by hand in the shape of a genuine
exchange, or on documentation where nobody has recorded one; `source` says which). An exchange is found by host where
it is written, method, path with its query, and JSON body; no request header is kept, and of the response's only those
below. A text whose lines all end in CRLF is kept with plain ends and `line_ends: crlf`. One that was not played fails
its test.

Record anew, with the providers' keys in the environment and the real engines on this machine:

    OPENMUX_RECORD=1 OPENMUX_LIVE=1 pytest tests/providers/test_cassettes.py tests/providers/test_native_cassettes.py
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import vcr
import yaml

FOLDER = Path(__file__).parents[1] / "cassettes"
MAX_BYTES = 64 * 1024
ANY_HOST = "any.invalid"
"""Of an exchange with an engine on this machine, and of tapes that tell no host."""
IS_RECORDING = os.environ.get("OPENMUX_RECORD") == "1"
KEPT_HEADERS = re.compile(
    r"content-type|retry-after|x-ratelimit-[a-z-]+|ratelimit[a-z-]*|x-(trial-endpoint|endpoint-monthly)-call-[a-z]+"
)
PRIVATE = (
    (re.compile(r"(?<=/client/v4/accounts/)[^/]+"), "account"),
    (re.compile(r"(?<=//stream\.replicate\.com/)[^\"\s]+"), "hidden"),
)
"""What addresses tell of who recorded them, and what stands there instead."""


@contextmanager
def cassette(provider: str, module: str, test: str, *, source: str = "") -> Iterator[None]:
    """Play a cassette, or record it anew.

    Args:
        provider: Folder of the first level.
        module: The test module's name without `test_`.
        test: The test's name without `test_`.
        source: What answers while recording: name and version.
    """
    path = FOLDER / provider / module / f"{test}.yaml"
    if IS_RECORDING:
        path.unlink(missing_ok=True)
    player = vcr.VCR(
        record_mode="all" if IS_RECORDING else "none",
        match_on=["method", "host_if_kept", "path", "query", "json"],
        decode_compressed_response=True,
        before_record_request=_without_who_asks,
        before_record_response=_with_kept_headers,
    )
    day = datetime.now(UTC).date().isoformat()
    player.register_serializer("plain", _serializer(f"{source}, {day}"))
    player.register_matcher("json", _same_json)
    player.register_matcher("host_if_kept", _same_host)
    player.serializer = "plain"
    with player.use_cassette(str(path)) as tape:
        yield
        unplayed = [] if IS_RECORDING or tape.all_played else [f"{len(tape)} held, {tape.play_count} played"]
    assert not unplayed, f"{path.name}: {unplayed}"


def load(path: Path) -> dict[str, Any]:
    """Return a cassette as it is written."""
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text_node)


def dump(fields: Mapping[str, Any]) -> str:
    """Return a cassette's text."""
    return yaml.dump(dict(fields), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _serializer(source: str) -> SimpleNamespace:
    def serialize(fields: dict[str, Any]) -> str:
        interactions = [_written(entry) for entry in fields["interactions"]]
        return dump({"origin": "recorded", "source": source, "interactions": interactions})

    def deserialize(text: str) -> dict[str, Any]:
        return {"version": 1, "interactions": [_read(entry) for entry in yaml.safe_load(text)["interactions"]]}

    return SimpleNamespace(serialize=serialize, deserialize=deserialize)


def _written(entry: Mapping[str, Any]) -> dict[str, Any]:
    request, response = entry["request"], entry["response"]
    address = urlsplit(request["uri"])
    body = _json_or_text(response["body"]["string"])
    is_crlf = isinstance(body, str) and "\n" in body and body.count("\n") == body.count("\r\n")
    return {
        "request": {
            "method": request["method"],
            **({} if address.hostname == "127.0.0.1" else {"host": address.hostname}),
            "path": f"{address.path}?{address.query}".rstrip("?"),
            "body": _json_or_text(request["body"]),
        },
        "response": {
            "status": response["status"]["code"],
            "headers": {name.lower(): values[0] for name, values in response["headers"].items()},
            **({"line_ends": "crlf"} if is_crlf else {}),
            "body": body.replace("\r\n", "\n") if is_crlf else body,
        },
    }


def _read(entry: Mapping[str, Any]) -> dict[str, Any]:
    request, response = entry["request"], entry["response"]
    said = _text(response["body"])
    if response.get("line_ends") == "crlf":
        said = said.replace("\n", "\r\n")
    return {
        "request": {
            "method": request["method"],
            "uri": f"https://{request.get('host', ANY_HOST)}{request['path']}",
            "body": _text(request["body"]),
            "headers": {},
        },
        "response": {
            "status": {"code": response["status"], "message": ""},
            "headers": {name: [value] for name, value in response["headers"].items()},
            "body": {"string": said.encode()},
        },
    }


def _json_or_text(body: bytes | str | None) -> Any:
    text = _public(body.decode() if isinstance(body, bytes) else body or "")
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, dict | list) else text


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _public(text: str) -> str:
    for pattern, stand_in in PRIVATE:
        text = pattern.sub(stand_in, text)
    return text


def _without_who_asks(request: Any) -> Any:
    request.headers = {}
    request.uri = _public(request.uri)
    return request


def _with_kept_headers(response: dict[str, Any]) -> dict[str, Any]:
    kept = {name: values for name, values in response["headers"].items() if KEPT_HEADERS.fullmatch(name.lower())}
    return {**response, "headers": kept}


def _same_host(first: Any, second: Any) -> None:
    if ANY_HOST not in {first.host, second.host} and (first.scheme, first.host) != (second.scheme, second.host):
        raise AssertionError("the hosts differ")


def _same_json(first: Any, second: Any) -> None:
    if _json_or_text(first.body) != _json_or_text(second.body):
        raise AssertionError("the JSON bodies differ")
