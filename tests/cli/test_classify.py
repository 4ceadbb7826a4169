"""`openmux classify`: one line for each line, in order."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import Invoke, Openmux, environment

LINES = [
    {"text": "Write a Python function that reverses a list."},
    {"text": "Hello, how are you?"},
    {"text": "What is in this picture?", "attachments": ["image"]},
    {"text": "Read this aloud: good morning", "attachments": []},
    {"text": "Draw a cat with a hat."},
]


def as_jsonl(lines: list[dict[str, object]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize("from_file", [True, False])
def test_jsonl_gives_one_object_for_each_line_in_order(invoke: Invoke, tmp_path: Path, *, from_file: bool):
    """The contract: `{"task", "tasks", "confidence", "difficulty"}` for every line."""
    path = tmp_path / "lines.jsonl"
    path.write_text(as_jsonl(LINES), encoding="utf-8")

    ended = invoke("classify", "--jsonl", str(path) if from_file else "-", stdin=as_jsonl(LINES))

    told = [json.loads(line) for line in ended.stdout.splitlines()]
    alone = [
        json.loads(invoke("classify", "--json", str(line["text"])).stdout)
        for line in LINES
        if not line.get("attachments")
    ]
    assert ended.exit_code == 0
    assert [{"task", "tasks", "confidence", "difficulty"}] * len(LINES) == [set(entry) for entry in told]
    assert alone == [entry for entry, line in zip(told, LINES, strict=True) if not line.get("attachments")]
    assert all(entry["task"] == entry["tasks"][0] or entry["task"] in entry["tasks"] for entry in told)
    assert [told[0]["task"], told[4]["task"]] == ["code", "image"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{bad", "not JSON"),
        ("[1]", "no `text`"),
        ('{"attachments": []}', "no `text`"),
        ('{"text": 7}', "no `text`"),
        ('{"text": "x", "attachments": "image"}', "list of kinds"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_ends_it_with_its_number_after_those_before(invoke: Invoke, line: str, problem: str):
    ended = invoke("classify", "--jsonl", "-", stdin=f'{{"text": "hi"}}\n\n{line}\n{{"text": "never"}}\n')

    assert ended.exit_code == 2
    assert len(ended.stdout.splitlines()) == 1
    assert "standard input:3" in ended.stderr
    assert problem in ended.stderr


def test_an_attachment_of_an_unknown_kind_does_not_end_it(invoke: Invoke):
    text = "Write a Python function that reverses a list."
    lines: list[dict[str, object]] = [
        {"text": text},
        {"text": text, "attachments": ["file", "smell"]},
        {"text": "What is this?", "attachments": ["image"]},
        {"text": "What is this?", "attachments": ["file", "image"]},
    ]

    ended = invoke("classify", "--jsonl", "-", stdin=as_jsonl(lines))

    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.exit_code == 0
    assert 4 == len(told)
    assert (told[0], told[2]) == (told[1], told[3])


def test_a_line_that_is_no_utf8_is_named(openmux: Openmux):
    ended = openmux("classify", "--jsonl", "-", stdin=b'{"text": "hi"}\n{"text": "\xff"}\n')

    assert ended.code == 2
    assert len(ended.out.splitlines()) == 1
    assert "standard input:2: not UTF-8" in ended.err


def test_a_missing_file_is_named(invoke: Invoke):
    ended = invoke("classify", "--jsonl", "nowhere.jsonl")

    assert ended.exit_code == 2
    assert "nowhere.jsonl" in ended.stderr


@pytest.mark.parametrize("words", [(), ("text", "--jsonl", "-")])
def test_either_a_text_or_a_file(invoke: Invoke, words: tuple[str, ...]):
    ended = invoke("classify", *words)

    assert ended.exit_code == 2
    assert "either" in ended.stderr


def test_explain_tells_the_cues(invoke: Invoke):
    ended = invoke("classify", "--explain", "Write a Python function that reverses a list.")

    assert ended.exit_code == 0
    assert ended.stdout.startswith("task        code\n")
    assert "because" in ended.stdout


def test_explain_as_json_has_the_cues_too(invoke: Invoke):
    told = json.loads(invoke("classify", "--explain", "--json", "Write a Python function.").stdout)

    assert told["evidence"]
    assert isinstance(told["tags"], list)


def test_a_reader_who_leaves_ends_it_quietly(tmp_path: Path):
    """`openmux classify --jsonl F | head -1` is no error of ours."""
    path = tmp_path / "many.jsonl"
    path.write_text('{"text": "hello"}\n' * 20_000, encoding="utf-8")

    with subprocess.Popen(
        [sys.executable, "-P", "-m", "openmux_lc.cli", "classify", "--jsonl", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
        code = process.wait(30)

    assert (141, b"") == (code, told)
