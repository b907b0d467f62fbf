"""Vector operations that the kernel is made of, written as LLVM instructions.

numba vectorises plain loops too, but guards each with tests for overlapping memory and keeps sums
in memory. A block is 8 to 64 neurons wide: here its sums stay in registers while the rows pass,
and the guards would cost as much as the work. LLVM maps the vectors to what the processor has
(AVX-512, AVX2, SSE, NEON). Nothing is reassociated or fused: results are those of plain Python.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from neuromem.backends.reservoir.layout import BIAS

FLOAT, INT8, INT16, INT32, INT64 = ir.FloatType(), *(ir.IntType(bits) for bits in (8, 16, 32, 64))
#: Rows of bytes whose sum fits 16 bits, as 257 * 255 = 2**16 - 1.
FIT = 256


def _vector(builder, pointer, element, lanes, first=0):
    """Return a pointer to ``lanes`` elements from ``first`` on."""
    if first:
        pointer = builder.gep(pointer, [INT64(first)])
    return builder.bitcast(pointer, ir.VectorType(element, lanes).as_pointer())


def _row(builder, weights, rows, index, width):
    """Return a pointer to the row whose number is ``rows[index]``."""
    row = builder.sext(builder.load(builder.gep(rows, [index])), INT64)
    return builder.gep(weights, [builder.mul(row, INT64(width))])


def _everywhere(builder, value, lanes):
    """Return a vector of equal elements."""
    vector = ir.VectorType(value.type, lanes)
    one = builder.insert_element(vector(ir.Undefined), value, INT32(0))
    return builder.shuffle_vector(one, vector(ir.Undefined), ir.VectorType(INT32, lanes)(None))


def sum_rows(width):
    """Return ``f(sums, weights, rows, n, fresh)``: add n rows of float32, one after another.

    They are added to what ``sums`` holds, or to zero where ``fresh``.
    """
    lanes = 8
    parts = range(0, width, lanes)

    @intrinsic
    def add(typing, sums, weights, rows, n, fresh):
        def build(context, builder, signature, arguments):
            sums, weights, rows, n, fresh = arguments
            kept = []
            for part in parts:
                start = builder.load(_vector(builder, sums, FLOAT, lanes, part), align=4)
                start = builder.select(fresh, start.type(None), start)
                kept.append(cgutils.alloca_once_value(builder, start))
            with cgutils.for_range(builder, n) as loop:
                first = _row(builder, weights, rows, loop.index, width)
                for part, total in zip(parts, kept, strict=True):
                    taken = builder.load(_vector(builder, first, FLOAT, lanes, part), align=4)
                    builder.store(builder.fadd(builder.load(total), taken), total)
            for part, total in zip(parts, kept, strict=True):
                target = _vector(builder, sums, FLOAT, lanes, part)
                builder.store(builder.load(total), target, align=4)
            return context.get_dummy_value()

        return types.void(sums, weights, rows, n, fresh), build

    return add


def sum_rows_int8(width):
    """Return ``f(current, weights, rows, n, fresh, scale)``: add n rows of int8, times scale.

    Bytes are weights + ``BIAS``, so never negative. A row is read as half as many words of 16
    bits: their sum is that of the low bytes plus 256 times that of the high ones, which is summed
    apart and taken off at last, when at most ``FIT`` rows fit a word. So two weights cost three
    operations, and none to widen them. The low bytes are the first half of the block.
    """
    half = width // 2
    lanes = min(half, 16)
    parts = range(0, half, lanes)
    words, wide, real = (ir.VectorType(element, lanes) for element in (INT16, INT32, FLOAT))

    @intrinsic
    def add(typing, current, weights, rows, n, fresh, scale):
        def build(context, builder, signature, arguments):
            current, weights, rows, n, fresh, scale = arguments
            zero = _everywhere(builder, builder.trunc(builder.mul(n, n.type(-BIAS)), INT32), lanes)
            totals = {
                part: cgutils.alloca_once_value(builder, zero) for part in range(0, width, lanes)
            }
            both = [cgutils.alloca_once(builder, words) for _ in parts]
            high = [cgutils.alloca_once(builder, words) for _ in parts]
            eight = words([8] * lanes)
            turns = builder.sdiv(builder.add(n, n.type(FIT - 1)), n.type(FIT))
            with cgutils.for_range(builder, turns) as turn:
                for kept in (*both, *high):
                    builder.store(words(None), kept)
                begin = builder.mul(turn.index, n.type(FIT))
                left = builder.sub(n, begin)
                fits = builder.icmp_signed("<", left, n.type(FIT))
                count = builder.select(fits, left, n.type(FIT))
                now = builder.gep(rows, [begin])
                with cgutils.for_range(builder, count) as loop:
                    first = _row(builder, weights, now, loop.index, width)
                    for part, of_both, of_high in zip(parts, both, high, strict=True):
                        at = _vector(builder, first, INT16, lanes, 2 * part)
                        taken = builder.load(at, align=1)
                        _add_to(builder, of_both, taken)
                        _add_to(builder, of_high, builder.lshr(taken, eight))
                for part, of_both, of_high in zip(parts, both, high, strict=True):
                    upper = builder.load(of_high)
                    lower = builder.sub(builder.load(of_both), builder.shl(upper, eight))
                    _add_to(builder, totals[part], builder.zext(lower, wide))
                    _add_to(builder, totals[half + part], builder.zext(upper, wide))
            factor = _everywhere(builder, scale, lanes)
            for part, total in totals.items():
                target = _vector(builder, current, FLOAT, lanes, part)
                more = builder.fmul(factor, builder.sitofp(builder.load(total), real))
                start = builder.load(target, align=4)
                start = builder.select(fresh, start.type(None), start)
                builder.store(builder.fadd(start, more), target, align=4)
            return context.get_dummy_value()

        return types.void(current, weights, rows, n, fresh, scale), build

    return add


def _add_to(builder, kept, more):
    builder.store(builder.add(builder.load(kept), more), kept)


def fire(width):
    """Return ``f(current, v, decay, thresh)``, one step of ``width`` neurons.

    ``current`` becomes the membrane before the reset, ``v`` that after it; the bits of the result
    say who fired.
    """
    lanes = min(width, 16)

    @intrinsic
    def step(typing, current, v, decay, thresh):
        def build(context, builder, signature, arguments):
            result = INT64(0)
            for part in range(0, width, lanes):
                at = [_vector(builder, pointer, FLOAT, lanes, part) for pointer in arguments]
                arrived, before, factor, bound = (builder.load(a, align=4) for a in at)
                u = builder.fadd(builder.fmul(factor, before), arrived)
                fired = builder.fcmp_ordered(">", u, bound)
                builder.store(u, at[0], align=4)
                builder.store(builder.select(fired, u.type(None), u), at[1], align=4)
                bits = builder.zext(builder.bitcast(fired, ir.IntType(lanes)), INT64)
                result = builder.or_(result, builder.shl(bits, INT64(part)))
            return result

        return types.uint64(current, v, decay, thresh), build

    return step


@intrinsic
def moved(typing, pointer, n):
    """Return a pointer n elements further on."""

    def build(context, builder, signature, arguments):
        return builder.gep(arguments[0], [arguments[1]])

    return pointer(pointer, n), build


@intrinsic
def as_floats(typing, pointer):
    """Return a pointer to the same memory, as float32."""

    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], FLOAT.as_pointer())

    return types.CPointer(types.float32)(pointer), build


@intrinsic
def lowest_bit(typing, bits):
    """Return the number of the lowest bit that is set, 64 where none is."""

    def build(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return types.int64(bits), build


@intrinsic
def bit_count(typing, bits):
    """Return how many bits are set."""

    def build(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(bits), build
