"""Properties that a review found broken, and that hold since."""

import time

import pytest

from openmux_lc.errors import InvalidRequest, ProviderError
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.gemini import GeminiDialect
from openmux_lc.providers.horde import HordeDialect
from openmux_lc.providers.huggingface_tasks import model_url
from openmux_lc.providers.reading import Echo, Reading
from openmux_lc.providers.replicate import ReplicateDialect
from openmux_lc.types.json import Json
from tests.providers.calls import call, provider

SOUND = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
PICTURE = {"type": "image_url", "image_url": {"url": "https://a.example/1.png"}}


@pytest.mark.parametrize("model", ["../../other/door", "..", "a/../../../b"])
def test_a_models_id_reaches_no_other_door_of_the_router(model: str) -> None:
    """The router's other paths are partners whose calls are billed."""
    with pytest.raises(InvalidRequest, match="cannot be part of an address"):
        model_url(call(provider("https://router.example/v1"), model=model))


def test_a_models_id_with_half_a_character_is_a_typed_fault() -> None:
    with pytest.raises(ProviderError):
        GeminiDialect().chat(call(model="\ud800"), is_stream=False)


@pytest.mark.parametrize(
    ("dialect", "parts"),
    [
        (HordeDialect(), [PICTURE]),
        (HordeDialect(), [SOUND]),
        (ReplicateDialect(), [SOUND]),
        (ReplicateDialect(), [PICTURE, PICTURE]),
    ],
)
def test_a_polled_host_refuses_what_it_cannot_send(
    dialect: HordeDialect | ReplicateDialect, parts: list[dict[str, Json]]
) -> None:
    content = [{"type": "text", "text": "What is this?"}, *parts]

    with pytest.raises(InvalidRequest):
        dialect.submit(call(provider(), model="a/b", messages=({"role": "user", "content": content},)))


def test_many_tool_calls_in_a_stream_cost_linearly() -> None:
    spent = []
    for count in (2_000, 20_000):
        decoder = StreamDecoder(call())
        begun = time.process_time()
        for number in range(count):
            named = b'{"index":%d,"id":"c%d","function":{"name":"f","arguments":"{}"}}' % (number, number)
            decoder.feed(b'data: {"choices":[{"delta":{"tool_calls":[%s]}}]}\n\n' % named)
        spent.append((time.process_time() - begun) / count)

    assert spent[1] < 2 * spent[0]


def test_what_is_kept_for_the_provider_is_bounded_whatever_it_holds() -> None:
    echo = Echo()
    for _ in range(1_000):
        echo.take(Reading(details=[{"a": number} for number in range(200)]))

    assert len(echo.details) < 100_000
