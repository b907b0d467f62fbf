"""The board's fixed-point functions, on integers, to the last bit.

A number with 16 integer and 15 fractional bits (``accum``) is held as its 32 bits, a fraction with
32 fractional bits (``unsigned long fract``) as its 32 bits.

Source: sPyNNaker 7.4.1 (``maths-util.h``, ``decay.h``, ``exp_synapse_utils.h``) and spinn_common
(``stdfix-exp.c``); confirmed on the compiled programs.
"""

from __future__ import annotations

import math
from decimal import Decimal

from neuromem.backends.spinnaker.fixed_point import to_s1615

ONE = 1 << 15
LARGEST, FRACTION_ONE = 2**31 - 1, 2**32
#: Below this the board's exponential is 0: e^x < 2^-15.
_ZERO_BELOW = -340695
#: e^n with 32 fractional bits for n = -13..0, and 1 - e^(-k/16) for k = 0..15.
_EXP_WHOLE = tuple(round(FRACTION_ONE * math.exp(n)) for n in range(-13, 1))
_EXP_SIXTEENTHS = tuple(round(-FRACTION_ONE * math.expm1(-k / 16)) for k in range(16))
#: Quadratic for 1 - e^(-x), x below 1/16: the board's own coefficients.
_EXP_SERIES = (5294, 4293434720, 2081624032)


def encoded(value: float) -> int:
    """Return a parameter as the host writes it: the nearest number, ties to even.

    Raises
    ------
    ValueError
        When the value is outside the numbers' range.
    """
    to_s1615(value)  # for its range; the host rounds the decimal text
    return round(Decimal(str(float(value))) * ONE)


def wrapped(bits: int) -> int:
    """Return what a signed 32-bit register keeps."""
    return (bits + 2**31) % 2**32 - 2**31


def divided(a: int, b: int) -> int:
    """Return a / b of two numbers, not negative, rounded down."""
    return wrapped((a << 15) // b)


def exp_accum(x: int) -> int:
    """Return e^x of a number, not positive, as a number."""
    return 0 if x < _ZERO_BELOW else _exp(x) >> 17


def exp_fraction(x: int) -> int:
    """Return e^x of a number, not positive, as a fraction; e^0 is 0, as it does not fit."""
    return 0 if x < _ZERO_BELOW else _exp(x) % FRACTION_ONE


def arrival(tau: int, timestep: int) -> tuple[int, int]:
    """Return a current's decay over a tick, and what of an arriving weight counts: fractions.

    The latter is tau / h (1 - e^(-h / tau)), from the board's own quotients.
    """
    decay = exp_fraction(-divided(timestep, tau))
    left = FRACTION_ONE - 1 - decay
    return decay, ((divided(tau, timestep) * left) >> 15) % FRACTION_ONE


def _exp(x: int) -> int:
    """Return e^x with 32 fractional bits."""
    whole, rest = divmod(x, ONE)
    if rest == 0:
        return _EXP_WHOLE[13 + whole]
    rest = ONE - rest
    found = _EXP_WHOLE[14 + whole]
    found -= _scaled(found, _EXP_SIXTEENTHS[rest >> 11])
    small = (rest & 0x7FF) << 17
    constant, linear, quadratic = _EXP_SERIES
    series = constant + ((linear - ((quadratic * small) >> 32)) * small >> 32)
    return found - _scaled(found, series)


def _scaled(value: int, fraction: int) -> int:
    """Return a value times a fraction, rounded as the board does: up from just below a half."""
    low = (value % FRACTION_ONE) * fraction
    carry = low % FRACTION_ONE >= LARGEST
    return (low >> 32) + carry + (value >> 32) * fraction
