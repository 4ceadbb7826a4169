"""One genuine exchange as it lies in the folder of recordings, and the folder as a list of them.

Nothing here depends on a file's name: a field that is missing is read out of its neighbours or is empty.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_HOP_BY_HOP = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding", "set-cookie", "trailer"}
)


@dataclass(frozen=True)
class Recording:
    """One exchange.

    Args:
        name: The file's name under the folder.
        fields: What the file says, over what the index says.
    """

    name: str
    fields: Mapping[str, Any] = field(repr=False)

    @property
    def provider(self) -> str:
        return str(self.fields.get("provider") or self.name.partition("/")[0])

    @property
    def kind(self) -> str:
        """The kind of endpoint, also of a failed exchange."""
        told = self.fields.get("endpoint_kind") or self.fields.get("kind")
        if told and told != "error":
            return str(told)
        return self.name.rpartition("/")[2].partition("_")[0].removesuffix("-sse") or "other"

    @property
    def status(self) -> int:
        return int(self.fields.get("status") or 200)

    @property
    def method(self) -> str:
        return str(self.fields.get("method") or "POST").upper()

    @property
    def url(self) -> str:
        return str(self.fields.get("url") or "")

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> str:
        return urlsplit(self.url).query

    @cached_property
    def request(self) -> Mapping[str, Any]:
        """The request's JSON object, empty when there was none."""
        body = self.fields.get("request_body")
        return body if isinstance(body, dict) else {}

    @cached_property
    def body(self) -> bytes:
        """The response's bytes."""
        text = self.fields.get("response_body")
        if isinstance(text, str):
            return text.encode("utf-8", "surrogatepass")
        if text is not None:
            return json.dumps(text).encode()
        return base64.b64decode(self.fields.get("response_body_base64") or "")

    @cached_property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def headers(self) -> Mapping[str, str]:
        """The response's headers that describe the answer, not the connection."""
        recorded = self.fields.get("response_headers") or {}
        return {
            name: " ".join(str(value).split()) for name, value in recorded.items() if name.lower() not in _HOP_BY_HOP
        }

    @property
    def has_stream_body(self) -> bool:
        """Whether the answer came as events or lines."""
        return bool(self.fields.get("streaming"))

    @property
    def asks_for_stream(self) -> bool:
        """Whether a stream was asked for; a refused one comes back as plain JSON."""
        return self.has_stream_body or self.request.get("stream") is True or ":streamGenerateContent" in self.path

    @property
    def model(self) -> str:
        """The model asked for, out of the body, the address or the index."""
        told = self.request.get("model")
        if isinstance(told, str) and told:
            return told.removeprefix("models/") if "googleapis" in self.url else told
        for mark, end in (("/ai/run/", ""), ("/models/", ":"), ("/pipeline/feature-extraction/", "")):
            _, found, rest = self.path.partition(mark)
            if found:
                rest = rest.rpartition(end)[0] if end and end in rest else rest
                rest, _, _ = rest.partition("/pipeline/")
                return unquote(rest.removesuffix("/v1/chat/completions").removesuffix("/predictions"))
        return str(self.fields.get("model") or self.request.get("version") or "recorded")


def recordings(folder: Path) -> list[Recording]:
    """Return every exchange of `folder`, in the index's order."""
    index = folder / "INDEX.json"
    if index.is_file():
        rows = json.loads(index.read_text(encoding="utf-8"))
    else:
        files = (path.relative_to(folder) for path in sorted(folder.glob("*/*.json")))
        rows = [{"file": path.as_posix()} for path in files if not path.parts[0].startswith("_")]
    return [_read(folder, row) for row in rows]


def _read(folder: Path, row: Mapping[str, Any]) -> Recording:
    fields = json.loads((folder / row["file"]).read_text(encoding="utf-8"))
    # The file's own `kind` is `error` or the endpoint's; only the index is sure to tell the endpoint's.
    return Recording(row["file"], {**row, **fields, "endpoint_kind": row.get("endpoint_kind")})
