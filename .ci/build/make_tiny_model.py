"""Make the tiny chat model that ships with the package (1.9 million parameters) from nothing but generated text.

    python -m pip install torch==2.13.0 transformers tokenizers safetensors gguf jinja2
    nice python .ci/build/make_tiny_model.py --out OUT --minutes 25

OUT gets `hf` (a Hugging Face folder) and the same weights as GGUF, F16 and Q8_0; the latter is
`openmux_lc/local/models/tiny-openmux-q8_0.gguf`. The shipped model had 25 minutes and, by `--init OUT/hf`, 14 more.
It answers what it was taught, repeats a word after "Say", calls a tool that it is offered, and thinks when the
prompt asks for it. Anything else gets fluent nonsense: it is a test article, not a model for people.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tiny_model_gguf import write_gguf
from tiny_model_text import Sample, example_tools, sample
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHAT_TEMPLATE = Path(__file__).with_name("tiny_model_template.jinja").read_text(encoding="utf-8").removesuffix("\n")
RESPONSE_TEMPLATE = {  # lets transformers 5 find the thoughts and the tool calls in an answer
    "defaults": {"role": "assistant"},
    "start_anchor": "<|im_start|>assistant\n",
    "fields": {
        "reasoning_content": {"open": "<think>", "close": "</think>", "content": "text"},
        "tool_calls": {
            "open_pattern": r"\s*<tool_call>",
            "close": "</tool_call>",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"close_pattern": r"\s*(?:<\|im_end\|>|<\|endoftext\|>)", "content": "text"},
    },
}
END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SOFT_TOKENS = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
ANSWER_OPENING = f"{START}assistant\n"
ROW_TOKENS, ROWS = 320, 6
PROMPT_WEIGHT = 0.1  # answers count in full, prompts a little: the facts and the copying are in the answers


class Text:
    """An endless text of rendered samples."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a repeatable text is wanted
        self._templates = [_template(separators) for separators in (None, (",", ":"))]

    def next(self) -> str:
        """Return the next sample as the model reads it."""
        drawn: Sample = sample(self.random)
        if "text" in drawn:
            return drawn["text"] + END_OF_TEXT
        template = self._templates[self.random.random() < 0.4]
        text = template.render(messages=drawn["messages"], tools=drawn.get("tools")) + END_OF_TEXT
        if "<think>" not in text and self.random.random() < 0.15:  # as with enable_thinking=false
            place = text.rindex(ANSWER_OPENING) + len(ANSWER_OPENING)
            text = f"{text[:place]}<think>\n\n</think>\n\n{text[place:]}"
        return text


def _template(separators: tuple[str, str] | None) -> Template:
    """Return the chat template; llama.cpp writes JSON with spaces, Ollama without."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False, separators=separators)
    return environment.from_string(CHAT_TEMPLATE)


def make_tokenizer(text: Text, size: int) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer trained on 4000 samples."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(SOFT_TOKENS),
        special_tokens=[END_OF_TEXT, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((text.next() for _ in range(4000)), trainer)
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in SOFT_TOKENS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=None,
        eos_token=END,
        pad_token=END_OF_TEXT,
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return an untrained model."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=4,
            num_attention_heads=6,
            num_key_value_heads=3,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            rms_norm_eps=1e-5,
            rope_theta=10000.0,
            bos_token_id=0,
            eos_token_id=tokenizer.convert_tokens_to_ids(END),
            pad_token_id=0,
            attention_bias=False,
        )
    )


def batches(text: Text, tokenizer: Tokenizer) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield rows of token ids and how much each counts."""
    start, end, role = tokenizer.token_to_id(START), tokenizer.token_to_id(END), tokenizer.encode("assistant").ids[0]
    size, waiting = ROWS * (ROW_TOKENS + 1), list[int]()
    while True:
        while len(waiting) < size:
            waiting += tokenizer.encode(text.next()).ids
        ids, waiting = waiting[:size], waiting[size:]
        weights, is_answer, before = list[float](), False, None
        for token in ids:
            weights.append(1.0 if is_answer else PROMPT_WEIGHT)
            is_answer = (is_answer and token != end) or (token == role and before == start)
            before = token
        shape = (ROWS, ROW_TOKENS + 1)
        yield torch.tensor(ids).view(shape), torch.tensor(weights).view(shape)


