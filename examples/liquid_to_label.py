"""From event recordings to labels: a liquid, a readout, and the control without the liquid.

Run it: ``python examples/liquid_to_label.py`` (needs the extra ``[data]``).
"""

from sklearn.pipeline import make_pipeline

from neuromem.datasets import offline_digits, simulated_nmnist, split
from neuromem.heads import RidgeReadout
from neuromem.liquid import LiquidTransformer, best_nmnist


def main() -> None:
    images, labels = offline_digits()
    few, others = split(labels, (0.1, 0.04), seed=0)
    train = simulated_nmnist(images[few], labels[few], seed=1, ids=few)
    test = simulated_nmnist(images[others], labels[others], seed=1, ids=others)

    # Three lines from recording to label.
    liquid = LiquidTransformer(best_nmnist(neurons=300), target_rate=0.1)
    model = make_pipeline(liquid, RidgeReadout()).fit(train, train.labels)
    digits = model.predict(test)

    right = (digits == test.labels).mean()
    framing = liquid.liquid.framing
    raw = [framing.spikes(part).binned(5).reshape(len(part), -1) for part in (train, test)]
    control = RidgeReadout().fit(raw[0], train.labels).score(raw[1], test.labels)
    print(f"{len(train)} training and {len(test)} test recordings of {test.name}, chance 10 %")
    print(f"liquid of 300 neurons: {100 * right:.1f} %; the raw events: {100 * control:.1f} %")


if __name__ == "__main__":
    main()
