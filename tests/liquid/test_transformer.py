"""A liquid in scikit-learn: pipelines, grids and copies, with recordings as X."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuromem.events import Events, EventSet, Framing
from neuromem.liquid import (
    Features,
    Liquid,
    LiquidTransformer,
    calibrate,
    encode,
    firing_rate,
    published_nmnist,
)
from tests.recordings import NMNIST, needs

SIZE = (8, 3, 1)
LIQUID = Liquid(
    framing=Framing(sensor_size=SIZE, steps=16),
    neurons=60,
    features=Features(bins=4),
)


def bars(n: int, seed: int = 0) -> EventSet:
    """Return bars that move to the right (class 1) or left (0), with noise: alike but for time."""
    rng = np.random.default_rng(seed)
    parts, labels = [], np.arange(n) % 2
    for label in labels:
        t = np.sort(rng.integers(0, 8000, 150))
        x = t // 1000 if label else 7 - t // 1000
        noise = rng.random(150) < 0.3
        x = np.where(noise, rng.integers(0, 8, 150), x)
        parts.append(Events.of(x, t, SIZE, rng.integers(0, 3, 150)))
    return EventSet.of(parts, labels, "bars")


def model(liquid: Liquid = LIQUID, target_rate: float | None = 0.1):
    return make_pipeline(
        LiquidTransformer(liquid, target_rate=target_rate), StandardScaler(), RidgeClassifier()
    )


def test_a_grid_searches_fields_of_the_liquid():
    data = bars(60)
    grid = {
        "liquidtransformer__liquid__neurons": [6, 60],
        "liquidtransformer__liquid__seed": [0, 1],
    }
    search = GridSearchCV(model(), grid, cv=3, error_score="raise").fit(data, data.labels)
    scores = dict(
        zip(
            [tuple(p.values()) for p in search.cv_results_["params"]],
            search.cv_results_["mean_test_score"],
            strict=True,
        )
    )
    assert len(scores) == 4
    assert search.best_params_["liquidtransformer__liquid__neurons"] == 60
    assert scores[60, 0] > 0.9
    best = search.best_estimator_
    assert best[0].liquid_.neurons == 60
    assert best.score(bars(40, seed=9), bars(40).labels) > 0.9


def test_the_direction_of_a_bar_needs_time():
    data = bars(60)
    blind = model(LIQUID.replace(features=Features(), decay=(0.0,)))
    assert cross_val_score(model(), data, data.labels, cv=3).mean() > 0.9
    assert cross_val_score(blind, data, data.labels, cv=3).mean() < 0.8


@needs(NMNIST)
def test_real_digits_are_told_apart():
    from neuromem.datasets import read_nmnist

    data = read_nmnist(NMNIST, "all", classes=[0, 1, 7], limit=20)
    liquid = published_nmnist().replace(features=Features(bins=5))
    search = GridSearchCV(
        model(liquid), {"liquidtransformer__liquid__seed": [0, 1]}, cv=3, error_score="raise"
    )
    assert search.fit(data, data.labels).best_score_ > 0.8


def test_fit_and_transform_are_calibrate_and_encode():
    data = bars(20)
    calibrated = LiquidTransformer(LIQUID, target_rate=0.2).fit(data)
    assert calibrated.liquid_ == calibrate(LIQUID, data, 0.2)
    assert firing_rate(calibrated.liquid_, data) == pytest.approx(0.2, rel=0.01)
    assert calibrated.liquid == LIQUID
    assert np.array_equal(calibrated.transform(data), encode(calibrated.liquid_, data))
    plain = LiquidTransformer(LIQUID).fit(data)
    assert plain.liquid_ == LIQUID
    assert np.array_equal(plain.transform(data), LIQUID.encode(data))
    assert np.array_equal(LiquidTransformer(LIQUID).fit_transform(data), LIQUID.encode(data))


def test_labels_do_not_matter():
    data = bars(20)
    made = LiquidTransformer(LIQUID, target_rate=0.2)
    assert made.fit(data, data.labels).liquid_ == made.fit(data, data.labels[::-1]).liquid_


def test_lists_of_recordings_and_framed_spikes_do_too():
    data = bars(6)
    made = LiquidTransformer(LIQUID, target_rate=0.1).fit(data)
    expected = made.transform(data)
    assert np.array_equal(made.fit(list(data)).transform(list(data)), expected)
    spikes = LIQUID.framing.spikes(data)
    assert np.array_equal(made.fit(spikes).transform(spikes), expected)


def test_parameters_are_those_of_the_liquid_too():
    made = LiquidTransformer(LIQUID, target_rate=0.1)
    params = made.get_params()
    assert params["target_rate"] == 0.1
    assert {f"liquid__{name}" for name in LIQUID.__struct_fields__} < params.keys()
    assert params["liquid__neurons"] == 60
    assert set(made.get_params(deep=False)) == {
        "liquid", "target_rate", "backend", "precision", "threads"
    }  # fmt: skip
    assert made.set_params(liquid__neurons=9, backend="native-reference") is made
    assert made.liquid == LIQUID.replace(neurons=9)
    assert made.backend == "native-reference"
    # a liquid and a field of it: the field is that of the new liquid, in any order
    made.set_params(liquid__seed=7, liquid=LIQUID)
    assert made.liquid == LIQUID.replace(seed=7)
    made.set_params(**params)
    assert made.get_params() == params


def test_clones_are_unfitted_and_apart():
    data = bars(6)
    made = LiquidTransformer(LIQUID, target_rate=0.1, threads=1).fit(data)
    copy = clone(made)
    assert copy.get_params() == made.get_params()
    assert not hasattr(copy, "liquid_")
    copy.set_params(liquid__neurons=3)
    assert made.liquid.neurons == 60


def test_a_fitted_model_can_be_pickled():
    data = bars(20)
    fitted = model().fit(data, data.labels)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict(data), fitted.predict(data))


def test_recordings_can_be_pickled():
    data = bars(3)
    assert pickle.loads(pickle.dumps(data)).digest() == data.digest()
    assert pickle.loads(pickle.dumps(data[1])) == data[1]


def test_options_reach_the_engine():
    data = bars(8)
    exact = LiquidTransformer(LIQUID).fit(data).transform(data)
    for threads in (1, 3):
        made = LiquidTransformer(LIQUID, threads=threads).fit(data)
        assert np.array_equal(made.transform(data), exact)
    coarse = LiquidTransformer(LIQUID, precision="int8").fit(data).transform(data)
    assert np.array_equal(coarse, LIQUID.encode(data, precision="int8"))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"liquid__neuron": 5}, "a Liquid has no neuron: its fields are framing, neurons"),
        ({"liquid__neurons": 0}, "Liquid.neurons = 0"),
        ({"rate": 0.1}, "Invalid parameter 'rate'"),
    ],
)
def test_bad_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        LiquidTransformer(LIQUID).set_params(**params)


def test_bad_use_is_refused():
    data = bars(4)
    with pytest.raises(ValueError, match="has not been fitted: call fit first"):
        LiquidTransformer(LIQUID).transform(data)
    with pytest.raises(ValueError, match="no backend 'nowhere'"):
        LiquidTransformer(LIQUID, backend="nowhere").fit(data).transform(data)
    with pytest.raises(ValueError, match="at least one"):
        LiquidTransformer(LIQUID).fit([]).transform([])
