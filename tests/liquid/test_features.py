"""What is read out of a liquid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.liquid import Features

KINDS = ("count", "membrane", "trace", "latency")


def outputs(samples: int, bins: int, neurons: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        kind: rng.integers(0, 50, (samples, bins, neurons)).astype(
            np.float32 if kind in ("membrane", "trace") else np.uint16
        )
        for kind in KINDS
    }


@given(
    st.permutations(KINDS).flatmap(lambda k: st.integers(1, 4).map(lambda n: tuple(k[:n]))),
    st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(1, 5)),
    st.booleans(),
)
def test_columns_are_kinds_then_bins_then_neurons(kinds, shape, square_root):
    samples, bins, neurons = shape
    given = outputs(*shape)
    features = Features(kinds=kinds, bins=bins, square_root=square_root).matrix(given)
    assert features.dtype == np.float32
    assert features.shape == (samples, len(kinds) * bins * neurons)
    cube = features.reshape(samples, len(kinds), bins, neurons)
    for k, kind in enumerate(kinds):
        expected = given[kind].astype(np.float32)
        if kind == "count" and square_root:
            expected = np.sqrt(expected)
        assert np.array_equal(cube[:, k], expected)


def test_the_outputs_are_left_alone():
    given = outputs(2, 3, 4)
    before = {kind: values.copy() for kind, values in given.items()}
    features = Features(kinds=KINDS, bins=3, square_root=True).matrix(given)
    features += 1
    one = Features(kinds=("membrane",), bins=3).matrix(given)
    one += 1
    assert all(np.array_equal(given[kind], before[kind]) for kind in KINDS)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kinds": ()}, "name each kind once, at least one"),
        ({"kinds": ("count", "count")}, "name each kind once"),
        ({"kinds": ("spikes",)}, "Features.kinds = .*spikes"),
        ({"bins": 0}, "Features.bins = 0"),
        ({"bins": 1.5}, r"Features.bins = 1\.5"),
        ({"trace_decay": 1.5}, r"Features.trace_decay = 1\.5"),
        ({"trace_decay": float("nan")}, "Features.trace_decay = nan"),
    ],
)
def test_bad_features_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Features(**fields)
