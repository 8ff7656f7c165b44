// SPDX-License-Identifier: Apache-2.0
// Random valid and invalid calls of every function of the headers from several threads, seeded.
//
// usage: stress MODEL.om THREADS CALLS SEED ROUNDS FORKS
// Ends with the calls made; a crash, a deadlock or memory that grows from round to round ends it with an error.
#include "stress.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODELS = 16, KINDS = 64, PROGRAMS = 16, PATIENCE = 60 };

struct slot {
    _Atomic(void *) handle;
    atomic_int stale;
};

static struct slot pools[KINDS][SLOTS];
static atomic_uint models[MODELS];
static void *model_data;
static size_t model_size;
static atomic_int finished;
// Set as long as the threads go on calling, however many calls they have made.
static atomic_int is_forking;
static int problems;
static sem_t ended;
static atomic_long progress;
static atomic_long refused;
static atomic_long silent;
static atomic_long attempts[PROGRAMS];
static atomic_long successes[PROGRAMS];
static int call_limit;

uint64_t draw(struct caller *c, uint64_t limit)
{
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return limit ? (c->state * 0x2545F4914F6CDD1D >> 11) % limit : 0;
}

/* Handles. */

static void *wild(struct caller *c)
{
    // None of these is ever mapped.
    void *const values[] = {NULL, (void *)1, (void *)8, (void *)0x8000, (void *)(1ULL << 47), (void *)UINTPTR_MAX};
    return values[draw(c, sizeof values / sizeof *values)];
}

void *pick_handle(struct caller *c, int kind)
{
    uint64_t chance = draw(c, 100);
    if (chance >= 95)
        return wild(c);
    if (chance >= 90)
        kind = (int)draw(c, (uint64_t)kind_count);
    for (int tries = 0; tries < 8; tries++) {
        struct slot *slot = &pools[kind][draw(c, SLOTS)];
        void *handle = atomic_load(&slot->handle);
        if (handle && (!atomic_load(&slot->stale) || draw(c, 8) == 0))
            return handle;
    }
    return NULL;
}

int has_room(int kind)
{
    for (int index = 0; index < SLOTS; index++) {
        if (!atomic_load(&pools[kind][index].handle) || atomic_load(&pools[kind][index].stale))
            return 1;
    }
    return 0;
}

void keep_handle(int kind, void *handle)
{
    if (!handle)
        return;
    for (int round = 0; round < 2; round++) {
        for (int index = 0; index < SLOTS; index++) {
            struct slot *slot = &pools[kind][index];
            void *old = atomic_load(&slot->handle);
            if ((!old || (round && atomic_load(&slot->stale))) &&
                atomic_compare_exchange_strong(&slot->handle, &old, handle)) {
                atomic_store(&slot->stale, 0);
                return;
            }
        }
    }
    // Another thread took the place meanwhile.
    atomic_store(&pools[kind][0].handle, handle);
}

void drop_handle(struct caller *c, int kind, void *handle)
{
    (void)c;
    for (int index = 0; index < SLOTS; index++) {
        if (atomic_load(&pools[kind][index].handle) == handle)
            atomic_store(&pools[kind][index].stale, 1);
    }
}

uint32_t pick_model(struct caller *c)
{
    return draw(c, 10) ? models[draw(c, MODELS)] : (uint32_t)draw(c, 1000);
}

void keep_model(uint32_t id)
{
    for (int index = 0; index < MODELS; index++) {
        uint32_t none = 0;
        if (atomic_compare_exchange_strong(&models[index], &none, id))
            return;
    }
    unload(id);
}

void unload(uint32_t id)
{
    for (int device = 0; device < 2; device++) {
        if (aclrtSetDevice(device) == ACL_SUCCESS && aclmdlUnload(id) == ACL_SUCCESS)
            return;
    }
}

const void *model_bytes(void)
{
    return model_data;
}

size_t model_length(void)
{
    return model_size;
}

size_t pick_model_size(struct caller *c)
{
    return draw(c, 3) ? model_size : draw(c, model_size);
}

/* Memory. */

