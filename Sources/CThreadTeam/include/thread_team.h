/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that share the work of one kernel.
 *
 * A piece of work has a fixed number of places. The calling thread takes place 0, and any thread of its crew that is
 * awake takes one of the others; the caller takes those that nobody has taken when it comes to them. So the work is cut
 * in the same way however many threads really run: a machine that has no time for the others only makes it slower,
 * never different. */
#ifndef THREAD_TEAM_H
#define THREAD_TEAM_H

#include <stdbool.h>

/* Gives the calling thread a crew of `threads`, itself included, until the matching team_end(); calls may be nested,
 * the outermost decides. Crews are kept and shared by all threads of the process, one user at a time. Returns false,
 * and has no effect, when the system cannot start the threads and no other crew is large enough. */
bool team_begin(int threads);
void team_end(void);

/* How many threads, up to `wanted`, the system grants; starts them, so that a later team_begin() finds them. */
int team_available(int wanted);

/* The number of threads of the calling thread's crew; 1 outside team_begin() … team_end(). */
int team_size(void);

/* Calls body(place, count, context) once for each place in 0 ..< count, at most 65535, and returns when all have
 * returned. Outside team_begin() … team_end() and inside another body the calling thread does all of it, in order. */
void team_run(int count, void (*body)(int place, int count, void *context), void *context);

/* What the processor raises without a trap, and kernels do on purpose: an operation on NaN, or one that makes it. */
enum { TEAM_INVALID = 1 };

/* Forgets what was raised so far on the calling thread, and what its crew has reported; returns the former, as bits. */
int team_forget_exceptions(void);
/* What was raised since, on the calling thread and in places of its work that others took. */
int team_exceptions(void);
/* Raises on the calling thread what team_forget_exceptions() has returned. */
void team_restore_exceptions(int exceptions);

#endif
