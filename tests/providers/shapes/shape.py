"""A reply that a host sends and that nobody recorded, and what must come of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openmux_lc.errors import ProviderError
from openmux_lc.types.wire import Call
from tests.providers.calls import call, provider
from tests.providers.replay.recording import Recording

CALLED = (("f", '{"a": 1}'),)
"""The one call that is made everywhere here."""


@dataclass(frozen=True)
class Due:
    """What must come of a shape; tokens are None where they are estimated."""

    text: str = ""
    reasoning: str = ""
    calls: Sequence[tuple[str, str]] = ()
    finish: str = "stop"
    tokens: tuple[int, int] | None = None


@dataclass(frozen=True)
class Shape:
    """One reply.

    Args:
        name: What is odd about it, starting with its host.
        body: Events where `is_stream`, else the payload; a string goes out as it is.
        due: What must come of it, or the class of the fault.
        known: How we know that the host sends it.
    """

    name: str
    body: Any
    due: Due | type[ProviderError]
    known: str
    is_stream: bool = False
    url: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)
    quirks: frozenset[str] = frozenset()

    @property
    def host(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def bytes(self) -> bytes:
        if isinstance(self.body, str):
            return self.body.encode()
        if not self.is_stream:
            return json.dumps(self.body).encode()
        return "".join(f"data: {json.dumps(each) if each else '[DONE]'}\n\n" for each in self.body).encode()

    @property
    def call(self) -> Call:
        return call(provider(dialect=self.host, quirks=self.quirks), model="m")

    @property
    def recording(self) -> Recording:
        streams = {"stream": True} if self.is_stream and self.host != "gemini" else {}
        fields = {
            "provider": self.host,
            "endpoint_kind": {"cloudflare": "run", "huggingface": "task", "gemini": "generateContent"}.get(
                self.host, "chat"
            ),
            "url": self.url or URLS[self.host],
            "streaming": self.is_stream,
            "request_body": {**(self.request or ASKS[self.host]), **streams},
            "response_body": self.bytes.decode(),
        }
        return Recording(f"{self.host}/{self.name}.json", fields)


URLS = {
    "gemini": "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent",
    "cohere": "https://api.cohere.com/v2/chat",
    "cloudflare": "https://api.cloudflare.com/client/v4/accounts/ACCOUNT_ID/ai/run/@cf/meta/m",
    "huggingface": "https://api-inference.huggingface.co/models/m",
    "pollinations": "https://text.pollinations.ai/openai",
}
_QUESTION = {"model": "m", "messages": [{"role": "user", "content": "Who?"}]}
ASKS: Mapping[str, Mapping[str, Any]] = {
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Who?"}]}]},
    "cohere": _QUESTION,
    "cloudflare": {"messages": _QUESTION["messages"]},
    "huggingface": {"inputs": "Who?"},
    "pollinations": _QUESTION,
}
