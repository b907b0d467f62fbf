/* The memory's tick by hand: the yardstick for the compiled Python kernel.
 *
 * The algorithm is that of neuromem's fast engine: a population is left alone while nothing arrives
 * and nothing can fire, then brought up to date by the exact solution; constant all-to-all is
 * summed once per tick; refractory neurons are put back from a list; plastic rows replay a shared
 * log of post spikes from their own cursor; weight rows are added four per pass; arrivals lie in a
 * ring buffer. It is specialised to IF_curr_exp, full plastic matrices, all pairs, dendritic delay
 * and depression at dt = 0, and keeps its lists in 32 bits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ONE_TO_ONE, CONSTANT, PLASTIC };
#define NEVER (-1)
#define MARGIN 1e-6

typedef struct {
    double rest, resistance, offset, reset, thresh, decay_v, decay_e, decay_i, arrive_e, arrive_i;
    const double *quiet; /* [k][5]: the exact solution over k ticks */
    int32_t n_quiet, start, n, refractory, inhibited;
    int32_t n_refractory, age, due; /* state */
    int32_t *refractory_list;
} population;

typedef struct {
    double *weights; /* a value per connection, a matrix [pre][post], or one number */
    double a_plus, a_minus, w_min, w_max;
    const double *table_plus, *table_minus;
    int32_t reach_plus, reach_minus;
    int32_t kind, inhibitory, delay, skip_same_index;
    int32_t pre_group, pre_start, n_pre, post_group, post_start, n_post;
    /* state of a plastic projection */
    double *trace_pre, *trace_post, *drop;
    int32_t *last_pre, *last_post, *cursor, *dropped;
    int32_t n_log, log_room, arrived;
    struct { int32_t tick, post; } *log;
} projection;

typedef struct {
    int32_t n_populations, n_groups, n_projections, n_neurons, n_cells, ring;
    population *populations;
    projection *projections;
    const int32_t *group_start; /* n_groups + 1 */
    int32_t tick, pending, n_spikes, spike_room;
    double *v, *ie, *ii, *ring_e, *ring_i;
    int32_t *refractory, *fired, *n_fired, *rows;
    uint8_t *touched;
    struct { int32_t tick, cell; } *spikes;
} memory;

static void *zeros(size_t count, size_t size) { return calloc(count ? count : 1, size); }

memory *memory_new(const int32_t *sizes, const population *populations,
                   const projection *projections, const int32_t *group_start, double v_init)
{
    memory *m = zeros(1, sizeof *m);
    memcpy(m, sizes, 6 * sizeof(int32_t));
    const size_t n = m->n_neurons, cells = m->n_cells, ring = m->ring;
    m->populations = zeros(m->n_populations, sizeof(population));
    memcpy(m->populations, populations, m->n_populations * sizeof(population));
    m->projections = zeros(m->n_projections, sizeof(projection));
    memcpy(m->projections, projections, m->n_projections * sizeof(projection));
    m->group_start = group_start;
    m->v = zeros(n, sizeof(double));
    m->ie = zeros(n, sizeof(double));
    m->ii = zeros(n, sizeof(double));
    m->ring_e = zeros(ring * n, sizeof(double));
    m->ring_i = zeros(ring * n, sizeof(double));
    m->refractory = zeros(n, sizeof(int32_t));
    m->fired = zeros(ring * cells, sizeof(int32_t));
    m->n_fired = zeros(ring * m->n_groups, sizeof(int32_t));
    m->rows = zeros(cells + 1, sizeof(int32_t));
    m->touched = zeros(ring * m->n_populations, 1);
    m->spike_room = 65536 + cells;
    m->spikes = malloc(m->spike_room * sizeof *m->spikes);
    for (size_t j = 0; j < n; j++) m->v[j] = v_init;
    for (int p = 0; p < m->n_populations; p++) {
        m->populations[p].due = 1;
        m->populations[p].refractory_list = zeros(m->populations[p].n, sizeof(int32_t));
    }
    for (int i = 0; i < m->n_projections; i++) {
        projection *q = m->projections + i;
        if (q->kind != PLASTIC) continue;
        const size_t size = (size_t)q->n_pre * q->n_post;
        const double *initial = q->weights;
        q->weights = malloc(size * sizeof(double));
        memcpy(q->weights, initial, size * sizeof(double));
        q->trace_pre = zeros(q->n_pre, sizeof(double));
        q->trace_post = zeros(q->n_post, sizeof(double));
        q->drop = zeros(q->n_post, sizeof(double));
        q->last_pre = malloc(q->n_pre * sizeof(int32_t));
        q->last_post = malloc(q->n_post * sizeof(int32_t));
        q->cursor = zeros(q->n_pre, sizeof(int32_t));
        q->dropped = zeros(q->n_post + 1, sizeof(int32_t));
        for (int j = 0; j < q->n_pre; j++) q->last_pre[j] = NEVER;
        for (int j = 0; j < q->n_post; j++) q->last_post[j] = NEVER;
        q->log_room = 4096 + 2 * q->n_post;
        q->log = malloc(q->log_room * sizeof *q->log);
    }
    return m;
}

