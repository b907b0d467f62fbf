"""Networks in files come back without loss, or not at all; a digest names exactly one network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    FixedProbabilityConnector,
    FromListConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    Recording,
    Spec,
    SpikeSource,
    StaticSynapse,
    STDPSynapse,
    Values,
    dumps,
    load,
    loads,
    save,
)
from tests.network.strategies import networks

ROOT = Path(__file__).parents[2]


@given(networks())
def test_network_comes_back(network: Network) -> None:
    again = loads(dumps(network))
    assert again == network
    assert again.digest() == network.digest()
    assert hash(again) == hash(network)
    assert dumps(again) == dumps(network)


@given(st.lists(networks(), min_size=6, max_size=6, unique_by=lambda n: n.digest()))
@settings(max_examples=1)
def test_digest_is_the_same_in_another_process(tmp_path_factory, chosen: list[Network]) -> None:
    folder = tmp_path_factory.mktemp("networks")
    for number, network in enumerate(chosen):
        save(network, folder / f"{number}.json")
    code = (
        "import sys; from neuromem.network import load\n"
        "for path in sys.argv[1:]: print(load(path).digest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *sorted(str(p) for p in folder.iterdir())],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
    )
    assert run.stdout.split() == [network.digest() for network in chosen], run.stderr


@given(st.data(), st.sampled_from(["?", "i1", "u8", "i8", "f4", "f8", ">f8"]), st.booleans())
def test_small_array_comes_back_bit_for_bit(data, dtype: str, transposed: bool) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=5))
    finite = {"allow_nan": False, "allow_infinity": False} if "f" in dtype else {}
    array = data.draw(hnp.arrays(dtype, shape, elements=finite))
    _comes_back(array.T if transposed else array)


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f4", "f8", ">f8"])
@pytest.mark.parametrize("shape", [(4097,), (70, 80)])
def test_large_array_comes_back_bit_for_bit(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(5).normal(scale=50, size=shape)
    array = (abs(array) if dtype == "u8" else array).astype(dtype)
    _comes_back(array)
    _comes_back(array.T)


def _comes_back(array: np.ndarray) -> None:
    n_pre, n_post = array.shape if array.ndim == 2 else (1, array.size)
    network = Network(
        name="n",
        populations=[
            SpikeSource(name="s", size=n_pre),
            Population(name="p", size=n_post, neuron=LIF_hard_reset()),
        ],
        projections=[
            Projection(
                pre="s",
                post="p",
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=array),
                receptor_type="signed",
            )
        ],
    )
    again = loads(dumps(network))
    values = again.projections[0].synapse.weight
    assert isinstance(values, Values)
    assert values.array.shape == array.shape
    assert values.array.tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()
    assert again == network and again.digest() == network.digest()


VARIANTS: dict[type[Spec], tuple[dict[str, Any], dict[str, Any]]] = {
    # A definition, and for each of its fields another value.
    IF_curr_exp: (
        {},
        {
            "cm_nf": 1.0000000000000002,
            "tau_m_ms": 21,
            "tau_syn_E_ms": 4,
            "tau_syn_I_ms": 4,
            "tau_refrac_ms": 0.2,
            "v_rest_mv": -66,
            "v_reset_mv": -66,
            "v_thresh_mv": -49,
            "v_init_mv": -64,
            "i_offset_na": 1e-300,
        },
    ),
    IF_curr_delta: (
        {},
        {
            "cm_nf": 2,
            "tau_m_ms": 21,
            "tau_refrac_ms": 0.2,
            "v_rest_mv": -66,
            "v_reset_mv": -66,
            "v_thresh_mv": -49,
            "v_init_mv": -64,
            "i_offset_na": 1,
        },
    ),
    LIF_hard_reset: ({}, {"decay": 0.8, "v_thresh": 2}),
    StaticSynapse: ({"weight": 1}, {"weight": np.ones(1), "delay_ms": 2}),
    STDPSynapse: (
        {"A_plus": 1, "A_minus": 1, "w_max": 2},
        {
            "weight": 1,
            "delay_ms": 2,
            "tau_plus_ms": 1,
            "tau_minus_ms": 1,
            "A_plus": 2,
            "A_minus": 2,
            "w_min": 1,
            "w_max": 3,
            "dendritic_delay_fraction": 0,
            "dt_zero": "potentiate",
            "pairing": "nearest",
            "post_history": 15,
        },
    ),
    AllToAllConnector: ({}, {"skip_same_index": True}),
    OneToOneConnector: ({}, {}),
    FixedProbabilityConnector: (
        {"p_connect": 0.5, "seed": 1},
        {"p_connect": 0.25, "seed": 2, "skip_same_index": True},
    ),
    FromListConnector: ({"connections": [(0, 1)]}, {"connections": [(1, 0)]}),
    ArrayConnector: ({"array": np.eye(2)}, {"array": np.ones((2, 2))}),
    Values: ({"array": np.zeros(3)}, {"array": np.zeros((3, 1))}),
    SpikeSource: ({"name": "a", "size": 1}, {"name": "b", "size": 2}),
    Population: (
        {"name": "a", "size": 1, "neuron": IF_curr_exp()},
        {"name": "b", "size": 2, "neuron": IF_curr_delta()},
    ),
    Projection: (
        {
            "pre": "a",
            "post": "b",
            "connector": AllToAllConnector(),
            "synapse": StaticSynapse(weight=1),
        },
        {
            "pre": "b",
            "post": "c",
            "connector": OneToOneConnector(),
            "synapse": StaticSynapse(weight=2),
            "receptor_type": "inhibitory",
            "label": "x",
        },
    ),
    Recording: ({"target": "a"}, {"target": "b", "variable": "v", "every_ms": 2}),
    Network: (
        {
            "name": "a",
            "populations": [
                SpikeSource(name="s", size=1),
                Population(name="p", size=1, neuron=LIF_hard_reset()),
            ],
        },
        {
            "name": "b",
            "populations": [Population(name="p", size=1, neuron=LIF_hard_reset())],
            "projections": [
                Projection(
                    pre="s",
                    post="p",
                    connector=OneToOneConnector(),
                    synapse=StaticSynapse(weight=1),
                )
            ],
            "recordings": [Recording(target="p")],
            "timestep_ms": 0.1,
            "source": "here",
        },
    ),
}


@pytest.mark.parametrize("kind", VARIANTS, ids=lambda kind: kind.__name__)
def test_digest_changes_with_every_parameter(kind: type[Spec]) -> None:
    base, others = VARIANTS[kind]
    assert set(others) == set(kind.__struct_fields__)
    seen = {kind(**base).digest()}
    for name, value in others.items():
        changed = {**base, name: value}
        if name == "dendritic_delay_fraction":
            changed["dt_zero"] = "potentiate"
        seen.add(kind(**changed).digest())
    assert len(seen) == 1 + len(others)


def test_digest_does_not_tell_a_default_from_the_same_value() -> None:
    assert IF_curr_exp().digest() == IF_curr_exp(v_init_mv=-65.0, tau_m_ms=20).digest()
    assert StaticSynapse(weight=1) == StaticSynapse(weight=1.0, delay_ms=np.float32(1))
    assert StaticSynapse(weight=1) != "StaticSynapse"


SMALL = Network(
    name="small",
    populations=[
        SpikeSource(name="s", size=2),
        Population(name="p", size=2, neuron=LIF_hard_reset()),
    ],
    projections=[
        Projection(
            pre="s",
            post="p",
            connector=ArrayConnector(array=np.array([[1, 0], [0, 1]], dtype="u1")),
            synapse=StaticSynapse(weight=2.0),
        )
    ],
)
TEXT = dumps(SMALL)
DAMAGED = {
    "empty": "",
    "truncated": TEXT[: len(TEXT) // 2],
    "no JSON": "populations: [s, p]",
    "no object": "[1, 2]",
    "no text": "\x00\xff",
    "other format": TEXT.replace('"neuromem-network"', '"nir"'),
    "other version": TEXT.replace('"version": 1', '"version": 2'),
    "unknown key at the top": TEXT.replace('"version": 1', '"version": 1, "author": "x"'),
    "unknown key inside": TEXT.replace('"weight": 2.0', '"weight": 2.0, "wieght": 1'),
    "unknown neuron": TEXT.replace("LIF_hard_reset", "LIF_soft_reset"),
    "missing key": TEXT.replace('"post": "p",', ""),
    "bad value": TEXT.replace('"size": 2', '"size": 0'),
    "infinite value": TEXT.replace('"weight": 2.0', '"weight": 1e999'),
    "invalid network": TEXT.replace('"post": "p"', '"post": "q"'),
    "array without a type": TEXT.replace('"dtype": "|u1",', ""),
    "array of objects": TEXT.replace("|u1", "O"),
    "array of the wrong size": re.sub(r'"shape": \[[^]]*\]', '"shape": [3, 3]', TEXT),
    "array element out of range": re.sub(r'"values": \[\s*1', '"values": [300', TEXT),
    "array of damaged base64": re.sub(r'"values": \[[^]]*\]', '"zlib_base64": "eJx%%"', TEXT),
    "array of damaged zlib": re.sub(r'"values": \[[^]]*\]', '"zlib_base64": "AAAA"', TEXT),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_file_is_named(case: str, tmp_path: Path) -> None:
    assert DAMAGED[case] != TEXT
    path = tmp_path / "net.json"
    path.write_text(DAMAGED[case], encoding="latin-1")
    with pytest.raises(ValueError, match=re.escape(str(path))):
        load(path)


@given(st.data())
def test_truncated_text_is_never_a_network(data) -> None:
    length = data.draw(st.integers(0, len(TEXT.rstrip()) - 1))
    with pytest.raises(ValueError, match="not a network file"):
        loads(TEXT[:length])


def test_missing_file() -> None:
    with pytest.raises(FileNotFoundError):
        load("nowhere/net.json")


def test_save_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text("old", encoding="utf-8")
    assert save(SMALL, path) == path
    assert load(path) == SMALL
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]


def test_save_without_a_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        save(SMALL, tmp_path / "missing" / "net.json")
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        save(SMALL, tmp_path / "file" / "net.json")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_save_in_a_read_only_folder_leaves_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            save(SMALL, tmp_path / "net.json")
        assert not list(tmp_path.iterdir())
    finally:
        tmp_path.chmod(0o700)


def test_save_onto_a_folder_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "net.json").mkdir()
    with pytest.raises(OSError):
        save(SMALL, tmp_path / "net.json")
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]
