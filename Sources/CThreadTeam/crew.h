/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ways into a crew share: team_run() and oneDNN's parallel regions. */
#ifndef CREW_H
#define CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef void team_body(int place, int count, void *context);

struct crew;

/* Where the calling thread is: in which place of how many, and in whose crew. */
struct position {
    struct crew *crew;
    int place;
    int count;
};

struct member {
    struct position now;
    /* The thread's own crew between team_begin() and team_end(). */
    struct crew *crew;
    int threads;
    int depth;
};

extern _Thread_local struct member team_member;

/* Offers `count` places to the member's crew; place 0 is the caller's. Its body may then run, and team_finish() must
 * follow. */
void team_offer(int count, team_body *body, void *context);
/* Takes the places that are left, and waits for those that others have taken. */
void team_finish(void);
/* Waits until all places of the caller's region have come here. */
void team_barrier(void);

#endif
