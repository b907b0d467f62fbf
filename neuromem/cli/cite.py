"""``neuromem cite``: what to cite."""

from __future__ import annotations

from neuromem.cli.output import print_line


def cite() -> None:
    """Print what to cite for the memories."""
    from neuromem.memory import MODELS

    print_line("neuromem-snn: see CITATION.cff")
    for source in dict.fromkeys(model.source for model in MODELS.values()):
        names = [model.name for model in MODELS.values() if model.source == source]
        print_line(f"{', '.join(names)}: {source}")
