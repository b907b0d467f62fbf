/* The batched row engine by hand: the algorithm, the layout and the order of summation of
   neuromem/backends/reservoir/kernel.py, for float32 weights and spike counts. The positions of
   sizes (SAMPLES, STEPS, ...) are defined on the command line from its layout.py. */

#include <stdint.h>

typedef float row8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t mask8 __attribute__((vector_size(32)));

static inline __attribute__((always_inline)) void add_rows(
    float *sums, const float *weights, const int32_t *rows, int64_t n, int fresh, const int width)
{
    row8 kept[4];
    for (int part = 0; part < width / 8; part++)
        kept[part] = fresh ? (row8){0} : *(const row8 *)(sums + 8 * part);
    for (int64_t i = 0; i < n; i++) {
        const float *row = weights + (int64_t)rows[i] * width;
        for (int part = 0; part < width / 8; part++)
            kept[part] += *(const row8 *)(row + 8 * part);
    }
    for (int part = 0; part < width / 8; part++)
        *(row8 *)(sums + 8 * part) = kept[part];
}

static inline __attribute__((always_inline)) void add(
    float *sums, const float *weights, const int32_t *rows, int64_t n, int fresh, int64_t width)
{
    if (width == 32)
        add_rows(sums, weights, rows, n, fresh, 32);
    else if (width == 16)
        add_rows(sums, weights, rows, n, fresh, 16);
    else
        add_rows(sums, weights, rows, n, fresh, 8);
}

static inline __attribute__((always_inline)) uint64_t fire_part(
    float *current, float *v, const float *decay, const float *thresh)
{
    row8 before = *(row8 *)v, kept = *(const row8 *)decay * before;
    row8 u = kept + *(row8 *)current;
    mask8 fired = u > *(const row8 *)thresh;
    *(row8 *)current = u;
    *(row8 *)v = (row8)((mask8)u & ~fired);
    uint64_t bits = 0;
#ifdef __AVX__
    bits = (uint64_t)__builtin_ia32_movmskps256((row8)fired);
#else
    for (int j = 0; j < 8; j++)
        bits |= (uint64_t)(fired[j] & 1) << j;
#endif
    return bits;
}

static inline int64_t width_at(int64_t start, int64_t padded)
{
    int64_t left = padded - start;
    return left >= 32 ? 32 : left >= 16 ? 16 : 8;
}

static void read_through(volatile float *sink, const float *weights, int64_t n)
{
    float total = 0;
    for (int64_t i = 0; i < n; i += 16)
        total += weights[i];
    *sink = total;
}

static void take_inputs(const int64_t *k, const int64_t *offsets, const int32_t *channel,
                        const float *w_in, float *currents, float *numbers)
{
    int64_t samples = k[SAMPLES], span = k[LAST] - k[FIRST];
    int64_t spikes = offsets[samples * k[STEPS]] - offsets[0];
    for (int64_t start = 0, width; start < k[PADDED]; start += width) {
        width = width_at(start, k[PADDED]);
        const float *weights = w_in + k[CHANNELS] * start;
        if (spikes * span > k[CHANNELS] * k[STEPS])
            read_through(numbers + SINK, weights, k[CHANNELS] * width);
        for (int64_t s = 0; s < samples; s++)
            for (int64_t t = 0; t < span; t++) {
                int64_t at = s * k[STEPS] + k[FIRST] + t;
                float *sums = currents + span * k[ROOM] * start + (t * k[ROOM] + s) * width;
                add(sums, weights, channel + offsets[at], offsets[at + 1] - offsets[at], 1, width);
            }
    }
}

static void take_fired(const int64_t *k, const float *w_rec, float *currents, const int32_t *fired,
                       const int64_t *starts, int64_t start, int64_t width, float *numbers)
{
    int64_t samples = k[SAMPLES], n = k[NEURONS], tile_rows = k[TILE];
    int64_t tiles = (n + tile_rows - 1) / tile_rows;
    const float *weights = w_rec + n * start;
    for (int64_t tile = 0; tile < tiles; tile++) {
        if (starts[samples * tiles] > n) {
            int64_t first = tile * tile_rows, last = first + tile_rows < n ? first + tile_rows : n;
            read_through(numbers + SINK, weights + first * width, (last - first) * width);
        }
        for (int64_t s = 0; s < samples; s++) {
            int64_t at = starts[s * tiles + tile];
            add(currents + s * width, weights, fired + at, starts[s * tiles + tile + 1] - at,
                0, width);
        }
    }
}

static void list_fired(const int64_t *k, const uint64_t *masks, int32_t *fired, int64_t *starts)
{
    int64_t samples = k[SAMPLES], n = 0, part = 0;
    for (int64_t s = 0; s < samples; s++) {
        int64_t block = 0, next_tile = 0;
        for (int64_t start = 0; start < k[PADDED]; start += width_at(start, k[PADDED]), block++) {
            if (start == next_tile) {
                starts[part++] = n;
                next_tile += k[TILE];
            }
            uint64_t bits = masks[block * samples + s];
            int64_t end = n + __builtin_popcountll(bits);
            /* Write some without asking whether there are as many: fewer mispredicted branches. */
            for (int i = 0; i < AT_ONCE; i++, bits &= bits - 1)
                fired[n + i] = (int32_t)(start + (bits ? __builtin_ctzll(bits) : 64));
            for (n += AT_ONCE; bits; n++, bits &= bits - 1)
                fired[n] = (int32_t)(start + __builtin_ctzll(bits));
            n = end;
        }
    }
    starts[part] = n;
}

void run(int64_t *k, const int64_t *edges, const int64_t *offsets, const int32_t *channel,
         const float *w_in, const float *w_rec, const float *decay, const float *thresh,
         float *numbers, float *currents, float *v, uint64_t *masks, int32_t *fired,
         int64_t *starts, float *trace, uint16_t *counts, float *membranes, float *traces,
         uint16_t *latencies)
{
    int64_t samples = k[SAMPLES], n = k[NEURONS], span = k[LAST] - k[FIRST], bin = 0;
    int64_t tiles = (n + k[TILE] - 1) / k[TILE];
    (void)trace, (void)membranes, (void)traces, (void)latencies;
    take_inputs(k, offsets, channel, w_in, currents, numbers);
    for (int64_t t = k[FIRST]; t < k[LAST]; t++) {
        while (edges[bin + 1] <= t)
            bin++;
        int64_t block = 0;
        for (int64_t start = 0, width; start < k[PADDED]; start += width, block++) {
            width = width_at(start, k[PADDED]);
            float *at = currents + (span * start + (t - k[FIRST]) * width) * k[ROOM];
            float *block_v = v + samples * start;
            if (k[RECURRENT])
                take_fired(k, w_rec, at, fired, starts, start, width, numbers);
            for (int64_t s = 0; s < samples; s++) {
                uint64_t bits = 0;
                for (int64_t j = 0; j < width; j += 8)
                    bits |= fire_part(at + s * width + j, block_v + s * width + j,
                                      decay + start + j, thresh + start + j) << j;
                masks[block * samples + s] = bits;
            }
        }
        list_fired(k, masks, fired, starts);
        for (int64_t s = 0; s < samples; s++) {
            uint16_t *count = counts + (s * k[BINS] + bin) * n;
            for (int64_t i = starts[s * tiles]; i < starts[(s + 1) * tiles]; i++)
                count[fired[i]]++;
        }
    }
}