def train(
    model: LlamaForCausalLM, rows: Iterator[tuple[torch.Tensor, torch.Tensor]], *, minutes: float, rate: float
) -> None:
    """Train for so many minutes, the learning rate falling along a cosine."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.05)
    began, smoothed = time.monotonic(), math.nan
    model.train()
    for step, (ids, weights) in enumerate(rows, 1):
        elapsed = time.monotonic() - began
        if elapsed >= minutes * 60:
            break
        falling = 0.5 * (1 + math.cos(math.pi * elapsed / (minutes * 60))) * 0.98 + 0.02
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, step / 50) * falling
        logits = model(input_ids=ids[:, :-1]).logits.flatten(0, 1)
        losses = torch.nn.functional.cross_entropy(logits, ids[:, 1:].flatten(), reduction="none")
        counts = weights[:, 1:].flatten()
        loss = (losses * counts).sum() / counts.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        smoothed = loss.item() if math.isnan(smoothed) else 0.95 * smoothed + 0.05 * loss.item()
        if step % 50 == 0:
            print(f"step {step}  {elapsed:.0f} s  loss {smoothed:.3f}", flush=True)


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write model and tokenizer in the Hugging Face layout, in half precision."""
    tokenizer.chat_template, tokenizer.response_template = CHAT_TEMPLATE, RESPONSE_TEMPLATE
    tokenizer.save_pretrained(folder)
    settings = model.eval().generation_config
    settings.eos_token_id = [tokenizer.convert_tokens_to_ids(END), 0]
    settings.pad_token_id = settings.bos_token_id = 0
    model.half().save_pretrained(folder)


def show(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    """Print what it answers to a few questions it was taught."""
    tools = example_tools(random.Random(0))  # noqa: S311 - wording only
    tries: list[tuple[str, dict[str, Any]]] = [
        ("What is the capital of France?", {}),
        ("What is 7 + 5?", {}),
        ("Say river", {}),
        ("Think: What is the opposite of hot?", {}),
        ("What is the capital of Japan?", {"enable_thinking": False}),
        ("What is the weather in Paris?", {"tools": tools}),
        ("Add 3 and 9.", {"tools": tools}),
    ]
    model.float()
    for question, options in tries:
        asked = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(
            asked, add_generation_prompt=True, return_tensors="pt", return_dict=True, **options
        )
        answer = model.generate(**prompt, max_new_tokens=60, do_sample=False)[0][prompt["input_ids"].shape[1] :]
        print(repr(question), "->", repr(tokenizer.decode(answer)))


def main() -> None:
    """Train, or go on from `--init`, and write every form of the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--vocabulary", type=int, default=1536)
    parser.add_argument("--rate", type=float, default=2.5e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--init", type=Path, help="go on from this Hugging Face folder")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    text, folder = Text(options.seed), options.out / "hf"
    folder.mkdir(parents=True, exist_ok=True)
    if options.init:
        tokenizer = AutoTokenizer.from_pretrained(options.init)
        model = LlamaForCausalLM.from_pretrained(options.init).float()
    else:
        tokenizer = make_tokenizer(text, options.vocabulary)
        model = make_model(tokenizer)
    rows = batches(text, tokenizer.backend_tokenizer)
    train(model, rows, minutes=options.minutes, rate=options.rate)
    save(model, tokenizer, folder)
    show(model, tokenizer)
    write_gguf(folder, options.out / "tiny-openmux-f16.gguf", "F16")
    write_gguf(folder, options.out / "tiny-openmux-q8_0.gguf", "Q8_0")


if __name__ == "__main__":
    main()
