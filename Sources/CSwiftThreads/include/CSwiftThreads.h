/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and forks: what Swift has no means for. Not installed.
 *
 * A forked child has only the thread that forked. What another thread was in the middle of is never finished there, and
 * the locks that it held are never released. Therefore a fork waits at a gate until no thread is inside the library,
 * and no thread gets inside while the process is being copied. A call is inside from its first lock, or its beginning,
 * to its end; it goes outside while it waits, between the steps of an execution and while it calls functions of the
 * program, so that a fork never waits for those, nor they for a fork that they make themselves.
 */
#ifndef PYACLMDL_SWIFT_THREADS_H
#define PYACLMDL_SWIFT_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Goes inside, or one level deeper; waits for a fork that is under way. */
void pyaclmdlEnter(void);
void pyaclmdlLeave(void);

/* Goes outside from whatever depth, which `pyaclmdlResume` takes to come back. */
uint32_t pyaclmdlPause(void);
void pyaclmdlResume(uint32_t depth);

/* Lets a fork that waits copy the process here. */
void pyaclmdlPauseForFork(void);

/* Runs in every forked child, on its only thread, when all locks are free again. */
void pyaclmdlInChild(void (*function)(void));

/* A lock that is held for a moment only, by threads that are inside. */
typedef struct pyaclmdlMutex pyaclmdlMutex;
pyaclmdlMutex *pyaclmdlMutexMake(void);
void pyaclmdlMutexEnd(pyaclmdlMutex *mutex);
void pyaclmdlMutexLock(pyaclmdlMutex *mutex);
void pyaclmdlMutexUnlock(pyaclmdlMutex *mutex);

/* The calling thread's function that is asked now and then, while the thread waits or executes a model for it, whether
 * to give that up: not 0 for yes. It is called outside. NULL for none. Exported: the Python module has one for its main
 * thread, so that Ctrl-C ends a wait. */
void pyaclmdlSetInterruption(int32_t (*isInterrupted)(void));

/* Before something that asks `pyaclmdlIsInterrupted` again and again; false when there is nobody to ask. */
bool pyaclmdlCanBeInterrupted(void);
/* Asks, if it is time for that. */
bool pyaclmdlIsInterrupted(void);

/* A lock with changes that threads wait for. Waiting goes outside; `until` is in nanoseconds of the monotonic clock,
 * UINT64_MAX for no limit, and waiting may end early. */
typedef struct pyaclmdlPlace pyaclmdlPlace;
pyaclmdlPlace *pyaclmdlMonitorMake(void);
void pyaclmdlMonitorEnd(pyaclmdlPlace *monitor);
void pyaclmdlMonitorLock(pyaclmdlPlace *monitor);
void pyaclmdlMonitorUnlock(pyaclmdlPlace *monitor);
void pyaclmdlMonitorWait(pyaclmdlPlace *monitor, uint64_t until);
/* As the above; false when the thread was interrupted. */
bool pyaclmdlMonitorTryWait(pyaclmdlPlace *monitor, uint64_t until);
void pyaclmdlMonitorWakeAll(pyaclmdlPlace *monitor);

/* A lock that is held for long, by threads that go outside meanwhile; its holder may take it again. In a forked child
 * it is free, unless the thread that forked holds it. */
pyaclmdlPlace *pyaclmdlTurnMake(void);
void pyaclmdlTurnEnd(pyaclmdlPlace *turn);
void pyaclmdlTurnTake(pyaclmdlPlace *turn);
/* As the above, but the thread may be interrupted while it waits; and `once`, if it has the turn already, is refused
 * it. */
typedef enum { PYACLMDL_TAKEN, PYACLMDL_INTERRUPTED, PYACLMDL_HELD } pyaclmdlTurnResult;
pyaclmdlTurnResult pyaclmdlTurnTry(pyaclmdlPlace *turn, bool once);
void pyaclmdlTurnGive(pyaclmdlPlace *turn);

#ifdef __cplusplus
}
#endif

#endif
