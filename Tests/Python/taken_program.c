/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a program takes away from a loaded model, in C: no handler of the program or of the library may get in
 * the way of the other. usage: taken_program MODEL SCENARIO; the model has one input, one output, weights and a
 * workspace. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program_support.h"

enum { INVALID = 100000, EXECUTE = 507011, AREA = 145000, COPY = 107000, PAGE = 4096 };

#define EXPECT(call, code, words)                                                                                      \
    do {                                                                                                               \
        aclError error = (call);                                                                                       \
        const char *message = aclGetRecentErrMsg();                                                                    \
        if (error != (code) || (error != 0 && (!message || !strstr(message, words)))) {                                \
            fprintf(stderr, "line %d: %s: %d %s\n", __LINE__, #call, error, message ? message : "");                   \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static const char *bytes;
static size_t byte_count;

static size_t rounded(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

static char *map(size_t size)
{
    char *memory = mmap(NULL, rounded(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED);
    return memory;
}

/* A loaded model with all of its memory in mappings of the program. */
struct model {
    uint32_t id;
    size_t sizes[4];
    /* Input, output, workspace, weights. */
    char *memory[4];
    aclmdlDataset *sets[2];
    aclDataBuffer *buffers[2];
};
enum { INPUT, OUTPUT, WORKSPACE, WEIGHTS };

static void attach(struct model *model, int which, char *memory)
{
    model->memory[which] = memory;
    if (which <= OUTPUT) {
        CHECK(aclUpdateDataBuffer(model->buffers[which], memory, model->sizes[which]));
    }
}

static void load(struct model *model)
{
    CHECK(aclmdlQuerySizeFromMem(bytes, byte_count, &model->sizes[WORKSPACE], &model->sizes[WEIGHTS]));
    MUST(model->sizes[WORKSPACE] > 0 && model->sizes[WEIGHTS] > 0);
    model->memory[WORKSPACE] = map(model->sizes[WORKSPACE]);
    model->memory[WEIGHTS] = map(model->sizes[WEIGHTS]);
    CHECK(aclmdlLoadFromMemWithMem(bytes, byte_count, &model->id, model->memory[WORKSPACE], model->sizes[WORKSPACE],
        model->memory[WEIGHTS], model->sizes[WEIGHTS]));
    aclmdlDesc *desc = aclmdlCreateDesc();
    CHECK(aclmdlGetDesc(desc, model->id));
    model->sizes[INPUT] = aclmdlGetInputSizeByIndex(desc, 0);
    model->sizes[OUTPUT] = aclmdlGetOutputSizeByIndex(desc, 0);
    CHECK(aclmdlDestroyDesc(desc));
    for (int which = INPUT; which <= OUTPUT; which++) {
        model->sets[which] = aclmdlCreateDataset();
        model->buffers[which] = aclCreateDataBuffer(NULL, 0);
        CHECK(aclmdlAddDatasetBuffer(model->sets[which], model->buffers[which]));
        attach(model, which, map(model->sizes[which]));
    }
    for (size_t index = 0; index < model->sizes[INPUT] / sizeof(float); index++) {
        ((float *)model->memory[INPUT])[index] = (float)(index % 7) - 3;
    }
}

static aclError execute(struct model *model)
{
    return aclmdlExecute(model->id, model->sets[INPUT], model->sets[OUTPUT]);
}

static struct model loaded(void)
{
    struct model model;

    load(&model);
    CHECK(execute(&model));
    return model;
}

/* The process's mappings; one of two texts in turn. */
static char *maps(void)
{
    static char texts[2][1 << 18];
    static int turn;
    char *text = texts[turn ^= 1];
    int file = open("/proc/self/maps", O_RDONLY);
    size_t length = 0;
    ssize_t count;

    while ((count = read(file, text + length, sizeof texts[0] - 1 - length)) > 0) {
        length += (size_t)count;
    }
    close(file);
    text[length] = 0;
    return text;
}

/* Whether the mapping at `memory` may be used as `permissions` says. */
static bool may(const char *memory, const char *permissions)
{
    char *line = maps();
    unsigned long start;
    unsigned long end;
    char found[8];

    for (; line && sscanf(line, "%lx-%lx %7s", &start, &end, found) == 3; line = strchr(line, '\n') + 1) {
        if ((unsigned long)memory >= start && (unsigned long)memory < end) {
            return strcmp(found, permissions) == 0;
        }
    }
    return false;
}

static sigjmp_buf back;
static volatile sig_atomic_t caught;

static void jump(int signal)
{
    (void)signal;
    caught++;
    siglongjmp(back, 1);
}

static void crash(void)
{
    *(volatile int *)8 = 1;
}

/* Whether the program's own handler gets the program's own fault. */
static bool catches_own(void)
{
    int before = caught;

    if (!sigsetjmp(back, 1)) {
        crash();
    }
    return caught == before + 1;
}

/* How a child ended: its exit code, or minus the number of its signal. */
static int child(void (*body)(void))
{
    int status;

    fflush(NULL);
    pid_t process = fork();
    if (process == 0) {
        body();
        _exit(0);
    }
    MUST(waitpid(process, &status, 0) == process);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void unmapped(void)
{
    for (int which = INPUT; which <= OUTPUT; which++) {
        struct model model = loaded();
        munmap(model.memory[which], rounded(model.sizes[which]));
        EXPECT(execute(&model), INVALID, which == INPUT ? "input 0" : "output 0");
        EXPECT(execute(&model), INVALID, "not mapped");
        attach(&model, which, map(model.sizes[which]));
        EXPECT(execute(&model), 0, "");
    }
    for (int which = WORKSPACE; which <= WEIGHTS; which++) {
        struct model model = loaded();
        munmap(model.memory[which], rounded(model.sizes[which]));
        EXPECT(execute(&model), EXECUTE, which == WORKSPACE ? "work_ptr" : "weight_ptr");
        EXPECT(execute(&model), EXECUTE, "not mapped");
        CHECK(aclmdlUnload(model.id));
    }
}

/* A page inside, which the probes of a first use do not look at. */
static void partly(void)
{
    for (int which = INPUT; which <= WEIGHTS; which++) {
        struct model model = loaded();
        munmap(model.memory[which] + rounded(model.sizes[which]) / 2 / PAGE * PAGE, PAGE);
        EXPECT(execute(&model), which <= OUTPUT ? INVALID : EXECUTE, "not mapped");
    }
}

static void read_only(void)
{
    for (int which = INPUT; which <= WEIGHTS; which++) {
        struct model model = loaded();
        size_t size = rounded(model.sizes[which]);
        char *before = malloc(size);
        memcpy(before, model.memory[which], size);
        mprotect(model.memory[which], size, PROT_READ);
        if (which == INPUT || which == WEIGHTS) {
            EXPECT(execute(&model), 0, "");
        } else {
            EXPECT(execute(&model), which == OUTPUT ? INVALID : EXECUTE, "may not be written");
        }
        MUST(memcmp(before, model.memory[which], size) == 0);
        MUST(may(model.memory[which], "r--p"));
        mprotect(model.memory[which], size, PROT_READ | PROT_WRITE);
        EXPECT(execute(&model), 0, "");
        free(before);
    }
}

static void no_access(void)
{
    for (int which = INPUT; which <= WEIGHTS; which++) {
        struct model model = loaded();
        size_t size = rounded(model.sizes[which]);
        mprotect(model.memory[which], size, PROT_NONE);
        EXPECT(execute(&model), which <= OUTPUT ? INVALID : EXECUTE, "may not be");
        MUST(may(model.memory[which], "---p"));
        mprotect(model.memory[which], size, PROT_READ | PROT_WRITE);
        EXPECT(execute(&model), 0, "");
    }
}

/* Pages of a file that is cut off: SIGBUS. */
static void cut_off(void)
{
    for (int which = INPUT; which <= WEIGHTS; which++) {
        struct model model = loaded();
        int file = memfd_create("area", 0);
        size_t size = rounded(model.sizes[which]);
        MUST(ftruncate(file, (off_t)size) == 0);
        char *memory = mmap(model.memory[which], size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
        MUST(memory == model.memory[which]);
        EXPECT(execute(&model), 0, "");
        MUST(ftruncate(file, 0) == 0);
        EXPECT(execute(&model), which <= OUTPUT ? INVALID : EXECUTE, "cut off");
        MUST(ftruncate(file, (off_t)size) == 0);
        EXPECT(execute(&model), 0, "");
        close(file);
    }
}

struct area {
    char *memory;
    size_t size;
    _Atomic bool is_queued;
};

static void unmap(void *context)
{
    struct area *area = context;
    while (!area->is_queued) {
        usleep(100);
    }
    munmap(area->memory, area->size);
}

/* The failure of a task comes out when its stream is waited for. */
static void asynchronous(void)
{
    struct model model;
    aclrtStream stream;

    load(&model);
    CHECK(aclrtCreateStream(&stream));
    for (int which = INPUT; which <= WEIGHTS; which++) {
        struct area area = {model.memory[which], rounded(model.sizes[which]), false};
        CHECK(aclmdlExecuteAsync(model.id, model.sets[INPUT], model.sets[OUTPUT], stream));
        CHECK(aclrtSynchronizeStream(stream));
        mprotect(area.memory, area.size, PROT_NONE);
        /* The buffers are looked at when the execution is queued. */
        aclError queued = aclmdlExecuteAsync(model.id, model.sets[INPUT], model.sets[OUTPUT], stream);
        MUST((queued == INVALID) == (which <= OUTPUT));
        EXPECT(queued ? queued : aclrtSynchronizeStream(stream), which <= OUTPUT ? INVALID : EXECUTE, "may not be");
        mprotect(area.memory, area.size, PROT_READ | PROT_WRITE);
        /* They go when the stream is just before the execution. */
        CHECK(aclrtLaunchHostFunc(stream, unmap, &area));
        CHECK(aclmdlExecuteAsync(model.id, model.sets[INPUT], model.sets[OUTPUT], stream));
        area.is_queued = true;
        EXPECT(aclrtSynchronizeStream(stream), which <= OUTPUT ? INVALID : EXECUTE, "not mapped");
        MUST(mmap(area.memory, area.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
             area.memory);
    }
}

static _Atomic bool is_over;

static void *run_bad(void *context)
{
    (void)context;
    CHECK(aclrtSetDevice(0));
    for (int round = 0; round < 50; round++) {
        struct model model = loaded();
        int which = round % 4;
        /* What is unmapped may be mapped by another thread at once. */
        mprotect(model.memory[which], rounded(model.sizes[which]), PROT_NONE);
        EXPECT(execute(&model), which <= OUTPUT ? INVALID : EXECUTE, "may not be");
        CHECK(aclmdlUnload(model.id));
    }
    return NULL;
}

static void *run_good(void *context)
{
    (void)context;
    CHECK(aclrtSetDevice(0));
    struct model model = loaded();
    char *expected = malloc(model.sizes[OUTPUT]);

    memcpy(expected, model.memory[OUTPUT], model.sizes[OUTPUT]);
    while (!is_over) {
        memset(model.memory[OUTPUT], 0, model.sizes[OUTPUT]);
        EXPECT(execute(&model), 0, "");
        MUST(memcmp(expected, model.memory[OUTPUT], model.sizes[OUTPUT]) == 0);
    }
    free(expected);
    return NULL;
}

/* Executions that fail do no harm to those that go on beside them. */
static void threads(void)
{
    pthread_t bad[3];
    pthread_t good;

    CHECK(aclrtSetDevice(0));
    pthread_create(&good, NULL, run_good, NULL);
    for (int index = 0; index < 3; index++) {
        pthread_create(&bad[index], NULL, run_bad, NULL);
    }
    for (int index = 0; index < 3; index++) {
        pthread_join(bad[index], NULL);
    }
    is_over = true;
    pthread_join(good, NULL);
}

static struct model shared;

static void *toggle(void *context)
{
    (void)context;
    while (!is_over) {
        for (int which = INPUT; which <= WEIGHTS; which++) {
            mprotect(shared.memory[which], rounded(shared.sizes[which]), PROT_NONE);
            usleep(50);
            mprotect(shared.memory[which], rounded(shared.sizes[which]), PROT_READ | PROT_WRITE);
            usleep(50);
        }
    }
    return NULL;
}

/* In the middle of executions: whatever happens, no signal. Without a fault the result is right. */
static void meanwhile(void)
{
    pthread_t thread;
    int good = 0;
    int bad = 0;

    shared = loaded();
    char *expected = malloc(shared.sizes[OUTPUT]);
    memcpy(expected, shared.memory[OUTPUT], shared.sizes[OUTPUT]);
    pthread_create(&thread, NULL, toggle, NULL);
    while (bad < 200) {
        aclError error = execute(&shared);
        MUST(error == 0 || error == INVALID || error == EXECUTE);
        good += error == 0;
        bad += error != 0;
        MUST(good < 1000000);
    }
    is_over = true;
    pthread_join(thread, NULL);
    /* What was changed in the moment when a placeholder went away may be as before. */
    for (int which = INPUT; which <= WEIGHTS; which++) {
        mprotect(shared.memory[which], rounded(shared.sizes[which]), PROT_READ | PROT_WRITE);
    }
    EXPECT(execute(&shared), 0, "");
    MUST(memcmp(expected, shared.memory[OUTPUT], shared.sizes[OUTPUT]) == 0);
    free(expected);
}

static void fail_in_child(void)
{
    munmap(shared.memory[INPUT], rounded(shared.sizes[INPUT]));
    EXPECT(execute(&shared), INVALID, "not mapped");
    attach(&shared, INPUT, map(shared.sizes[INPUT]));
    EXPECT(execute(&shared), 0, "");
}

static void crash_in_child(void)
{
    fail_in_child();
    crash();
}

static void forked(void)
{
    shared = loaded();
    MUST(child(fail_in_child) == 0);
    MUST(child(crash_in_child) == -SIGSEGV);
    EXPECT(execute(&shared), 0, "");
    munmap(shared.memory[INPUT], rounded(shared.sizes[INPUT]));
    EXPECT(execute(&shared), INVALID, "not mapped");
    attach(&shared, INPUT, map(shared.sizes[INPUT]));
    MUST(child(fail_in_child) == 0);
}

static void raise_segv(void)
{
    raise(SIGSEGV);
}

static void raise_bus(void)
{
    raise(SIGBUS);
}

/* What has nothing to do with executions ends the process as ever. */
static void crashes(void)
{
    MUST(child(crash) == -SIGSEGV);
    shared = loaded();
    MUST(child(crash) == -SIGSEGV);
    MUST(child(raise_segv) == -SIGSEGV);
    MUST(child(raise_bus) == -SIGBUS);
    signal(SIGSEGV, SIG_IGN);
    MUST(child(crash) == -SIGSEGV);
    EXPECT(execute(&shared), 0, "");
    MUST(child(crash) == -SIGSEGV);
    MUST(child(raise_segv) == 0);
}

static void lose_input(void)
{
    munmap(shared.memory[INPUT], rounded(shared.sizes[INPUT]));
    EXPECT(execute(&shared), INVALID, "not mapped");
    attach(&shared, INPUT, map(shared.sizes[INPUT]));
    EXPECT(execute(&shared), 0, "");
}

static void handler_before(void)
{
    signal(SIGSEGV, jump);
    MUST(catches_own());
    shared = loaded();
    for (int round = 0; round < 20; round++) {
        MUST(catches_own());
        lose_input();
    }
    MUST(caught == 21);
}

static void handler_after(void)
{
    shared = loaded();
    for (int round = 0; round < 20; round++) {
        if (round % 5 == 0) {
            signal(SIGSEGV, round % 10 == 0 ? jump : SIG_DFL);
            signal(SIGBUS, SIG_DFL);
            signal(SIGSEGV, jump);
        }
        MUST(catches_own());
        lose_input();
    }
    MUST(caught == 20);
}

static struct sigaction below;
static volatile sig_atomic_t handed_down;

/* As programs that report crashes do it: says something and lets the one before go on. */
static void hand_down(int number)
{
    handed_down++;
    sigaction(number, &below, NULL);
    raise(number);
}

static void crash_once(void)
{
    crash();
}

static void report_and_crash(void)
{
    struct sigaction action = {.sa_handler = hand_down, .sa_flags = SA_NODEFER};

    for (int round = 0; round < 20; round++) {
        sigaction(SIGSEGV, &action, &below);
        lose_input();
    }
    MUST(handed_down == 0);
    crash_once();
}

static void handlers_that_hand_down(void)
{
    shared = loaded();
    MUST(child(report_and_crash) == -SIGSEGV);
}

static void *run_blocked(void *context)
{
    sigset_t all;

    (void)context;
    CHECK(aclrtSetDevice(0));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    lose_input();
    pthread_sigmask(SIG_SETMASK, NULL, &all);
    MUST(sigismember(&all, SIGSEGV) && sigismember(&all, SIGBUS));
    return NULL;
}

/* Threads that take no signals. */
static void blocked(void)
{
    pthread_t thread;

    shared = loaded();
    pthread_create(&thread, NULL, run_blocked, NULL);
    pthread_join(thread, NULL);
}

/* A thousand failures leave no page behind. A helping thread may take memory of its own once, when it is needed first.
 */
static void thousand(void)
{
    enum { ROUNDS = 250, TRIES = 3 };
    static char before[1 << 18];
    int protection[] = {PROT_NONE, PROT_READ};

    shared = loaded();
    lose_input();
    for (int round = -2; round < TRIES * ROUNDS; round++) {
        if (round % ROUNDS == 0) {
            if (round > 0 && strcmp(before, maps()) == 0) {
                return;
            }
            strcpy(before, maps());
        }
        mprotect(shared.memory[OUTPUT], rounded(shared.sizes[OUTPUT]), protection[round & 1]);
        EXPECT(execute(&shared), INVALID, "may not be written");
        mprotect(shared.memory[OUTPUT], rounded(shared.sizes[OUTPUT]), PROT_READ | PROT_WRITE);
        for (int which = INPUT; which <= WEIGHTS; which++) {
            char *memory = shared.memory[which];
            char *copy = malloc(shared.sizes[which]);
            memcpy(copy, memory, shared.sizes[which]);
            munmap(memory, rounded(shared.sizes[which]));
            EXPECT(execute(&shared), which <= OUTPUT ? INVALID : EXECUTE, "not mapped");
            MUST(mmap(memory, rounded(shared.sizes[which]), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == memory);
            memcpy(memory, copy, shared.sizes[which]);
            free(copy);
        }
        EXPECT(execute(&shared), 0, "");
    }
    MUST(strcmp(before, maps()) == 0);
}

/* Copies and fills find out as well. */
static void copies(void)
{
    size_t size = 4 * PAGE;
    char *memory = map(size);
    char *other = map(size);
    void *device;

    CHECK(aclrtMalloc(&device, size, ACL_MEM_MALLOC_NORMAL_ONLY));
    mprotect(memory + PAGE, PAGE, PROT_NONE);
    EXPECT(aclrtMemcpy(device, size, memory, size, ACL_MEMCPY_HOST_TO_DEVICE), COPY, "src");
    EXPECT(aclrtMemcpy(memory, size, device, size, ACL_MEMCPY_DEVICE_TO_HOST), COPY, "dst");
    EXPECT(aclrtMemcpy(other, size, memory, size, ACL_MEMCPY_HOST_TO_HOST), COPY, "may not be read");
    EXPECT(aclrtMemset(memory, size, 1, size), COPY, "may not be written");
    EXPECT(aclrtMemcpy2d(device, PAGE, memory, PAGE, PAGE, 4, ACL_MEMCPY_HOST_TO_DEVICE), COPY, "src");
    mprotect(memory + PAGE, PAGE, PROT_READ);
    EXPECT(aclrtMemcpy(memory, size, device, size, ACL_MEMCPY_DEVICE_TO_HOST), COPY, "may not be written");
    EXPECT(aclrtMemcpy(device, size, memory, size, ACL_MEMCPY_HOST_TO_DEVICE), 0, "");
    mprotect(memory, size, PROT_READ);
    EXPECT(aclrtMemset(memory, size, 1, size), COPY, "may not be written");
    int file = memfd_create("source", 0);
    MUST(ftruncate(file, (off_t)size) == 0);
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(aclrtMemcpy(device, size, memory, size, ACL_MEMCPY_HOST_TO_DEVICE));
    MUST(ftruncate(file, 2 * PAGE) == 0);
    EXPECT(aclrtMemcpy(device, size, memory, size, ACL_MEMCPY_HOST_TO_DEVICE), COPY, "src");
    /* The bytes of a model, too. */
    char *model = map(byte_count);
    uint32_t id;
    memcpy(model, bytes, byte_count);
    mprotect(model + PAGE, PAGE, PROT_NONE);
    EXPECT(aclmdlLoadFromMem(model, byte_count, &id), INVALID, "model");
    mprotect(model + PAGE, PAGE, PROT_READ);
    CHECK(aclmdlLoadFromMem(model, byte_count, &id));
}

/* Areas that cannot serve are refused by the load, and nobody sees that they were looked at. */
static void areas(void)
{
    struct model model = loaded();
    uint32_t id;

    for (int which = WORKSPACE; which <= WEIGHTS; which++) {
        size_t size = rounded(model.sizes[which]);
        char *argument = which == WORKSPACE ? "work_ptr" : "weight_ptr";
        for (int page = 0; page < (int)(size / PAGE); page += 1 + (int)(size / PAGE) / 4) {
            for (int how = 0; how < 3; how++) {
                char *bad = map(size + PAGE);
                memset(bad, 0x5a, size);
                char *work = which == WORKSPACE ? bad : model.memory[WORKSPACE];
                char *weights = which == WEIGHTS ? bad : NULL;
                if (how == 0) {
                    munmap(bad + page * PAGE, PAGE);
                } else {
                    mprotect(bad + page * PAGE, PAGE, how == 1 ? PROT_NONE : PROT_READ);
                }
                EXPECT(aclmdlLoadFromMemWithMem(bytes, byte_count, &id, work, model.sizes[WORKSPACE], weights,
                           weights ? model.sizes[WEIGHTS] : 0),
                    AREA, argument);
                for (size_t index = 0; index < size; index++) {
                    bool is_there = index / PAGE != (size_t)page || how == 2;
                    MUST(!is_there || bad[index] == 0x5a);
                }
            }
        }
    }
    /* Weights that are in use already need not be writable. */
    mprotect(model.memory[WEIGHTS], rounded(model.sizes[WEIGHTS]), PROT_READ);
    CHECK(aclmdlLoadFromMemWithMem(bytes, byte_count, &id, model.memory[WORKSPACE], model.sizes[WORKSPACE],
        model.memory[WEIGHTS], model.sizes[WEIGHTS]));
}

static const struct {
    const char *name;
    void (*body)(void);
} scenarios[] = {{"unmapped", unmapped}, {"partly", partly}, {"read_only", read_only}, {"no_access", no_access},
    {"cut_off", cut_off}, {"asynchronous", asynchronous}, {"threads", threads}, {"meanwhile", meanwhile},
    {"forked", forked}, {"crashes", crashes}, {"handler_before", handler_before}, {"handler_after", handler_after},
    {"handlers_that_hand_down", handlers_that_hand_down}, {"blocked", blocked}, {"thousand", thousand},
    {"copies", copies}, {"areas", areas}};

int main(int count, char **arguments)
{
    MUST(count == 3);
    alarm(100);
    bytes = read_file(arguments[1], &byte_count);
    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    for (size_t index = 0; index < sizeof scenarios / sizeof scenarios[0]; index++) {
        if (strcmp(scenarios[index].name, arguments[2]) == 0) {
            scenarios[index].body();
            return 0;
        }
    }
    fprintf(stderr, "no scenario %s\n", arguments[2]);
    return 1;
}
