"""Hosts whose streams are cut at a random byte, and successors that go on in every manner.

What is asked names a case; a case is a scripted answer, so that every character can be
counted. Whoever is told a part of it goes on exactly, repeats a little, begins again,
or says something first. Everything follows from the seed.
"""

import difflib
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from openmux_lc import ChatOpenMux
from openmux_lc.catalog.catalog import Catalog
from openmux_lc.mux import Mux
from openmux_lc.settings import Settings
from openmux_lc.testing import Answer, FakeUpstream, Received, ToolCall

DIALECTS: Final = ("openai", "ollama", "gemini", "cohere", "openai", "ollama", "gemini", "cohere")
MANNERS: Final = ("exactly", "repeats", "begins again", "remark", "remark, begins again", "fence")
REMARKS: Final = (
    "Sure, here is the rest:\n\n",
    "Of course! Continuing from where I left off:\n\n",
    "Here's the rest of the answer:\n\n",
)
TOOL: Final = {
    "type": "function",
    "function": {
        "name": "book_table",
        "description": "Book a table.",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "guests": {"type": "integer"}, "note": {"type": "string"}},
        },
    },
}
_WORDS: Final = re.findall(
    r"\w+",
    "harbour letter evening quiet window river garden stone morning bridge market candle winter summer engine mirror "
    "forest island captain teacher doctor painter village mountain weather promise question answer silver copper green",
)
_HAN: Final = "港口安静米拉走到船边口袋里有一封信老人修补渔网点头什么也没说中午风向变了山水花鸟春夏秋冬"
_CASE: Final = re.compile(r"case (\d+)")


def scripted(seed: int, number: int) -> str:
    """Return a case's text: prose, code, JSON, Chinese, or signs of several code points."""
    rng = random.Random(f"{seed}:{number}:text")
    # No word twice in a row: whether that is meant, or said again, nobody can tell.
    words = [f"{word}{place if rng.random() < 0.1 else ''}" for place, word in enumerate(rng.sample(_WORDS, 29) * 3)]
    lines = [" ".join(words[at : at + 14]).capitalize() + "." for at in range(0, 70, 14)]
    kind = number % 5
    if kind == 1:
        body = "\n".join(f"    {word}_{at} = {other}({at}, '{word}')" for at, (word, other) in _pairs(words))
        return f"{lines[0]}\n\n```python\ndef {words[1]}():\n{body}\n    return {words[2]}\n```\n\n{lines[1]}"
    if kind == 2:
        return "{" + ", ".join(f'"{word}_{at}": ["{other}", {at}]' for at, (word, other) in _pairs(words)) + "}"
    if kind == 3:
        return " ".join("".join(rng.choices(_HAN, k=24)) + "。" for _ in range(6))
    if kind == 4:
        return " 👨‍👩‍👧 ".join(line.replace("e", "e\u0301") for line in lines) + " 𝄞 🇵🇹 ✅"
    return "\n\n".join(lines)


def _pairs(words: Sequence[str]) -> Iterator[tuple[int, tuple[str, str]]]:
    return enumerate(zip(words[:20], words[20:40], strict=True))


