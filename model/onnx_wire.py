"""ONNX models as bytes, written without the `onnx` package, so that serving can make a graph when it opens a model.

Numbers of fields and kinds are those of onnx.proto3 (ONNX 1.19, IR version 11); the encoding is protocol buffers'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

IR_VERSION = 11
DOMAINS = {"": 23, "com.microsoft": 1}  # operator sets by their domain
KINDS = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7, "float16": 10}
_FLOAT, _INTEGER, _TEXT, _INTEGERS = 1, 2, 3, 7  # kinds of attributes
_EXTERNAL = 1  # where a tensor's content is: not in the model
_VARINT, _LENGTH, _FIXED32 = 0, 2, 5

Shape = Sequence[int | str]


def tensor(name: str, values: npt.NDArray[Any]) -> bytes:
    """A TensorProto. Raises KeyError for a dtype that KINDS does not name."""
    dims = b"".join(_integer(1, size) for size in values.shape)
    content = np.ascontiguousarray(values).tobytes()  # little-endian, as ONNX wants it
    return dims + _integer(2, KINDS[values.dtype.name]) + _text(8, name) + _bytes(9, content)


def outside(name: str, values: npt.NDArray[Any]) -> bytes:
    """A TensorProto without content, which a session is given by name. Raises KeyError as `tensor` does."""
    dims = b"".join(_integer(1, size) for size in values.shape)
    place = _text(1, "location") + _text(2, "memory")  # a file's name, which is not looked for
    length = _text(1, "length") + _text(2, str(values.nbytes))
    described = _integer(2, KINDS[values.dtype.name]) + _text(8, name)
    return dims + described + _bytes(13, place) + _bytes(13, length) + _integer(14, _EXTERNAL)


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str, attributes: Mapping[str, Any]) -> bytes:
    """A NodeProto. Attributes are int, float, str or a sequence of int."""
    return b"".join(
        [
            *(_text(1, one) for one in inputs),
            *(_text(2, one) for one in outputs),
            _text(3, outputs[0]),
            _text(4, op),
            *(_bytes(5, _attribute(name, value)) for name, value in attributes.items()),
            _text(7, domain),
        ]
    )


def value(name: str, kind: str, shape: Shape) -> bytes:
    """A ValueInfoProto: an input or an output; sizes that vary are named."""
    dims = b"".join(_bytes(1, _text(2, size) if isinstance(size, str) else _integer(1, size)) for size in shape)
    described = _integer(1, KINDS[kind]) + _bytes(2, dims)
    return _text(1, name) + _bytes(2, _bytes(1, described))


def model(
    name: str, nodes: Sequence[bytes], tensors: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes]
) -> bytes:
    """A ModelProto over what the functions above gave."""
    graph = [
        *(_bytes(1, one) for one in nodes),
        _text(2, name),
        *(_bytes(5, one) for one in tensors),
        *(_bytes(11, one) for one in inputs),
        *(_bytes(12, one) for one in outputs),
    ]
    sets = (_bytes(8, _text(1, domain) + _integer(2, version)) for domain, version in DOMAINS.items())
    return b"".join([_integer(1, IR_VERSION), _text(2, "icd-cascade"), _bytes(7, b"".join(graph)), *sets])


def _attribute(name: str, held: object) -> bytes:
    if isinstance(held, int):
        return _text(1, name) + _integer(3, held) + _integer(20, _INTEGER)
    if isinstance(held, float):
        return _text(1, name) + _key(2, _FIXED32) + np.float32(held).tobytes() + _integer(20, _FLOAT)
    if isinstance(held, str):
        return _text(1, name) + _text(4, held) + _integer(20, _TEXT)
    if isinstance(held, Sequence):
        return _text(1, name) + b"".join(_integer(8, one) for one in held) + _integer(20, _INTEGERS)
    raise TypeError(f"attribute {name} holds a {type(held).__name__}")


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _integer(field: int, number: int) -> bytes:
    return _key(field, _VARINT) + _varint(number & 0xFFFF_FFFF_FFFF_FFFF)  # negative ones in two's complement


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, _LENGTH) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, lowest first; the top bit says that more follow."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
