"""The tuned model as the product runs it: one ONNX graph in int8, embeddings included, 23 MB."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from failbot.encoder import export
from failbot.encoder.onnx import GRAPH
from failbot.encoder.transformers import TransformersEncoder
from failbot.encoder.weights import Weights, file_sha256

STEPS = 127  # int8, symmetric
LARGE = 250_000  # numbers; the position vectors, 0.8 MB, stay as they are
SMALLEST = 1e-12


def pack(model: Path, folder: Path, *, name: str) -> None:
    """Writes graph, tokenizer and manifest of the model saved in `model` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = Weights(name, model, file_sha256(model / "model.safetensors"))
    manifest = export._write(TransformersEncoder(weights), folder)
    precise = (folder / GRAPH).rename(folder / "float32.onnx")
    export._write_int8(precise, folder / GRAPH)
    shrink(folder / GRAPH)
    precise.unlink()
    replace(manifest, precision="int8", sha256=export._sums(folder)).write(folder)


def shrink(file: Path) -> None:
    """Stores in int8 what the products left in float32: word vectors by row, weights by column."""
    model = onnx.load(file)
    graph = model.graph
    for weights in [one for one in graph.initializer if _is_large(one)]:
        nodes = [node for node in graph.node if weights.name in node.input]
        if all(node.op_type == "Gather" for node in nodes):
            _put(graph, _gathered(graph, weights, nodes), instead=nodes)
        elif all(node.op_type == "MatMul" for node in nodes):
            _put(graph, [_widened(graph, weights)], before=nodes[0])
    onnx.save(model, file)


def _is_large(weights: TensorProto) -> bool:
    return bool(weights.data_type == TensorProto.FLOAT and math.prod(weights.dims) > LARGE)


def _gathered(
    graph: GraphProto, weights: TensorProto, nodes: Sequence[NodeProto]
) -> list[NodeProto]:
    """Look-ups of int8 rows, widened and scaled: a scale for each row."""
    rows, scales = quantised(numpy_helper.to_array(weights), axis=1)
    name = weights.name
    _swap(graph, weights, {f"{name}_int8": rows, f"{name}_scale": scales})
    made = []
    for node in nodes:
        out = node.output[0]
        made += [
            helper.make_node("Gather", [f"{name}_int8", node.input[1]], [f"{out}_int8"], axis=0),
            helper.make_node("Gather", [f"{name}_scale", node.input[1]], [f"{out}_scale"], axis=0),
            helper.make_node("Cast", [f"{out}_int8"], [f"{out}_wide"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{out}_wide", f"{out}_scale"], [out]),
        ]
    return made


def _widened(graph: GraphProto, weights: TensorProto) -> NodeProto:
    """Weights of a product that stays in float32, stored in int8: a scale for each column."""
    steps, scales = quantised(numpy_helper.to_array(weights), axis=0)
    name = weights.name
    zeros = np.zeros(scales.size, np.int8)
    parts: dict[str, NDArray[Any]] = {
        f"{name}_int8": steps,
        f"{name}_scale": scales.ravel(),
        f"{name}_zero": zeros,
    }
    _swap(graph, weights, parts)
    return helper.make_node("DequantizeLinear", [*parts], [name], axis=1)


def quantised(
    values: NDArray[np.float32], *, axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 steps and the size of a step, one for all values along the axis (kept, length 1)."""
    largest = np.abs(values).max(axis=axis, keepdims=True)
    scales = np.maximum(largest / STEPS, SMALLEST).astype(np.float32)
    return np.rint(values / scales).astype(np.int8), scales


def _swap(graph: GraphProto, old: TensorProto, new: dict[str, NDArray[Any]]) -> None:
    graph.initializer.remove(old)
    graph.initializer.extend(numpy_helper.from_array(part, name) for name, part in new.items())


def _put(
    graph: GraphProto,
    made: Sequence[NodeProto],
    *,
    instead: Sequence[NodeProto] = (),
    before: NodeProto | None = None,
) -> None:
    """Inserts nodes where the first of `instead`, or `before`, stands."""
    place = list(graph.node).index(before or instead[0])
    for node in instead:
        graph.node.remove(node)
    for offset, node in enumerate(made):
        graph.node.insert(place + offset, node)
