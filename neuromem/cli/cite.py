"""``neuromem cite``: what to cite."""

from __future__ import annotations

from neuromem.cli.output import print_line


def cite() -> None:
    """Print what to cite: the package, the models, and the data sets."""
    from neuromem.datasets import card_names, load_card
    from neuromem.liquid import CITATION
    from neuromem.memory import MODELS

    print_line("neuromem-snn: see CITATION.cff")
    for source in dict.fromkeys(model.source for model in MODELS.values()):
        names = [model.name for model in MODELS.values() if model.source == source]
        print_line(f"{', '.join(names)}: {source}")
    print_line(f"liquid: {CITATION}")
    for name in card_names():
        card = load_card(name)
        print_line(f"data set {name}: {card.citation}" + (f", doi {card.doi}" if card.doi else ""))
    print_line("resistive devices: the sources in `neuromem rram show CARD`")
