"""The base of every definition: immutable, validated when built, serialisable without loss."""

from __future__ import annotations

import base64
import hashlib
import math
import zlib
from typing import Any

import msgspec
import numpy as np

#: Arrays up to this many elements are written as plain lists, larger ones compressed.
READABLE_ELEMENTS = 4096


class Spec(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    eq=False,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag=True,
):
    """Immutable record whose fields are checked against their annotations when it is built.

    Two specs are equal when their canonical serialisations are; see :meth:`digest`.

    Raises
    ------
    ValueError
        When a field violates its annotation, naming the field, the value and the bound.
    """

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(type(self)):
            value = getattr(self, field.name)
            checked = _checked(type(self).__name__, field, value)
            if checked is not value:
                msgspec.structs.force_setattr(self, field.name, checked)

    def canonical(self) -> bytes:
        """Return the canonical JSON text of this spec, fields sorted, defaults spelled out."""
        return msgspec.json.encode(_complete(self), enc_hook=encode_array, order="sorted")

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON: a stable name for provenance."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def __eq__(self, other: object) -> bool:
        """Return whether the other spec has the same type and the same canonical form."""
        if type(self) is not type(other):
            return NotImplemented
        return self is other or self.canonical() == other.canonical()  # type: ignore[attr-defined]

    def __ne__(self, other: object) -> bool:
        """Return the opposite of ``==``, which msgspec's own ``!=`` would not."""
        return not self == other

    def __hash__(self) -> int:
        """Return a hash of the canonical form."""
        return hash(self.canonical())


class Values(Spec, frozen=True, kw_only=True):
    """A read-only array inside a definition, such as a weight per connection or a weight matrix.

    Parameters
    ----------
    array
        Any finite numeric array. It is copied and made read-only.

    Raises
    ------
    ValueError
        When an element is NaN or infinite.
    """

    array: np.ndarray

    def __post_init__(self) -> None:
        array = np.array(self.array, copy=True)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"array of dtype {array.dtype} in a definition: give numbers")
        if not np.all(np.isfinite(array)):
            bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"array element {bad} = {array[bad]}: every element must be finite")
        array.flags.writeable = False
        msgspec.structs.force_setattr(self, "array", array)


def _checked(owner: str, field: msgspec.structs.FieldInfo, value: Any) -> Any:
    """Return the value converted to its field's type, or raise a ValueError that names it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = Values(array=value)
    if isinstance(value, list):
        value = tuple(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{owner}.{field.name} = {value}: must be a finite number")
    try:
        return msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        reason = str(error).replace("Expected", "must be").replace("`", "")
        raise ValueError(f"{owner}.{field.name} = {value!r}: {reason}") from None


def encode_array(value: Any) -> Any:
    """Encode a numpy array as JSON: nested lists when small, compressed base64 when large."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"cannot serialise {type(value).__name__}")
    dtype = value.dtype.newbyteorder("<").str
    if value.size <= READABLE_ELEMENTS:
        return {"dtype": dtype, "shape": list(value.shape), "values": value.ravel().tolist()}
    raw = np.ascontiguousarray(value, dtype=dtype).tobytes()
    text = base64.b64encode(zlib.compress(raw)).decode("ascii")
    return {"dtype": dtype, "shape": list(value.shape), "zlib_base64": text}


def decode_array(kind: type, value: Any) -> Any:
    """Decode what :func:`encode_array` wrote."""
    if kind is not np.ndarray:
        raise NotImplementedError(kind)
    try:
        dtype = np.dtype(value["dtype"])
        if "values" in value:
            flat = np.array(value["values"], dtype=dtype)
        else:
            flat = np.frombuffer(zlib.decompress(base64.b64decode(value["zlib_base64"])), dtype)
        return flat.reshape(value["shape"])
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error) as error:
        raise ValueError(f"not an array: {error}") from None


def _complete(value: Any) -> Any:
    """Spell out every field, defaults included, so that a digest outlives a changed default."""
    if isinstance(value, Spec):
        fields = {name: _complete(getattr(value, name)) for name in value.__struct_fields__}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, tuple):
        return [_complete(item) for item in value]
    return value
