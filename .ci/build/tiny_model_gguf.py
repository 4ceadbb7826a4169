"""Write a small Llama model out of a Hugging Face folder as GGUF, for llama.cpp and Ollama."""

import json
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Kind = Literal["F16", "Q8_0"]
Array = NDArray[Any]

_LAYER = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def write_gguf(folder: Path, path: Path, kind: Kind) -> None:
    """Write the model of `folder` to `path` with weights of `kind`."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(str(path), "llama")
    _add_shape(writer, config, kind)
    _add_tokenizer(writer, folder, config["vocab_size"])
    weights = load_file(folder / "model.safetensors")
    _add_tensor(writer, "token_embd.weight", weights["model.embed_tokens.weight"], kind)
    _add_tensor(writer, "output_norm.weight", weights["model.norm.weight"], kind)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    for layer in range(config["num_hidden_layers"]):
        for ours, theirs in _LAYER.items():
            weight = weights[f"model.layers.{layer}.{theirs}.weight"]
            weight = _in_gguf_order(weight, heads[ours]) if ours in heads else weight
            _add_tensor(writer, f"blk.{layer}.{ours}.weight", weight, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_shape(writer: gguf.GGUFWriter, config: dict[str, Any], kind: Kind) -> None:
    writer.add_name("tiny-openmux")
    writer.add_description("A tiny test model made from generated text")
    writer.add_license("CC0-1.0")
    writer.add_size_label("2M")
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if kind == "F16" else gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_rope_freq_base((config.get("rope_parameters") or config)["rope_theta"])


def _add_tokenizer(writer: gguf.GGUFWriter, folder: Path, size: int) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    added = {token["content"]: token for token in tokenizer["added_tokens"]}
    numbers = {**tokenizer["model"]["vocab"], **{text: token["id"] for text, token in added.items()}}
    types = [gguf.TokenType.NORMAL] * size
    for token in added.values():
        types[token["id"]] = gguf.TokenType.CONTROL if token["special"] else gguf.TokenType.USER_DEFINED
    merges = tokenizer["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(sorted(numbers, key=numbers.__getitem__))
    writer.add_token_types(types)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(numbers["<|im_end|>"])
    writer.add_eot_token_id(numbers["<|im_end|>"])
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(value=False)
    writer.add_chat_template((folder / "chat_template.jinja").read_text(encoding="utf-8"))


def _in_gguf_order(weight: Array, heads: int) -> Array:
    """Return rotary weights in the order of GGUF: pairs side by side instead of halves."""
    split = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return split.swapaxes(1, 2).reshape(weight.shape)


def _add_tensor(writer: gguf.GGUFWriter, name: str, weight: Array, kind: Kind) -> None:
    """Add a tensor; vectors stay in full precision."""
    full = np.ascontiguousarray(weight.astype(np.float32))
    if full.ndim == 1:
        writer.add_tensor(name, full)
    elif kind == "F16":
        writer.add_tensor(name, full.astype(np.float16))
    else:
        q8_0 = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(full, q8_0), raw_dtype=q8_0)