void memory_free(memory *m)
{
    for (int p = 0; p < m->n_populations; p++) free(m->populations[p].refractory_list);
    for (int i = 0; i < m->n_projections; i++) {
        projection *q = m->projections + i;
        if (q->kind != PLASTIC) continue;
        free(q->weights); free(q->trace_pre); free(q->trace_post); free(q->drop);
        free(q->last_pre); free(q->last_post); free(q->cursor); free(q->dropped); free(q->log);
    }
    free(m->populations); free(m->projections); free(m->v); free(m->ie); free(m->ii);
    free(m->ring_e); free(m->ring_i); free(m->refractory); free(m->fired); free(m->n_fired);
    free(m->rows); free(m->touched); free(m->spikes); free(m);
}

const int32_t *memory_spikes(const memory *m, int32_t *count)
{
    *count = m->n_spikes;
    return (const int32_t *)m->spikes;
}

static void catch_up(const population *p, double *restrict v, double *restrict ie,
                     double *restrict ii)
{
    const double rest = p->rest + p->resistance * p->offset;
    const double *at = p->quiet + 5 * (p->age < p->n_quiet ? p->age : p->n_quiet - 1);
    const double by_v = at[0], by_e = at[1], by_i = at[2], left_e = at[3], left_i = at[4];
    const int n = p->n;
    if (p->inhibited)
        for (int j = 0; j < n; j++) {
            v[j] = rest + ((v[j] - rest) * by_v + (ie[j] * by_e - ii[j] * by_i));
            ie[j] *= left_e;
            ii[j] *= left_i;
        }
    else
        for (int j = 0; j < n; j++) {
            v[j] = rest + ((v[j] - rest) * by_v + ie[j] * by_e);
            ie[j] *= left_e;
        }
}

static void arrive(double *restrict current, double *restrict arrivals, int n, double factor)
{
    for (int j = 0; j < n; j++) {
        current[j] += factor * arrivals[j];
        arrivals[j] = 0.0;
    }
}

/* Returns how many are over the threshold; *again counts those that may fire by themselves. */
static inline int64_t relax(const population *p, double *restrict v, double *restrict ie,
                            double *restrict ii, int inhibited, int64_t *again)
{
    const double rest = p->rest, resistance = p->resistance, offset = p->offset;
    const double decay_v = p->decay_v, decay_e = p->decay_e, decay_i = p->decay_i;
    const double thresh = p->thresh, near = thresh - MARGIN;
    const int n = p->n;
    int64_t over = 0, later = 0;
    for (int j = 0; j < n; j++) {
        const double current = inhibited ? ie[j] - ii[j] : ie[j];
        const double target = rest + resistance * (current + offset);
        const double next = target + (v[j] - target) * decay_v;
        const double left = ie[j] * decay_e;
        v[j] = next;
        ie[j] = left;
        if (inhibited) ii[j] *= decay_i;
        over += next >= thresh;
        later += (rest + resistance * (left + offset) >= near) | ((next >= near) & (next < thresh));
    }
    *again = later;
    return over;
}

