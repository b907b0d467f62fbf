/* The memory's tick by hand: the yardstick for the compiled Python kernel.
 *
 * The algorithm is that of neuromem's fast engine: a population is left alone while nothing arrives
 * and nothing can fire, refractory neurons included, then brought up to date by the exact solution;
 * the neuron update is one loop, and the threshold is scanned only where one is near it; constant
 * all-to-all is summed once per tick; refractory neurons are put back from a list; plastic rows
 * replay a shared log of post spikes from their own cursor; columns of weights lie in front once
 * their neuron has fired, and the others are not looked at; weight rows are added four per pass;
 * arrivals lie in a ring buffer. It is specialised to IF_curr_exp, full plastic matrices that start
 * at zero, all pairs, dendritic delay and depression at dt = 0, and keeps its lists in 32 bits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ONE_TO_ONE, CONSTANT, PLASTIC };
#define NEVER (-1)
#define MARGIN 1e-6
#define EXC_ARRIVES 1
#define INH_ARRIVES 2
#define DUE 4
#define TOGETHER 4

typedef struct {
    double rest, resistance, offset, reset, thresh, decay_v, decay_e, decay_i, arrive_e, arrive_i;
    double unaided;      /* the current from which a neuron may fire by itself */
    const double *quiet; /* [k][5]: the exact solution over k ticks */
    int32_t n_quiet, start, n, refractory, inhibited;
    int32_t n_waiting, ready; /* state */
    int32_t *waiting, *until;
} population;

typedef struct {
    double *weights; /* a value per connection, a matrix [pre][post], or one number */
    double a_plus, a_minus, w_min, w_max;
    const double *table_plus, *table_minus;
    int32_t reach_plus, reach_minus;
    int32_t kind, inhibitory, delay, skip_same_index;
    int32_t pre_group, pre_start, n_pre, post_group, post_start, n_post;
    /* state of a plastic projection */
    double *trace_pre, *trace_post, *drop, *sum;
    int32_t *last_pre, *last_post, *cursor, *dropped, *place, *column;
    int32_t n_log, log_room, arrived, stride, live;
    struct { int32_t tick, post; } *log;
} projection;

