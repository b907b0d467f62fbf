"""The published liquid with 1,000 neurons and one recording for it, as files to deploy.

Run it: ``python liquid_1000.py`` (needs the extra ``[data]``), then
``neuromem deploy liquid-1000.json --stimulus liquid-1000.h5 --report liquid-1000.txt``.
"""

from neuromem.backends import run
from neuromem.datasets import offline_digits, simulated_nmnist
from neuromem.liquid import published_nmnist
from neuromem.network import Recording, SpikeTrains, save


def main() -> None:
    liquid = published_nmnist(neurons=1000)
    images, labels = offline_digits()
    film = simulated_nmnist(images[:1], labels[:1], seed=1)
    steps, channels = liquid.framing.spikes(film).dense()[0].nonzero()
    network = liquid.network()
    network = network.recording(*(Recording(target=p.name) for p in network.populations))
    stimulus = {"input": SpikeTrains(steps.astype(float), channels, liquid.framing.channels)}
    result = run(network, float(liquid.framing.steps), stimulus)
    print(save(network, "liquid-1000.json"), result.save("liquid-1000.h5"))


if __name__ == "__main__":
    main()
