"""A sound finds an image: two frozen liquids, a common space, and digits that it never saw.

The recordings are simulated and the voices synthetic. Digits that were trained are found; of two
that were not, the right one is found about as often as by chance: there is nothing in how a digit
sounds that says how it looks. Single pairs can do much better, or worse.
Run it: ``python examples/sound_finds_sight.py`` (needs the extra ``[data]``).
"""

import numpy as np

from neuromem.datasets import (
    offline_digits,
    simulated_nmnist,
    split,
    spoken_events,
    synthetic_digits,
)
from neuromem.heads import CCAAligner, Sense
from neuromem.liquid import best_nmnist, best_spoken, calibrate
from neuromem.protocols.zero_shot.metrics import accuracy, left_out, recognise


def main() -> None:
    images, labels = offline_digits()
    some, others = split(labels, (0.04, 0.02), seed=0)
    filmed = simulated_nmnist(images[some], labels[some], seed=1, ids=some)
    new = simulated_nmnist(images[others], labels[others], seed=2, ids=others)
    spoken, voices = spoken_events(synthetic_digits(20, seed=0, voices=4))
    last = voices == "voice3"  # never heard in training
    known, test = spoken[~last], spoken[last]

    # Nothing in a liquid is trained; its gain is set without labels.
    ear = calibrate(best_spoken(neurons=200), known)
    eye = calibrate(best_nmnist(neurons=200), filmed)
    heard, seen = Sense(ear.encode(known), known.labels), Sense(eye.encode(filmed), filmed.labels)

    questions, gallery = ear.encode(test), eye.encode(new)

    # The projections are trained without two of the digits, which ones in turn.
    right = {"trained": [], "never trained": []}
    for unseen in left_out(range(10), 2, limit=5):
        kept = [~np.isin(sense.labels, unseen) for sense in (heard, seen)]
        aligner = CCAAligner().fit(
            Sense(heard.features[kept[0]], heard.labels[kept[0]]),
            Sense(seen.features[kept[1]], seen.labels[kept[1]]),
        )
        asked, shown = aligner.embed_first(questions), aligner.embed_second(gallery)
        trained = [digit for digit in range(10) if digit not in unseen]
        for what, digits in (("trained", trained), ("never trained", unseen)):
            mine = np.isin(test.labels, digits)
            found = recognise(asked[mine], shown, new.labels, digits)
            right[what].append(100 * accuracy(found, test.labels[mine]))
    for (what, values), ways in zip(right.items(), (8, 2), strict=True):
        print(
            f"sounds of digits {what} that find their image, one of {ways}: "
            f"{np.mean(values):.0f} % ({min(values):.0f} to {max(values):.0f} %), "
            f"chance {100 / ways:.1f} %"
        )


if __name__ == "__main__":
    main()