void *pick_address(struct caller *c)
{
    static const size_t offsets[] = {0, 0, 0, 1, 64, BLOCK / 2, BLOCK - 1, BLOCK, BLOCK + 100};
    uint64_t chance = draw(c, 100);
    if (chance < 5)
        return wild(c);
    char *block = chance < 15 ? c->freed[draw(c, BLOCKS)] : c->blocks[draw(c, BLOCKS)];
    return block ? block + offsets[draw(c, sizeof offsets / sizeof *offsets)] : NULL;
}

void keep_block(struct caller *c, void *block)
{
    int index = (int)draw(c, BLOCKS);
    if (!block)
        return;
    // Most are the device's, the host's take the other function; one of the two knows the block.
    if (c->blocks[index] && aclrtFree(c->blocks[index]) != ACL_SUCCESS)
        aclrtFreeHost(c->blocks[index]);
    c->freed[draw(c, BLOCKS)] = c->blocks[index];
    c->blocks[index] = block;
}

void drop_block(struct caller *c, void *block)
{
    for (int index = 0; index < BLOCKS; index++) {
        if (c->blocks[index] == block && block) {
            c->freed[draw(c, BLOCKS)] = block;
            c->blocks[index] = NULL;
        }
    }
}

/* Numbers, texts and structures. */

uint64_t pick_number(struct caller *c)
{
    static const uint64_t values[] = {0, 0, 1, 1, 2, 3, 7, 127, 255, 65535, INT32_MAX, UINT32_MAX, UINT64_MAX};
    return values[draw(c, sizeof values / sizeof *values)];
}

uint64_t pick_size(struct caller *c)
{
    static const uint64_t values[] = {0, 1, 7, 64, 512, 4096, 4096, BLOCK, BLOCK + 100, 1ULL << 40, UINT64_MAX};
    return values[draw(c, sizeof values / sizeof *values)];
}

uint64_t pick_count(struct caller *c)
{
    return draw(c, ARRAY + 1);
}

int32_t pick_timeout(struct caller *c)
{
    return (int32_t)draw(c, 4);
}

int32_t pick_device(struct caller *c)
{
    return draw(c, 8) ? (int32_t)draw(c, 2) : (int32_t)pick_number(c);
}

float pick_float(struct caller *c)
{
    static const float values[] = {0, 1.5F, -1, 1e30F, 0.0F / 1};
    return values[draw(c, sizeof values / sizeof *values)];
}

void *pick_text(struct caller *c)
{
    static char *const values[] = {NULL, "", "x", "y", "0", "Ascend310P3", "/nonexistent/folder/model.om",
        "pyaclmdl:1:2:3:4", "a text of more than sixty-four bytes, which is what a key has"};
    return values[draw(c, sizeof values / sizeof *values)];
}

void *pick_structure(struct caller *c, int argument)
{
    if (draw(c, 24) == 0)
        return NULL;
    memset(c->scratch[argument], 0, SCRATCH);
    return c->scratch[argument];
}

void *pick_numbers(struct caller *c, int argument, size_t width)
{
    unsigned char *place = pick_structure(c, argument);
    for (size_t index = 0; place && index < ARRAY; index++)
        place[index * width] = (unsigned char)draw(c, 9);
    return place;
}

void *pick_addresses(struct caller *c, int argument)
{
    for (size_t index = 0; index < ARRAY; index++)
        c->addresses[argument][index] = pick_address(c);
    return draw(c, 24) ? c->addresses[argument] : NULL;
}

void *pick_handles(struct caller *c, int argument, int kind)
{
    void **place = pick_structure(c, argument);
    for (size_t index = 0; place && index < ARRAY; index++)
        place[index] = pick_handle(c, kind);
    return place;
}

static void again(void *data)
{
    aclrtRunMode mode;
    aclrtGetRunMode(&mode);
    // Without a limit it would be the rescuer, who resets devices too, that waits here.
    aclrtSynchronizeStreamWithTimeout(NULL, 1);
    aclrtFree(data);
}

void *pick_function(struct caller *c)
{
    return draw(c, 3) ? (void *)again : NULL;
}

/* Threads. */