typedef struct {
    int32_t n_populations, n_groups, n_projections, n_neurons, n_cells, ring;
    population *populations;
    projection *projections;
    const int32_t *group_start; /* n_groups + 1 */
    int32_t tick, pending, n_spikes, spike_room;
    double *v, *ie, *ii, *ring_e, *ring_i, *nothing;
    int32_t *fired, *n_fired, *rows;
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
    m->nothing = zeros(2 * n, sizeof(double));
    m->fired = zeros(ring * cells, sizeof(int32_t));
    m->n_fired = zeros(ring * m->n_groups, sizeof(int32_t));
    m->rows = zeros(cells + 1, sizeof(int32_t));
    m->touched = zeros(ring * m->n_populations, 1);
    m->spike_room = 65536 + cells;
    m->spikes = malloc(m->spike_room * sizeof *m->spikes);
    memset(m->spikes, 1, m->spike_room * sizeof *m->spikes);
    for (size_t j = 0; j < n; j++) m->v[j] = v_init;
    for (int p = 0; p < m->n_populations; p++) {
        m->touched[p] = DUE;
        m->populations[p].waiting = zeros(m->populations[p].n, sizeof(int32_t));
        m->populations[p].until = zeros(m->populations[p].n, sizeof(int32_t));
    }
    m->pending = m->n_populations;
    for (int i = 0; i < m->n_projections; i++) {
        projection *q = m->projections + i;
        if (q->kind != PLASTIC) continue;
        /* An odd number of cache lines a row: of a power of two the rows would share few places. */
        q->stride = 8 * ((q->n_post + 7) / 8 | 1);
        q->weights = zeros((size_t)q->n_pre * q->stride, sizeof(double));
        q->sum = zeros(q->n_post, sizeof(double));
        q->place = zeros(q->n_post, sizeof(int32_t));
        q->column = zeros(q->n_post, sizeof(int32_t));
        for (int j = 0; j < q->n_post; j++) q->place[j] = q->column[j] = j;
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
    for (int p = 0; p < m->n_populations; p++) {
        free(m->populations[p].waiting);
        free(m->populations[p].until);
    }
    for (int i = 0; i < m->n_projections; i++) {
        projection *q = m->projections + i;
        if (q->kind != PLASTIC) continue;
        free(q->weights); free(q->trace_pre); free(q->trace_post); free(q->drop);
        free(q->last_pre); free(q->last_post); free(q->cursor); free(q->dropped); free(q->log);
        free(q->sum); free(q->place); free(q->column);
    }
    free(m->populations); free(m->projections); free(m->v); free(m->ie); free(m->ii);
    free(m->ring_e); free(m->ring_i); free(m->nothing); free(m->fired); free(m->n_fired);
    free(m->rows); free(m->touched); free(m->spikes); free(m);
}

const int32_t *memory_spikes(const memory *m, int32_t *count)
{
    *count = m->n_spikes;
    return (const int32_t *)m->spikes;
}

static void touch(memory *m, int slot, int index, int why)
{
    uint8_t *touched = m->touched + slot * m->n_populations + index;
    m->pending += *touched == 0;
    *touched |= why;
}

static const double *quiet(const population *p, int ticks)
{
    return p->quiet + 5 * (ticks < p->n_quiet ? ticks : p->n_quiet - 1);
}

static void doze(const population *p, double *restrict v, double *restrict ie, double *restrict ii,
                 int ticks)
{
    const double settled = p->rest + p->resistance * p->offset, *at = quiet(p, ticks);
    const double by_v = at[0] - 1.0, by_e = at[1], by_i = at[2], left_e = at[3], left_i = at[4];
    const int n = p->n;
    for (int j = 0; j < n; j++) {
        v[j] += (v[j] - settled) * by_v + (ie[j] * by_e - ii[j] * by_i);
        ie[j] *= left_e;
        ii[j] *= left_i;
    }
}

/* Returns how many are near the threshold or over it; *rising: which currents get them there. */
static inline int64_t step(const population *p, double *restrict v, double *restrict ie,
                           double *restrict ii, double *restrict arrived_e,
                           double *restrict arrived_i, int inhibited, int slept, int64_t *rising)
{
    const double rest = p->rest, resistance = p->resistance, offset = p->offset;
    const double decay_v = p->decay_v, decay_e = p->decay_e, decay_i = p->decay_i;
    const double arrive_e = p->arrive_e, arrive_i = p->arrive_i;
    const double near = p->thresh - MARGIN, unaided = p->unaided;
    const double settled = rest + resistance * offset, *at = quiet(p, slept);
    const double by_v = at[0] - 1.0, by_e = at[1], by_i = at[2], left_e = at[3], left_i = at[4];
    const int n = p->n;
    int64_t close = 0, later = 0;
    for (int j = 0; j < n; j++) {
        double moved = ie[j] * by_e;
        if (inhibited) moved -= ii[j] * by_i;
        const double old = v[j] + ((v[j] - settled) * by_v + moved);
        double current = ie[j] * left_e + arrive_e * arrived_e[j], total = current;
        arrived_e[j] = 0.0;
        if (inhibited) {
            const double inhibition = ii[j] * left_i + arrive_i * arrived_i[j];
            arrived_i[j] = 0.0;
            total -= inhibition;
            ii[j] = inhibition * decay_i;
        }
        const double target = rest + resistance * (total + offset);
        const double next = target + (old - target) * decay_v;
        current *= decay_e;
        v[j] = next;
        ie[j] = current;
        close += next >= near;
        later += current >= unaided;
    }
    *rising = later;
    return close;
}

static void hold(population *p, double *restrict v, int now)
{
    const int n = p->n_waiting;
    int done = 0;
    for (int r = 0; r < n; r++) {
        v[p->waiting[r]] = p->reset;
        done += p->until[r] <= now;
    }
    if (done > 0) {
        memmove(p->waiting, p->waiting + done, (n - done) * sizeof(int32_t));
        memmove(p->until, p->until + done, (n - done) * sizeof(int32_t));
    }
    p->n_waiting = n - done;
}

static int advance(memory *m, int index, int flag, int slot, int32_t *restrict fired)
{
    population *p = m->populations + index;
    const int start = p->start, n = p->n, tick = m->tick;
    double *restrict v = m->v + start, *restrict ie = m->ie + start, *restrict ii = m->ii + start;
    while (p->ready < tick && p->n_waiting > 0) {
        const int last = p->until[0] < tick - 1 ? p->until[0] : tick - 1;
        doze(p, v, ie, ii, last + 1 - p->ready);
        hold(p, v, last);
        p->ready = last + 1;
    }
    const int slept = tick - p->ready;
    p->ready = tick + 1;
    const size_t ring = (size_t)slot * m->n_neurons + start;
    double *in_e = flag & EXC_ARRIVES ? m->ring_e + ring : m->nothing;
    double *in_i = flag & INH_ARRIVES ? m->ring_i + ring : m->nothing + m->n_neurons;
    int64_t again;
    const int64_t near = p->inhibited ? step(p, v, ie, ii, in_e, in_i, 1, slept, &again)
                                      : step(p, v, ie, ii, in_e, in_i, 0, slept, &again);
    hold(p, v, tick);
    int n_fired = 0;
    if (near > 0) {
        const double thresh = p->thresh;
        int64_t close = 0;
        for (int j = 0; j < n; j++) {
            fired[n_fired] = j;
            n_fired += v[j] >= thresh;
            close += v[j] >= thresh - MARGIN;
        }
        again += close - n_fired;
        for (int s = 0; s < n_fired; s++) {
            const int j = fired[s];
            fired[s] = start + j;
            v[j] = p->reset;
            m->spikes[m->n_spikes + s].tick = tick;
            m->spikes[m->n_spikes + s].cell = start + j;
        }
        m->n_spikes += n_fired;
        if (p->refractory > 0) {
            for (int s = 0; s < n_fired; s++) {
                p->waiting[p->n_waiting + s] = fired[s] - start;
                p->until[p->n_waiting + s] = tick + p->refractory;
            }
            p->n_waiting += n_fired;
        }
    }
    if (again > 0) touch(m, (tick + 1) & (m->ring - 1), index, DUE);
    return n_fired;
}

static void add_rows(double *restrict target, const double *restrict weights, int width,
                     int stride, const int32_t *rows, int n_rows)
{
    int r = 0;
    for (; r + 4 <= n_rows; r += 4) {
        const double *a = weights + (size_t)rows[r] * stride;
        const double *b = weights + (size_t)rows[r + 1] * stride;
        const double *c = weights + (size_t)rows[r + 2] * stride;
        const double *d = weights + (size_t)rows[r + 3] * stride;
        for (int j = 0; j < width; j++)
            target[j] = (((target[j] + a[j]) + b[j]) + c[j]) + d[j];
    }
    for (; r < n_rows; r++) {
        const double *a = weights + (size_t)rows[r] * stride;
        for (int j = 0; j < width; j++) target[j] += a[j];
    }
}

static int depression(projection *q, int now)
{
    int n_dropped = 0;
    for (int c = 0; c < q->live; c++) {
        const int last = q->last_post[c], near = last != NEVER && now - last < q->reach_minus;
        q->drop[c] = near ? q->a_minus * (q->trace_post[c] * q->table_minus[now - last]) : 0.0;
        q->dropped[n_dropped] = c;
        n_dropped += near;
    }
    return n_dropped;
}

static void update_row(projection *q, int i, int n_dropped, int now)
{
    const int32_t *restrict dropped = q->dropped;
    const double *restrict drop = q->drop, *restrict table = q->table_plus;
    const double w_min = q->w_min, w_max = q->w_max, a_plus = q->a_plus;
    double *restrict row = q->weights + (size_t)i * q->stride;
    const double trace = q->trace_pre[i];
    const int last = q->last_pre[i], count = q->n_log, live = q->live;
    if (last != NEVER) {
        for (int e = q->cursor[i]; e < count; e++) {
            const int when = q->log[e].tick;
            if (when > now || when - last >= q->reach_plus) break;
            const int c = q->log[e].post;
            const double more = row[c] + a_plus * (trace * table[when - last]);
            row[c] = more < w_max ? more : w_max;
        }
    }
    int behind = count;
    while (behind > q->cursor[i] && q->log[behind - 1].tick > now) behind--;
    q->cursor[i] = behind;
    if (2 * n_dropped > live) {
        for (int c = 0; c < live; c++) {
            const double less = row[c] - drop[c];
            row[c] = less > w_min ? less : w_min;
        }
    } else {
        for (int d = 0; d < n_dropped; d++) {
            const double less = row[dropped[d]] - drop[dropped[d]];
            row[dropped[d]] = less > w_min ? less : w_min;
        }
    }
    const int near = last != NEVER && now - last < q->reach_plus;
    q->trace_pre[i] = (near ? trace * table[now - last] : 0.0) + 1.0;
    q->last_pre[i] = now;
}

static void learn_and_deliver(projection *q, double *restrict target, const int32_t *rows,
                              int n_rows, int now)
{
    for (; q->arrived < q->n_log && q->log[q->arrived].tick <= now; q->arrived++) {
        const int when = q->log[q->arrived].tick, c = q->log[q->arrived].post;
        const int gap = when - q->last_post[c];
        const int near = q->last_post[c] != NEVER && gap < q->reach_minus;
        q->trace_post[c] = (near ? q->trace_post[c] * q->table_minus[gap] : 0.0) + 1.0;
        q->last_post[c] = when;
    }
    const int n_dropped = depression(q, now), live = q->live;
    for (int c = 0; c < live; c++) q->sum[c] = target[q->column[c]];
    for (int first = 0; first < n_rows; first += TOGETHER) {
        const int some = n_rows - first < TOGETHER ? n_rows - first : TOGETHER;
        for (int r = first; r < first + some; r++) update_row(q, rows[r], n_dropped, now);
        add_rows(q->sum, q->weights, live, q->stride, rows + first, some);
    }
    for (int c = 0; c < live; c++) target[q->column[c]] = q->sum[c];
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
        int c = q->place[j];
        if (c >= q->live) {
            const int other = q->column[q->live];
            q->place[other] = c, q->column[c] = other;
            q->place[j] = c = q->live++;
            q->column[c] = j;
        }
        q->log[q->n_log].tick = when;
        q->log[q->n_log++].post = c;
    }
}

