"""Fills the README's generated blocks: the graph drawn by itself, and the providers.

python .ci/build/make_readme.py           # writes
python .ci/build/make_readme.py --check   # exit code 1 if a block is out of date
"""

import argparse
import re
import sys
from pathlib import Path

from openmux_lc import Mux, Settings, create_openmux_graph
from openmux_lc.cli.providers import limits_text
from openmux_lc.types.catalog import Provider

README = Path(__file__).parents[2] / "README.md"


def graph() -> str:
    """Return the graph as a Mermaid block."""
    drawing = create_openmux_graph().compile().get_graph().draw_mermaid()
    return f"```mermaid\n{drawing.strip()}\n```"


def providers() -> str:
    """Return the table of the catalog's rows."""
    mux = Mux(Settings(offline=True, state_url="memory:"))
    rows = sorted(mux.catalog.providers.values(), key=lambda row: (not row.is_on, row.is_local, row.rank, row.id))
    lines = ["| provider | key | free limits | trains on it | checked |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        limits = limits_text(row.limits) or ("your hardware" if row.is_local else "not told")
        told = limits if row.is_on else f"off: {row.off_reason}"
        lines.append(f"| [{row.name}]({page(row)}) `{row.id}` | {key(row)} | {told} | {trains(row)} | {row.as_of} |")
    return "\n".join(lines)


def page(row: Provider) -> str:
    """Return the sign-up page, or the address."""
    return row.signup_url or row.base_url


def trains(row: Provider) -> str:
    """Return whether the host may train on what is sent, in a word."""
    return "no" if row.is_local else row.trains_on_data.split(":")[0].split(";")[0].strip() or "unknown"


def key(row: Provider) -> str:
    """Return the variable of the key, or why there is none."""
    if row.auth.mode == "none" or not row.auth.env:
        return "none"
    names = [row.auth.env[0], *(variables[0] for variables in row.base_url_env.values())]
    return " and ".join(f"`{name}`" for name in names) + (" (optional)" if row.auth.mode == "optional" else "")


def filled(text: str) -> str:
    """Return the README with its blocks filled."""
    for name, block in (("graph", graph()), ("providers", providers())):
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda found, block=block: f"{found[1]}{block}\n{found[2]}", text)
    return text


def main() -> int:
    """Write the README, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    before = README.read_text(encoding="utf-8")
    after = filled(before)
    if parser.parse_args().check:
        return int(before != after)
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