static void forget_models(struct caller *c)
{
    uint32_t id = atomic_exchange(&models[draw(c, MODELS)], 0);
    if (id)
        unload(id);
}

static void allocate(struct caller *c)
{
    void *block = NULL;
    if ((draw(c, 3) ? aclrtMalloc(&block, BLOCK, ACL_MEM_MALLOC_HUGE_FIRST) : aclrtMallocHost(&block, BLOCK)) ==
        ACL_SUCCESS)
        keep_block(c, block);
}

static void calls_of(struct caller *c, int count)
{
    aclrtSetDevice(0);
    for (int index = 0; index < BLOCKS; index++)
        allocate(c);
    for (int done = 0; done < count || atomic_load(&is_forking);) {
        int code = ACL_SUCCESS;
        uint64_t chance = draw(c, 100);
        if (chance < 6) {
            int program = (int)draw(c, (uint64_t)program_count);
            atomic_fetch_add(&attempts[program], 1);
            if (programs[program](c) == ACL_SUCCESS)
                atomic_fetch_add(&successes[program], 1);
        } else if (chance < 8) {
            allocate(c);
        } else if (chance < 9) {
            forget_models(c);
        } else if (chance < 11) {
            aclrtSetDevice(0);
        } else {
            const struct call *call = &calls[draw(c, (uint64_t)call_count)];
            if (!call->run(c, &code))
                continue;
            if (code != ACL_SUCCESS) {
                atomic_fetch_add(&refused, 1);
                if (!aclGetRecentErrMsg() && !strstr(call->name, "LastError") && atomic_fetch_add(&silent, 1) < 10)
                    fprintf(stderr, "no message: %s answers %d\n", call->name, code);
            }
        }
        done++;
        atomic_fetch_add(&progress, 1);
    }
}

static void *run(void *argument)
{
    calls_of(argument, call_limit);
    sem_post(&ended);
    return NULL;
}

// The sanitizers' runtimes lose track of threads that are joined while others, detached, end.
static void start(void *(*function)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (pthread_attr_init(&attributes) || pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) ||
        pthread_create(&thread, &attributes, function, argument))
        abort();
    pthread_attr_destroy(&attributes);
}

static int kind_of(const char *name)
{
    for (int kind = 0; kind < kind_count; kind++) {
        if (!strcmp(kind_names[kind], name))
            return kind;
    }
    abort();
}

// Unblocks streams that wait for what no thread will do.
static void *rescue(void *argument)
{
    struct slot *streams = pools[kind_of("aclrtStream")];
    struct slot *contexts = pools[kind_of("aclrtContext")];
    (void)argument;
    while (!atomic_load(&finished)) {
        usleep(20000);
        for (int index = 0; index < SLOTS; index++) {
            void *stream = atomic_load(&streams[index].handle);
            void *context = atomic_load(&contexts[index].handle);
            if (stream)
                aclrtStreamAbort(stream);
            if (context && aclrtSetCurrentContext(context) == ACL_SUCCESS)
                aclrtStreamAbort(NULL);
        }
        for (int device = 0; device < 2; device++) {
            if (aclrtSetDevice(device) == ACL_SUCCESS) {
                aclrtStreamAbort(NULL);
                aclrtResetDevice(device);
            }
        }
    }
    sem_post(&ended);
    return NULL;
}

// Ends the process when no call has ended for a long time.
static void *watch(void *argument)
{
    long seen = -1;
    (void)argument;
    for (int idle = 0; idle < PATIENCE; idle++) {
        sleep(1);
        if (atomic_load(&progress) != seen)
            idle = 0;
        seen = atomic_load(&progress);
    }
    fprintf(stderr, "deadlock: no call has ended for %d seconds\n", PATIENCE);
    abort();
}

static void clean(void)
{
    for (int kind = 0; kind < kind_count; kind++) {
        for (int index = 0; index < SLOTS; index++) {
            void *handle = atomic_exchange(&pools[kind][index].handle, NULL);
            atomic_store(&pools[kind][index].stale, 0);
            if (handle)
                destroy(kind, handle);
        }
    }
    for (int index = 0; index < MODELS; index++) {
        uint32_t id = atomic_exchange(&models[index], 0);
        if (id)
            unload(id);
    }
    aclGetRecentErrMsg();
}