static int advance(memory *m, int index, int flag, int slot, int32_t *fired)
{
    population *p = m->populations + index;
    const int start = p->start, n = p->n;
    double *restrict v = m->v + start, *restrict ie = m->ie + start, *restrict ii = m->ii + start;
    if (p->age > 0) {
        catch_up(p, v, ie, ii);
        p->age = 0;
    }
    const size_t ring = (size_t)slot * m->n_neurons + start;
    if (flag & 1) arrive(ie, m->ring_e + ring, n, p->arrive_e);
    if (flag & 2) arrive(ii, m->ring_i + ring, n, p->arrive_i);
    int64_t again;
    const int64_t over = p->inhibited ? relax(p, v, ie, ii, 1, &again)
                                      : relax(p, v, ie, ii, 0, &again);
    int32_t *restrict waiting = p->refractory_list, *restrict counter = m->refractory + start;
    int n_waiting = 0, n_fired = 0;
    for (int r = 0; r < p->n_refractory; r++) {
        const int j = waiting[r];
        again = 1;
        v[j] = p->reset;
        if (--counter[j] > 0) waiting[n_waiting++] = j;
    }
    if (over > 0) {
        for (int j = 0; j < n; j++) {
            fired[n_fired] = j;
            n_fired += v[j] >= p->thresh;
        }
        for (int s = 0; s < n_fired; s++) {
            const int j = fired[s];
            fired[s] = start + j;
            v[j] = p->reset;
            m->spikes[m->n_spikes + s].tick = m->tick;
            m->spikes[m->n_spikes + s].cell = start + j;
            if (p->refractory > 0) {
                counter[j] = p->refractory;
                waiting[n_waiting++] = j;
            }
        }
        m->n_spikes += n_fired;
        again |= p->refractory > 0;
    }
    p->n_refractory = n_waiting;
    p->due = again != 0;
    return n_fired;
}

static void add_rows(double *restrict target, const double *restrict weights, int width,
                     const int32_t *rows, int n_rows)
{
    int r = 0;
    for (; r + 4 <= n_rows; r += 4) {
        const double *a = weights + (size_t)rows[r] * width;
        const double *b = weights + (size_t)rows[r + 1] * width;
        const double *c = weights + (size_t)rows[r + 2] * width;
        const double *d = weights + (size_t)rows[r + 3] * width;
        for (int j = 0; j < width; j++)
            target[j] = (((target[j] + a[j]) + b[j]) + c[j]) + d[j];
    }
    for (; r < n_rows; r++) {
        const double *a = weights + (size_t)rows[r] * width;
        for (int j = 0; j < width; j++) target[j] += a[j];
    }
}

static void learn(projection *q, const int32_t *rows, int n_rows, int now)
{
    for (; q->arrived < q->n_log && q->log[q->arrived].tick <= now; q->arrived++) {
        const int when = q->log[q->arrived].tick, j = q->log[q->arrived].post;
        const int gap = when - q->last_post[j];
        const int live = q->last_post[j] != NEVER && gap < q->reach_minus;
        q->trace_post[j] = (live ? q->trace_post[j] * q->table_minus[gap] : 0.0) + 1.0;
        q->last_post[j] = when;
    }
    if (n_rows == 0) return;
    int n_dropped = 0;
    for (int j = 0; j < q->n_post; j++) {
        const int last = q->last_post[j];
        if (last != NEVER && now - last < q->reach_minus) {
            q->dropped[n_dropped] = j;
            q->drop[n_dropped++] = q->a_minus * (q->trace_post[j] * q->table_minus[now - last]);
        }
    }
    const int32_t *restrict dropped = q->dropped;
    const double *restrict drop = q->drop, *restrict table = q->table_plus;
    const double w_min = q->w_min, w_max = q->w_max, a_plus = q->a_plus;
    for (int r = 0; r < n_rows; r++) {
        const int i = rows[r], last = q->last_pre[i], count = q->n_log;
        double *restrict row = q->weights + (size_t)i * q->n_post;
        const double trace = q->trace_pre[i];
        if (last != NEVER) {
            for (int e = q->cursor[i]; e < count; e++) {
                const int when = q->log[e].tick;
                if (when > now || when - last >= q->reach_plus) break;
                const int j = q->log[e].post;
                const double more = row[j] + a_plus * (trace * table[when - last]);
                row[j] = more < w_max ? more : w_max;
            }
        }
        int behind = count;
        while (behind > q->cursor[i] && q->log[behind - 1].tick > now) behind--;
        q->cursor[i] = behind;
        for (int d = 0; d < n_dropped; d++) {
            const double less = row[dropped[d]] - drop[d];
            row[dropped[d]] = less > w_min ? less : w_min;
        }
        const int live = last != NEVER && now - last < q->reach_plus;
        q->trace_pre[i] = (live ? trace * table[now - last] : 0.0) + 1.0;
        q->last_pre[i] = now;
    }
}

static void remember(projection *q, const int32_t *fired, int n, int when)
{
    if (q->n_log + n > q->log_room) {
        q->log_room = 2 * (q->n_log + n);
        q->log = realloc(q->log, q->log_room * sizeof *q->log);
    }
    for (int s = 0; s < n; s++) {
        const int j = fired[s] - q->post_start;
        if (j < 0 || j >= q->n_post) continue;
        q->log[q->n_log].tick = when;
        q->log[q->n_log++].post = j;
    }
}

