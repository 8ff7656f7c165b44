/* SPDX-License-Identifier: Apache-2.0 */
#include "onednn_entries.h"

#include "crew.h"

enum { NESTED = 8 };

/* Regions that the calling thread has begun and not ended; only the outermost one has a crew. */
static _Thread_local struct {
    struct position outer[NESTED];
    int depth;
} regions;

/* The loop that the calling thread shares with its region: its next piece, and how far the pieces are apart. */
static _Thread_local struct {
    long next, end, piece, stride;
    bool is_last;
} loop;

struct call {
    void (*body)(void *);
    void *data;
};

static _Thread_local struct call current;
/* How many bodies of shared regions the calling thread is in. Work of team_run() does not count: oneDNN may be asked to
 * prepare something there, and decides then for how many threads. */
static _Thread_local int inside;

/* Of CMemoryReserve, where that is linked: the bodies may not throw. */
extern bool memory_reserve_cover(bool covers) __attribute__((weak));

static void run_call(int place, int count, void *context)
{
    (void)place, (void)count;
    const struct call *call = context;
    const bool before = memory_reserve_cover && memory_reserve_cover(true);
    inside++;
    call->body(call->data);
    inside--;
    if (memory_reserve_cover)
        memory_reserve_cover(before);
}

/* The caller runs the body for place 0 itself after this returns. */
void acl__parallel_start(void (*body)(void *), void *data, unsigned threads)
{
    struct member *me = &team_member;
    const int count = threads ? (int)threads : me->threads;
    if (regions.depth < NESTED)
        regions.outer[regions.depth] = me->now;
    regions.depth++;
    if (count > 1 && me->crew && !me->now.crew) {
        current = (struct call){body, data};
        inside++;
        team_offer(count, run_call, &current);
    } else {
        me->now = (struct position){me->now.crew, 0, 1};
    }
}

void acl__parallel_end(void)
{
    struct member *me = &team_member;
    if (me->now.count > 1) {
        team_finish();
        inside--;
    }
    regions.depth--;
    if (regions.depth < NESTED)
        me->now = regions.outer[regions.depth];
}

/* The same in one call, as later compilers have it. */
void acl__parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags)
{
    (void)flags;
    acl__parallel_start(body, data, threads);
    body(data);
    acl__parallel_end();
}

void acl__barrier(void)
{
    team_barrier();
}

/* A loop with steps of `step` in pieces of `chunk` steps, dealt out in turns; without a chunk one piece each. */
bool acl__loop_static_start(long start, long end, long step, long chunk, long *first, long *last)
{
    const struct position now = team_member.now;
    const long steps = step > 0 ? (end - start + step - 1) / step : (end - start + step + 1) / step;
    if (chunk <= 0) {
        const long share = steps / now.count;
        const long rest = steps % now.count;
        const long begin = now.place * share + (now.place < rest ? now.place : rest);
        const long length = share + (now.place < rest);
        loop.is_last = true;
        *first = start + begin * step;
        *last = *first + length * step;
        return length > 0;
    }
    loop.is_last = false;
    loop.end = end;
    loop.piece = chunk * step;
    loop.stride = loop.piece * now.count;
    loop.next = start + loop.piece * now.place;
    return acl__loop_static_next(first, last);
}

bool acl__loop_static_next(long *first, long *last)
{
    if (loop.is_last || (loop.piece > 0 ? loop.next >= loop.end : loop.next <= loop.end))
        return false;
    const long end = loop.next + loop.piece;
    *first = loop.next;
    *last = (loop.piece > 0 ? end < loop.end : end > loop.end) ? end : loop.end;
    loop.next += loop.stride;
    return true;
}

void acl__loop_end_nowait(void) {}

int acl_get_max_threads(void)
{
    return team_member.threads;
}

int acl_get_num_threads(void)
{
    return team_member.now.count;
}

int acl_get_thread_num(void)
{
    return team_member.now.place;
}

int acl_in_parallel(void)
{
    return inside > 0;
}