static void round_of_calls(int threads, uint64_t seed, int round, int forks)
{
    struct caller *callers = calloc((size_t)threads, sizeof *callers);
    struct caller forker = {.state = seed + 1};

    if (aclInit(NULL) != ACL_SUCCESS || aclrtSetDevice(1) != ACL_SUCCESS || aclrtSetDevice(0) != ACL_SUCCESS)
        abort();
    if (forks && prepare_children())
        abort();
    atomic_store(&finished, 0);
    start(rescue, NULL);
    for (int index = 0; index < threads; index++)
        callers[index].state = (seed * 1000003 + (uint64_t)round * 101 + (uint64_t)index + 1) * 0x9E3779B97F4A7C15;
    // Everything is used once before threads meet: what Swift initialises on first use is no race, but looks like one.
    if (round == 0)
        calls_of(&callers[0], 4 * call_count);
    atomic_store(&is_forking, forks > 0);
    for (int index = 0; index < threads; index++)
        start(run, &callers[index]);
    problems += fork_children(forks, &forker);
    atomic_store(&is_forking, 0);
    for (int index = 0; index < threads; index++)
        sem_wait(&ended);
    atomic_store(&finished, 1);
    sem_wait(&ended);
    aclrtSetDevice(0);
    clean();
    for (int index = 0; index < threads; index++) {
        for (int block = 0; block < BLOCKS; block++) {
            if (callers[index].blocks[block] && aclrtFree(callers[index].blocks[block]) != ACL_SUCCESS)
                aclrtFreeHost(callers[index].blocks[block]);
        }
    }
    for (int device = 0; device < 2; device++)
        aclrtResetDeviceForce(device);
    if (aclFinalize() != ACL_SUCCESS)
        abort();
    free(callers);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
size_t __sanitizer_get_current_allocated_bytes(void);
#define ALLOCATED __sanitizer_get_current_allocated_bytes()
#endif
#endif
#ifndef ALLOCATED
#define ALLOCATED 0
#endif

// Under ThreadSanitizer the Swift runtime takes a lock in the kernel for every look at a type's metadata. Threads that
// do little else come to a standstill there; as without it, only the first look takes the lock now.
extern unsigned char _swift_tsan_enabled __attribute__((weak));

int main(int count, char **arguments)
{
    if (count != 7)
        return 2;
    if (&_swift_tsan_enabled)
        _swift_tsan_enabled = 0;
    FILE *file = fopen(arguments[1], "rb");
    if (!file || fseek(file, 0, SEEK_END))
        return 2;
    model_size = (size_t)ftell(file);
    rewind(file);
    model_data = malloc(model_size);
    if (fread(model_data, 1, model_size, file) != model_size)
        return 2;
    fclose(file);

    int threads = atoi(arguments[2]);
    int rounds = atoi(arguments[5]);
    call_limit = atoi(arguments[3]) / rounds;
    if (sem_init(&ended, 0, 0))
        return 2;
    start(watch, NULL);
    for (int round = 0; round < rounds; round++) {
        round_of_calls(threads, (uint64_t)atoi(arguments[4]), round, atoi(arguments[6]) / rounds);
        fprintf(stderr, "round %d: %ld calls, %ld refused, %zu bytes allocated\n", round + 1, atomic_load(&progress),
            atomic_load(&refused), (size_t)ALLOCATED);
    }
    free(model_data);
    // A program that never succeeds tests nothing.
    for (int index = 0; index < program_count; index++) {
        fprintf(stderr, "program %d: %ld of %ld succeeded\n", index, atomic_load(&successes[index]),
            atomic_load(&attempts[index]));
        if (atomic_load(&successes[index]) * 20 < atomic_load(&attempts[index]))
            return 3;
    }
    if (problems)
        return 4;
    printf("%ld calls, %ld refused, %ld without a message\n", atomic_load(&progress), atomic_load(&refused),
        atomic_load(&silent));
    return 0;
}
