"""Converters and wires, the latter against the solution of the whole circuit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuromem.rram import ColumnADC, ir_drop


def solve(g_us, wire_ohm, driven):
    """Return the column currents (µA at 1 V) of a crossbar, every node solved exactly.

    Row i is driven at column 0 behind one wire segment, column j is sensed at ground behind one
    segment after the last row. The transistors of rows that are not driven are open.
    """
    g_us = g_us * driven[:, None]
    rows, columns = g_us.shape
    wire = 1e6 / wire_ohm
    size = rows * columns
    matrix, right = np.zeros((2 * size, 2 * size)), np.zeros(2 * size)

    def join(a, b, g):
        matrix[a, a] += g
        matrix[b, b] += g
        matrix[a, b] -= g
        matrix[b, a] -= g

    for i in range(rows):
        for j in range(columns):
            top, bottom = i * columns + j, size + i * columns + j
            join(top, bottom, g_us[i, j])
            if j:
                join(top - 1, top, wire)
            else:
                matrix[top, top] += wire
                right[top] += wire * driven[i]
            if i < rows - 1:
                join(bottom, bottom + columns, wire)
            else:
                matrix[bottom, bottom] += wire
    volts = np.linalg.solve(matrix, right)
    return volts[2 * size - columns :] * wire


@given(
    arrays(np.float64, 20, elements=st.floats(-3, 3)),
    st.integers(2, 14),
    st.floats(0.1, 2.5),
)
def test_a_converter_errs_by_half_a_code_and_saturates(columns, bits, full_scale):
    adc = ColumnADC(bits=bits, full_scale=full_scale)
    read = adc.read(columns)
    inside = np.clip(columns, -full_scale, full_scale)
    assert np.all(np.abs(read - inside) <= adc.spacing / 2 * (1 + 1e-9))
    assert np.all(np.abs(read) <= full_scale * (1 + 1e-12))
    assert np.array_equal(adc.read(-columns), -read)
    assert np.allclose(adc.read(read), read, atol=1e-12)


def test_a_converter_has_its_codes():
    adc = ColumnADC(bits=3, full_scale=3.0)
    read = adc.read(np.linspace(-5, 5, 1001))
    assert np.unique(read).tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert adc.read(np.zeros(1)) == 0


@pytest.mark.parametrize("fields", [{"bits": 1, "full_scale": 1.0}, {"bits": 8, "full_scale": 0.0}])
def test_bad_converters_are_refused(fields):
    with pytest.raises(ValueError, match="ColumnADC"):
        ColumnADC(**fields)


@pytest.mark.parametrize("all_active", [True, False])
def test_wires_cost_what_the_whole_circuit_says(all_active):
    g = np.random.default_rng(0).uniform(5, 20, (12, 9))
    driven = np.ones(12) if all_active else (np.arange(12) == 2).astype(float)
    exact = solve(g, 2.0, driven)
    ideal = driven @ g
    estimate = driven @ ir_drop(g, 2.0, driven)
    lost = ideal - exact
    assert np.all(lost > 0)
    assert np.all(np.abs(estimate - exact) < 0.002 * lost)


def test_the_estimate_is_exact_to_first_order_in_the_wire():
    g = np.random.default_rng(1).uniform(5, 20, (6, 5))
    driven = np.ones(6)
    errors = [
        np.abs(driven @ ir_drop(g, wire, driven) - solve(g, wire, driven)).max()
        for wire in (4.0, 2.0)
    ]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


def test_a_single_cell_is_in_series_with_its_wires():
    for i, j in ((0, 0), (3, 1), (5, 4)):
        g = np.zeros((6, 5))
        g[i, j] = 20.0
        driven = (np.arange(6) == i).astype(float)
        exact = solve(np.maximum(g, 1e-9), 100.0, driven)[j]
        assert ir_drop(g, 100.0)[i, j] == pytest.approx(exact, rel=1e-6)
        segments = (j + 1) + (6 - i)
        assert ir_drop(g, 100.0)[i, j] == pytest.approx(1 / (1 / 20 + segments * 1e-4))


def test_cells_alone_lose_the_least():
    g = np.random.default_rng(2).uniform(0, 20, (8, 8))
    alone, shared = ir_drop(g, 5.0), ir_drop(g, 5.0, np.ones(8))
    assert np.all(shared <= alone)
    assert np.all(alone <= g)
    assert np.array_equal(ir_drop(g, 0.0), g)


def test_bad_wires_are_refused():
    g = np.ones((3, 2))
    with pytest.raises(ValueError, match="wire_ohm_per_cell"):
        ir_drop(g, float("nan"))
    with pytest.raises(ValueError, match="give a matrix"):
        ir_drop(np.ones(3), 1.0)
    with pytest.raises(ValueError, match="nothing below 0"):
        ir_drop(-g, 1.0)
    with pytest.raises(ValueError, match="give 3 numbers"):
        ir_drop(g, 1.0, np.ones(2))