@dataclass(kw_only=True)
class Scene:
    """The hosts' common script.

    Args:
        seed: Where all chance comes from.
        share: How many streams are cut.
        calls: Each answer ends in a tool call.
        is_cutting: Whether streams are cut after the first was.
    """

    seed: int
    share: float = 0.3
    calls: bool = False
    asked: Counter[int] = field(default_factory=Counter)
    manners: dict[int, list[str]] = field(default_factory=dict)
    cuts: int = 0

    def call_of(self, number: int) -> ToolCall:
        """Return the tool call of a case."""
        note = scripted(self.seed, number).replace('"', "'").replace("\n", " ")[:40]
        return ToolCall(
            id=f"call{number:05d}", name="book_table", arguments=f'{{"place": "{note}", "guests": {number % 9}}}'
        )

    def text_of(self, number: int) -> str:
        """Return the text of a case; before a call it is short."""
        text = scripted(self.seed, number)
        return text[:90].rstrip() + "." if self.calls else text

    def play(self, received: Received) -> Answer:
        """Return what a host does with a request."""
        said = list(_texts(received.body))
        number = int(next(found[1] for text in said if (found := _CASE.search(text))))
        text = self.text_of(number)
        shown = max((each for each in said if text.startswith(each)), key=len, default="")
        nth, self.asked[number] = self.asked[number], self.asked[number] + 1
        rng = random.Random(f"{self.seed}:{number}:{nth}:{self.calls}")
        answer = Answer(self._go_on(rng, number, text, shown))
        if self.calls:
            answer = replace(answer, tool_calls=(self.call_of(number),))
        if rng.random() >= self.share:
            return answer
        self.cuts += 1
        return replace(answer, after_share=rng.random())

    def _go_on(self, rng: random.Random, number: int, text: str, shown: str) -> str:
        if not shown:
            return text
        manner = rng.choice(MANNERS)
        is_code = shown.count("```") == 1 and "```python\n" in shown and not shown.endswith("`")
        manner = "exactly" if manner == "fence" and not is_code else manner
        self.manners.setdefault(number, []).append(manner)
        rest = text[len(shown) :]
        begun = (
            text
            if "again" in manner
            else text[max(0, len(shown) - rng.randint(8, 80)) :]
            if manner == "repeats"
            else rest
        )
        before = rng.choice(REMARKS) if "remark" in manner else "```python\n" if manner == "fence" else ""
        return before + begun


def _texts(body: object) -> Iterator[str]:
    """Yield every text in a request's body."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, Mapping):
        for each in body.values():
            yield from _texts(each)
    elif isinstance(body, Sequence):
        for each in body:
            yield from _texts(each)


def pool(folder: Path, hosts: Sequence[FakeUpstream], dialects: Sequence[str] = DIALECTS) -> Mux:
    """Return a pool of the hosts, each in its dialect; those of one go on with a beginning."""
    lines = ["schema = 1"]
    for at, (host, dialect) in enumerate(zip(hosts, dialects, strict=True)):
        lines += ["[[models]]", f'route = "host{at}:m"', "free = true", "max_input_tokens = 100000"]
        lines += ["tool_calling = true", f"quality = {0.9 - at * 0.05}"]
        lines += [
            f"[providers.host{at}]",
            f'base_url = "{host.url_for(dialect)}"',
            f'dialect = "{dialect}"',
            "free = true",
        ]
    config = folder / "openmux.toml"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = ",".join(f"host{at}" for at in range(len(hosts)))
    environ = {"OPENMUX_CONFIG": str(config), "OPENMUX_STATE_URL": "memory:", "OPENMUX_PROVIDERS": names}
    plain = Mux(Settings.load(environ=environ, cwd=folder))
    catalog: Catalog = plain.catalog
    for at, dialect in enumerate(dialects):
        if dialect == "ollama":
            row = catalog.provider(f"host{at}")
            catalog = catalog.with_provider(replace(row, quirks=row.quirks | {"prefill"}))
    plain.close()
    return Mux(plain.settings, catalog=catalog)


def at_ease(mux: Mux) -> None:
    """Lift every pause, so that each case meets all hosts."""
    for row in mux.catalog.providers.values():
        mux.ledger.uncool(row.id)
        mux.ledger.uncool(f"{row.id}:m")


def question(number: int) -> str:
    """Return what is asked for a case."""
    return f"Please tell me case {number}."


def model(mux: Mux, *, calls: bool) -> object:
    """Return the chat model, with the tool bound where calls are wanted."""
    llm = ChatOpenMux(mux=mux, timeout=20)
    return llm.bind_tools([TOOL]) if calls else llm


def wrong(wanted: str, got: str) -> tuple[int, int]:
    """Return how many characters were said too often and how many are missing."""
    more = less = 0
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, wanted, got, autojunk=False).get_opcodes():
        if kind != "equal":
            less, more = less + i2 - i1, more + j2 - j1
    return more, less
