"""What a grouping remembers of the last time, so that the next need not begin anew; and its form as bytes. Pure.

It is derived from faces and corrections and may be lost at any time: then everything is grouped once in full.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What a cluster of founders is: too little for a person, a person, or a person only because somebody named it.
NOBODY, PERSON, BY_NAME = 0, 1, 2

# Changes with the algorithm: what an older one remembers is worth nothing.
VERSION = 1
_ID = 16
_FACES = {"component": "<i4", "cluster": "<i4", "joined": "<i4", "leaf": "?", "told": "?"}


@dataclass(frozen=True, eq=False)
class Memory:
    """Arrays by face: the ``component`` and ``cluster`` of founders (-1: none), the cluster ``joined`` as a leaf, and
    whether it is a ``leaf`` and was ``told`` something. ``faces`` holds 16 bytes of id each. By component: a digest
    of what was said (``laws``). By cluster: ``kinds``. ``targets``: clusters with a centroid, of which ``totals``
    [T, D] sums the founders' quantised embeddings. ``rules``: the parameters it was made with."""

    rules: tuple[float, ...]
    faces: tuple[bytes, ...]
    component: NDArray[np.intp]
    cluster: NDArray[np.intp]
    joined: NDArray[np.intp]
    leaf: NDArray[np.bool_]
    told: NDArray[np.bool_]
    laws: tuple[bytes, ...]
    kinds: NDArray[np.int8]
    targets: NDArray[np.intp]
    totals: NDArray[np.float64]

    @classmethod
    def empty(cls) -> Memory:
        none, no = np.zeros(0, dtype=np.intp), np.zeros(0, dtype=bool)
        kinds, totals = np.zeros(0, dtype=np.int8), np.zeros((0, 1))
        return cls((), (), none, none, none, no, no, (), kinds, none, totals)

    def to_bytes(self) -> bytes:
        """About 30 bytes for each face and a kilobyte for each person."""
        said = {c: law.hex() for c, law in enumerate(self.laws) if law}
        head = json.dumps(
            {
                "version": VERSION,
                "rules": self.rules,
                "faces": len(self.faces),
                "components": len(self.laws),
                "said": said,
                "clusters": len(self.kinds),
                "shape": self.totals.shape,
            }
        ).encode()
        arrays = [np.asarray(getattr(self, name)).astype(dtype) for name, dtype in _FACES.items()]
        arrays += [self.kinds.astype("i1"), self.targets.astype("<i4"), self.totals.astype("<i4")]
        return b"".join([len(head).to_bytes(4, "big"), head, *self.faces, *(array.tobytes() for array in arrays)])

    @classmethod
    def from_bytes(cls, data: bytes) -> Memory | None:
        """None for what another version, or nobody, wrote."""
        try:
            start = 4 + int.from_bytes(data[:4], "big")
            head = json.loads(data[4:start])
            if head["version"] != VERSION:
                return None
            count, rest = int(head["faces"]), memoryview(data)[start:]
            read = _Reader(rest)
            ids = bytes(read.take(count * _ID))
            by_face: dict[str, Any] = {name: read.array(dtype, count) for name, dtype in _FACES.items()}
            kinds = read.array("i1", head["clusters"])
            shape = head["shape"]
            targets, totals = read.array("<i4", shape[0]), read.array("<i4", shape[0] * shape[1]).reshape(shape)
            laws = [b""] * int(head["components"])
            for c, law in head["said"].items():
                laws[int(c)] = bytes.fromhex(law)
        except (ValueError, KeyError, IndexError, TypeError):
            return None
        for name in ("component", "cluster", "joined"):
            by_face[name] = by_face[name].astype(np.intp)
        return cls(
            rules=tuple(head["rules"]),
            faces=tuple(ids[i : i + _ID] for i in range(0, len(ids), _ID)),
            laws=tuple(laws),
            kinds=kinds.astype(np.int8),
            targets=targets.astype(np.intp),
            totals=totals.astype(np.float64),
            **by_face,
        )


class _Reader:
    def __init__(self, data: memoryview) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> memoryview:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise ValueError("cut short")
        self._at += size
        return part

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(count * np.dtype(dtype).itemsize), dtype=dtype)