static void deliver(memory *m, projection *q, int slot)
{
    const int32_t *fired = m->fired + (size_t)slot * m->n_cells;
    const int32_t *n_fired = m->n_fired + slot * m->n_groups;
    if (q->kind == PLASTIC && n_fired[q->post_group] > 0)
        remember(q, fired + m->group_start[q->post_group], n_fired[q->post_group],
                 m->tick + q->delay);
    const int n = n_fired[q->pre_group];
    if (n == 0 && q->kind != PLASTIC) return;
    fired += m->group_start[q->pre_group];
    int32_t *restrict rows = m->rows;
    int n_rows = 0;
    for (int s = 0; s < n; s++) {
        const int i = fired[s] - q->pre_start;
        rows[n_rows] = i;
        n_rows += (i >= 0) & (i < q->n_pre);
    }
    if (q->kind == PLASTIC) learn(q, rows, n_rows, m->tick);
    if (n_rows == 0) return;
    const int to = (m->tick + q->delay) & (m->ring - 1);
    double *restrict target =
        (q->inhibitory ? m->ring_i : m->ring_e) + (size_t)to * m->n_neurons + q->post_start;
    if (q->kind == ONE_TO_ONE) {
        for (int r = 0; r < n_rows; r++) target[rows[r]] += q->weights[rows[r]];
    } else if (q->kind == CONSTANT) {
        const double total = q->weights[0] * n_rows, less = q->weights[0] * (n_rows - 1);
        for (int j = 0, r = q->skip_same_index ? 0 : n_rows; j < q->n_post; r++) {
            const int until = r < n_rows && rows[r] < q->n_post ? rows[r] : q->n_post;
            for (; j < until; j++) target[j] += total;
            if (until < q->n_post) target[j++] += less;
        }
    } else {
        add_rows(target, q->weights, q->n_post, rows, n_rows);
    }
    uint8_t *touched = m->touched + to * m->n_populations + q->post_group;
    m->pending += *touched == 0;
    *touched |= q->inhibitory ? 2 : 1;
}

/* Runs n_ticks ticks; events are (tick, cell) pairs of the source cells, sorted. */
void memory_run(memory *m, int32_t n_ticks, const int32_t *events, int32_t n_events)
{
    const int stop = m->tick + n_ticks, n_pop = m->n_populations;
    int event = 0, last_busy = m->tick;
    while (m->tick < stop) {
        if (m->n_spikes + m->n_cells > m->spike_room) {
            m->spike_room *= 2;
            m->spikes = realloc(m->spikes, m->spike_room * sizeof *m->spikes);
        }
        const int slot = m->tick & (m->ring - 1);
        int32_t *fired = m->fired + (size_t)slot * m->n_cells;
        int32_t *n_fired = m->n_fired + slot * m->n_groups;
        uint8_t *touched = m->touched + slot * n_pop;
        int busy = m->pending > 0;
        for (int p = 0; p < n_pop; p++) {
            const int flag = touched[p];
            if (flag) {
                touched[p] = 0;
                m->pending--;
            } else if (!m->populations[p].due) {
                n_fired[p] = 0;
                m->populations[p].age++;
                continue;
            }
            n_fired[p] = advance(m, p, flag, slot, fired + m->populations[p].start);
            busy = 1;
        }
        for (int g = n_pop; g < m->n_groups; g++) n_fired[g] = 0;
        for (int g = n_pop; event < n_events && events[2 * event] == m->tick; event++) {
            const int cell = events[2 * event + 1];
            while (cell >= m->group_start[g + 1]) g++;
            fired[m->group_start[g] + n_fired[g]++] = cell;
            m->spikes[m->n_spikes].tick = m->tick;
            m->spikes[m->n_spikes++].cell = cell;
            busy = 1;
        }
        for (int i = 0; i < m->n_projections; i++) deliver(m, m->projections + i, slot);
        m->tick++;
        if (busy) {
            last_busy = m->tick;
        } else if (m->tick - last_busy > m->ring) {
            int wake = event < n_events && events[2 * event] < stop ? events[2 * event] : stop;
            for (int p = 0; p < n_pop; p++) m->populations[p].age += wake - m->tick;
            m->tick = wake;
        }
    }
}
