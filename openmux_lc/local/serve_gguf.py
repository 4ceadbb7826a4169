"""Serve a GGUF model with llama.cpp: the program that `embedded_engine` starts.

It prints one JSON line with its address and lives as long as its standard input, so
it cannot outlive the process that started it. It needs nothing of this package.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Load the model, tell the address, and serve until standard input ends."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end ends us
    import xllamacpp  # the extra `demo`; 0.1 s, so not before the options are read

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.model_alias = {options.alias}
    params.hostnames, params.port = ["127.0.0.1"], options.port
    params.n_ctx, params.n_parallel, params.n_gpu_layers = options.context, 1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.use_jinja, params.endpoint_props = True, True
    params.warmup, params.ui = False, False
    params.verbosity = 1
    if options.embedding:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    if options.api_key:
        params.api_keys = [options.api_key]
    server = xllamacpp.Server(params)
    sys.stdout.write(json.dumps({"root_url": server.listening_address}) + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    os._exit(0)  # stopping the server in order can hang (seen right after its start); nothing here needs it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="openmux_lc.local.serve_gguf", description="Serve a GGUF model on loopback.")
    parser.add_argument("model", help="path of the GGUF file")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--alias", default="tiny-openmux", help="the model's id")
    parser.add_argument("--context", type=int, default=2048, help="tokens")
    parser.add_argument("--embedding", action="store_true", help="serve embeddings instead of chat")
    parser.add_argument("--api-key", default="", help="refuse requests without this bearer token")
    return parser


if __name__ == "__main__":
    main()
