"""The window that a host names where a prompt was too long for it."""

import time

import pytest

from openmux_lc.providers.overflow_text import read_window_tokens

TOLD = {
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens": 4096,
    "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested 9000 tokens": 8192,
    "Prompt contains 40000 tokens, too large for model with 32768 maximum context length": 32768,
    "The prompt is too long: 200000, model maximum context length: 131071": 131071,
    "The input (9000 tokens) is longer than the model's context length (8192 tokens).": 8192,
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).": 1048575,
    "Cannot truncate prompt with n_keep (5000) >= n_ctx (4096)": 4096,
    "the request exceeds the available context size (2,048 tokens)": 2048,
    "the model is loaded with context length of only 4096 tokens, which is not enough": 4096,
    "prompt is too long: 210000 tokens > 200000 maximum": 200000,
    "tokens (30000) exceeded this model context window limit (24000).": 24000,
    "Limit 6000 tokens per minute, requested 9000": None,
    "This model's maximum context length is 8 tokens.": None,
    "Input is too long for requested model.": None,
    "invalid params, context window exceeds limit (2013)": None,
}


@pytest.mark.parametrize(("text", "tokens"), TOLD.items())
def test_16_the_window_is_read_and_nothing_else(text: str, tokens: int | None):
    assert tokens == read_window_tokens(text)


@pytest.mark.parametrize("piece", ["111 ", "context length is ", "context length 1", "n_ctx ", "1,111", "tokens > 1 "])
def test_16_hostile_text_is_read_in_no_time(piece: str):
    text = piece * (65_536 // len(piece))
    began = time.thread_time()
    read_window_tokens(text)

    assert time.thread_time() - began < 1.0
