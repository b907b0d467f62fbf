"""Simulators without their banners, progress and third-party warnings."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

#: Packages whose deprecation and installation warnings are theirs to mend.
NOISY = r"(pyNN|nest|neuron|neo|quantities|lazyarray|brian2|pyparsing)(\..*)?"


@contextmanager
def quiet() -> Iterator[None]:
    """Send what is printed, by compiled code too, to nowhere for the length of the block."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=NOISY)
            yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