static void deliver(memory *m, projection *q, int slot)
{
    const int32_t *fired = m->fired + (size_t)slot * m->n_cells;
    const int n = m->n_fired[slot * m->n_groups + q->pre_group];
    fired += m->group_start[q->pre_group];
    int32_t *restrict rows = m->rows;
    int n_rows = 0;
    for (int s = 0; s < n; s++) {
        const int i = fired[s] - q->pre_start;
        rows[n_rows] = i;
        n_rows += (i >= 0) & (i < q->n_pre);
    }
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
        learn_and_deliver(q, target, rows, n_rows, m->tick);
    }
    touch(m, to, q->post_group, q->inhibitory ? INH_ARRIVES : EXC_ARRIVES);
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
        const int n_before = m->n_spikes;
        for (int p = 0; p < n_pop; p++) {
            const int flag = touched[p];
            n_fired[p] = 0;
            if (!flag) continue;
            touched[p] = 0;
            m->pending--;
            n_fired[p] = advance(m, p, flag, slot, fired + m->populations[p].start);
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
        if (m->n_spikes > n_before) {
            for (int i = 0; i < m->n_projections; i++) {
                projection *q = m->projections + i;
                if (q->kind == PLASTIC && n_fired[q->post_group] > 0)
                    remember(q, fired + m->group_start[q->post_group], n_fired[q->post_group],
                             m->tick + q->delay);
            }
            for (int i = 0; i < m->n_projections; i++)
                if (n_fired[m->projections[i].pre_group] > 0) deliver(m, m->projections + i, slot);
        }
        m->tick++;
        if (busy) {
            last_busy = m->tick;
        } else if (m->tick - last_busy > m->ring) {
            int wake = event < n_events && events[2 * event] < stop ? events[2 * event] : stop;
            m->tick = wake;
        }
    }
}
