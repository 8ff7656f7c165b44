/* SPDX-License-Identifier: Apache-2.0 */
/* Lets each allocation of each call fail in turn; prints one line of JSON per sweep.
 *
 * usage: exhaustion_program MODEL.om FOLDER STRIDE [SCENARIO...]
 * Allocations up to DENSE are all tried, of later ones every STRIDE-th. After each failure a model that was loaded
 * before must give the same results as ever, and nothing may have been lost. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "allocation_faults.h"
#include "program_support.h"

enum { DENSE = 40, TENSORS = 8, LARGEST = 1 << 16, CODES = 16, CHECKSUM = 12, IDLE = 24 };

#define ASSERT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s: %s (line %d)\n", where(), #condition, __LINE__);                                      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static struct {
    const char *scenario;
    const char *mode;
    long number;
} now;

static const char *where(void)
{
    static char text[160];
    snprintf(text, sizeof text, "%s, %s %ld", now.scenario, now.mode, now.number);
    return text;
}

static void die(int number)
{
    void *frames[64];
    dprintf(STDERR_FILENO, "signal %d in %s\n", number, where());
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    _exit(2);
}

static char *bytes;
static size_t byte_count;
static char path[4096];
static uint64_t serial;

/* The library knows a model by its bytes: a new checksum, which nobody compares, makes another model of it. */
static void renew(void)
{
    serial++;
    memcpy(bytes + CHECKSUM, &serial, sizeof serial);
}

/* Buffers of a model, and what its outputs are expected to hold. */
struct tensors {
    aclmdlDataset *inputs, *outputs;
    size_t count;
    void *output[TENSORS], *expected[TENSORS];
    size_t size[TENSORS];
};

static struct tensors tensors;
static uint32_t kept, model;
static void *work, *weight;
static size_t work_size, weight_size;

static aclmdlDataset *make_dataset(aclmdlDesc *desc, size_t count, size_t (*size)(aclmdlDesc *, size_t), void **blocks)
{
    aclmdlDataset *set = aclmdlCreateDataset();
    ASSERT(set);
    for (size_t index = 0; index < count; index++) {
        size_t bytes_of = size(desc, index);
        void *block = malloc(bytes_of);
        for (size_t place = 0; place < bytes_of / sizeof(float); place++)
            ((float *)block)[place] = (float)((place * 37 + index) % 101) / 101;
        if (blocks)
            blocks[index] = block;
        CHECK(aclmdlAddDatasetBuffer(set, aclCreateDataBuffer(block, bytes_of)));
    }
    return set;
}

static void check_result(uint32_t id)
{
    for (size_t index = 0; index < tensors.count; index++)
        memset(tensors.output[index], 0xFF, tensors.size[index]);
    CHECK(aclmdlExecute(id, tensors.inputs, tensors.outputs));
    for (size_t index = 0; index < tensors.count; index++)
        ASSERT(!memcmp(tensors.output[index], tensors.expected[index], tensors.size[index]));
}

static void set_up(void)
{
    aclError error = aclInit(NULL);
    ASSERT(!error || error == ACL_ERROR_REPEAT_INITIALIZE);
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlLoadFromMem(bytes, byte_count, &kept));
    CHECK(aclmdlQuerySizeFromMem(bytes, byte_count, &work_size, &weight_size));
    work = malloc(work_size + 1);
    weight = malloc(weight_size + 1);
    aclmdlDesc *desc = aclmdlCreateDesc();
    CHECK(aclmdlGetDesc(desc, kept));
    tensors.count = aclmdlGetNumOutputs(desc);
    ASSERT(tensors.count <= TENSORS);
    tensors.inputs = make_dataset(desc, aclmdlGetNumInputs(desc), aclmdlGetInputSizeByIndex, NULL);
    tensors.outputs = make_dataset(desc, tensors.count, aclmdlGetOutputSizeByIndex, tensors.output);
    CHECK(aclmdlExecute(kept, tensors.inputs, tensors.outputs));
    for (size_t index = 0; index < tensors.count; index++) {
        tensors.size[index] = aclmdlGetOutputSizeByIndex(desc, index);
        tensors.expected[index] = malloc(tensors.size[index]);
        memcpy(tensors.expected[index], tensors.output[index], tensors.size[index]);
    }
    CHECK(aclmdlDestroyDesc(desc));
}

/* The calls. Each makes what it needs in `prepare`, is watched in `act`, and ends in `finish`. */
struct scenario {
    const char *name;
    bool everywhere;
    void (*prepare)(void);
    aclError (*act)(void);
    void (*finish)(aclError error);
};

static void nothing(void) {}
static void end(aclError error)
{
    (void)error;
}

static aclError query(void)
{
    size_t sizes[2] = {0, 0};
    aclError error = aclmdlQuerySizeFromMem(bytes, byte_count, &sizes[0], &sizes[1]);
    ASSERT(error || !work_size || (sizes[0] == work_size && sizes[1] == weight_size));
    return error;
}

static aclError load_areas(void)
{
    return aclmdlLoadFromMemWithMem(bytes, byte_count, &model, work, work_size, weight, weight_size);
}

static aclError load(void)
{
    return aclmdlLoadFromMem(bytes, byte_count, &model);
}

static void end_load(aclError error)
{
    if (error)
        return;
    check_result(model);
    CHECK(aclmdlUnload(model));
}

static void renew_file(void)
{
    renew();
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ASSERT(file >= 0 && pwrite(file, bytes, byte_count, 0) == (ssize_t)byte_count);
    close(file);
}

static aclError load_file(void)
{
    return aclmdlLoadFromFile(path, &model);
}

static void prepare_load(void)
{
    renew();
    CHECK(load_areas());
}

static aclError execute(void)
{
    return aclmdlExecute(model, tensors.inputs, tensors.outputs);
}
static aclError execute_kept(void)
{
    return aclmdlExecute(kept, tensors.inputs, tensors.outputs);
}

static void end_executed(aclError error)
{
    (void)error;
    end_load(ACL_SUCCESS);
}

/* An input that only kernels for it compute; they are made when it comes first. */
static float *first_number(void)
{
    return aclGetDataBufferAddr(aclmdlGetDatasetBuffer(tensors.inputs, 0));
}

static void prepare_spoiled(void)
{
    prepare_load();
    *first_number() = NAN;
}

static void end_spoiled(aclError error)
{
    ASSERT(error || isnan(*(float *)tensors.output[0]));
    *first_number() = 0;
    end_load(ACL_SUCCESS);
}

static aclError unload(void)
{
    return aclmdlUnload(model);
}

static void end_unload(aclError error)
{
    if (error)
        CHECK(aclmdlUnload(model));
}

/* Null stands for a failure of functions that return a pointer. */
#define REQUIRE(pointer)                                                                                               \
    do {                                                                                                               \
        if (!(pointer))                                                                                                \
            return ACL_ERROR_BAD_ALLOC;                                                                                \
    } while (0)
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        aclError error = (call);                                                                                       \
        if (error)                                                                                                     \
            return error;                                                                                              \
    } while (0)

static struct {
    aclmdlDataset *dataset;
    aclDataBuffer *buffers[2];
    aclmdlDesc *desc;
    aclTensorDesc *tensor;
    aclmdlConfigHandle *config;
    aclrtStream stream;
    aclrtEvent event;
    aclrtContext context;
    void *device, *host;
} made;

static aclError make_buffers(void)
{
    static char content[64];
    REQUIRE(made.dataset = aclmdlCreateDataset());
    for (int index = 0; index < 2; index++) {
        REQUIRE(made.buffers[index] = aclCreateDataBuffer(content, sizeof content));
        TRY(aclmdlAddDatasetBuffer(made.dataset, made.buffers[index]));
    }
    ASSERT(aclmdlGetDatasetNumBuffers(made.dataset) == 2);
    return ACL_SUCCESS;
}

static aclError describe(void)
{
    aclmdlIODims dims;
    REQUIRE(made.desc = aclmdlCreateDesc());
    TRY(aclmdlGetDesc(made.desc, kept));
    TRY(aclmdlGetInputDims(made.desc, 0, &dims));
    TRY(aclmdlGetOutputDims(made.desc, 0, &dims));
    REQUIRE(aclmdlGetInputNameByIndex(made.desc, 0));
    int64_t shape[] = {1, 3};
    REQUIRE(made.tensor = aclCreateTensorDesc(ACL_FLOAT, 2, shape, ACL_FORMAT_ND));
    aclSetTensorDescName(made.tensor, "a name that is too long to be kept in place");
    return ACL_SUCCESS;
}

static aclError describe_file(void)
{
    REQUIRE(made.desc = aclmdlCreateDesc());
    return aclmdlGetDescFromMem(made.desc, bytes, byte_count);
}

static aclError configure(void)
{
    uint8_t place = 0;
    size_t type = ACL_MDL_LOAD_FROM_MEM_WITH_MEM;
    REQUIRE(made.config = aclmdlCreateConfigHandle());
    TRY(aclmdlSetConfigOpt(made.config, ACL_MDL_LOAD_TYPE_SIZET, &type, sizeof type));
    TRY(aclmdlSetConfigOpt(made.config, ACL_MDL_MEM_ADDR_PTR, &bytes, sizeof bytes));
    TRY(aclmdlSetConfigOpt(made.config, ACL_MDL_MEM_SIZET, &byte_count, sizeof byte_count));
    TRY(aclmdlSetConfigOpt(made.config, ACL_MDL_WORKSPACE_ADDR_PTR, &work, sizeof work));
    TRY(aclmdlSetConfigOpt(made.config, ACL_MDL_WORKSPACE_SIZET, &work_size, sizeof work_size));
    TRY(aclmdlSetConfigOpt(made.config, ACL_MDL_WEIGHT_ADDR_PTR, &weight, sizeof weight));
    TRY(aclmdlSetConfigOpt(made.config, ACL_MDL_WEIGHT_SIZET, &weight_size, sizeof weight_size));
    (void)place;
    return aclmdlLoadWithConfig(made.config, &model);
}

static aclError allocate(void)
{
    aclrtContext current;
    TRY(aclrtGetCurrentContext(&current));
    TRY(aclrtMalloc(&made.device, 5000, ACL_MEM_MALLOC_HUGE_FIRST));
    TRY(aclrtMallocHost(&made.host, 5000));
    TRY(aclrtMemcpy(made.device, 5000, made.host, 5000, ACL_MEMCPY_HOST_TO_DEVICE));
    aclError error = aclrtCreateContext(&made.context, 0);
    TRY(aclrtSetCurrentContext(current));
    return error;
}

static aclError execute_on_stream(void)
{
    TRY(aclrtCreateStream(&made.stream));
    TRY(aclmdlExecuteAsync(model, tensors.inputs, tensors.outputs, made.stream));
    TRY(aclrtCreateEvent(&made.event));
    TRY(aclrtRecordEvent(made.event, made.stream));
    TRY(aclrtSynchronizeEvent(made.event));
    return aclrtSynchronizeStream(made.stream);
}

/* Gives back what a call that failed half-way has made. */
static void end_made(aclError error)
{
    (void)error;
    if (made.stream) {
        aclrtSynchronizeStream(made.stream);
        CHECK(aclrtDestroyStream(made.stream));
    }
    if (made.event)
        CHECK(aclrtDestroyEvent(made.event));
    if (made.dataset)
        CHECK(aclmdlDestroyDataset(made.dataset));
    for (int index = 0; index < 2; index++) {
        if (made.buffers[index])
            CHECK(aclDestroyDataBuffer(made.buffers[index]));
    }
    if (made.desc)
        CHECK(aclmdlDestroyDesc(made.desc));
    if (made.tensor)
        aclDestroyTensorDesc(made.tensor);
    if (made.config)
        CHECK(aclmdlDestroyConfigHandle(made.config));
    if (made.device)
        CHECK(aclrtFree(made.device));
    if (made.host)
        CHECK(aclrtFreeHost(made.host));
    if (made.context)
        CHECK(aclrtDestroyContext(made.context));
    CHECK(aclrtSetDevice(0));
    memset(&made, 0, sizeof made);
}

static void end_configured(aclError error)
{
    end_made(error);
    end_load(error);
}

static void end_stream(aclError error)
{
    end_made(error);
    CHECK(aclmdlUnload(model));
}

static void finalize(void)
{
    CHECK(aclmdlUnload(kept));
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
}

static aclError initialize(void)
{
    TRY(aclInit(NULL));
    TRY(aclrtSetDevice(0));
    TRY(aclmdlLoadFromMem(bytes, byte_count, &kept));
    return ACL_SUCCESS;
}

static void end_initialized(aclError error)
{
    if (!error)
        return;
    aclInit(NULL);
    aclrtSetDevice(0);
    aclGetRecentErrMsg();
    CHECK(aclmdlLoadFromMem(bytes, byte_count, &kept));
}

static const struct scenario scenarios[] = {
    {"query", false, renew, query, end},
    {"load_with_areas", false, renew, load_areas, end_load},
    {"load", false, renew, load, end_load},
    {"load_with_configuration", false, renew, configure, end_configured},
    {"load_file", false, renew_file, load_file, end_load},
    {"first_execution", false, prepare_load, execute, end_executed},
    {"execution", false, nothing, execute_kept, end},
    {"execution_with_nan", false, prepare_spoiled, execute, end_spoiled},
    {"stream", true, prepare_load, execute_on_stream, end_stream},
    {"unload", false, prepare_load, unload, end_unload},
    {"dataset", false, nothing, make_buffers, end_made},
    {"description", false, nothing, describe, end_made},
    {"description_of_file", false, renew, describe_file, end_made},
    {"memory", false, nothing, allocate, end_made},
    {"initialization", false, finalize, initialize, end_initialized},
};

/* The codes that a sweep has seen. */
struct outcome {
    long calls, failures;
    int codes[CODES];
    long times[CODES];
    char message[512];
};

static void note(struct outcome *outcome, aclError error)
{
    outcome->calls++;
    if (!error)
        return;
    outcome->failures++;
    const char *message = aclGetRecentErrMsg();
    ASSERT(message && strlen(message) > 40);
    if (!*outcome->message)
        snprintf(outcome->message, sizeof outcome->message, "%s", message);
    for (int index = 0; index < CODES; index++) {
        if (!outcome->times[index])
            outcome->codes[index] = error;
        if (outcome->codes[index] == error) {
            outcome->times[index]++;
            return;
        }
    }
}

/* One call in which the `number`-th allocation fails; whether there was one. */
static bool attempt(const struct scenario *scenario, long number, bool on, struct outcome *outcome)
{
    now.number = number;
    scenario->prepare();
    faults_begin(number, on, scenario->everywhere);
    aclError error = scenario->act();
    long asked = faults_end();
    if (!number && error)
        fprintf(stderr, "%s\n", aclGetRecentErrMsg());
    ASSERT(!error || number);
    note(outcome, error);
    scenario->finish(error);
    check_result(kept);
    return asked >= number;
}

/* The fewest live blocks after a number of good calls: what the library keeps for next time comes and goes. */
static long settled(const struct scenario *scenario)
{
    long fewest = 0;
    for (int round = 0; round < IDLE; round++) {
        attempt(scenario, 0, false, &(struct outcome){0});
        long live = faults_live_blocks();
        if (!round || live < fewest)
            fewest = live;
    }
    return fewest;
}

/* KiB of the library's reserve that have pages: few when everything has been given back. */
static long reserve_resident(void)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512];
    long resident = 0, sum = -1;
    ASSERT(file);
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "Rss: %ld kB", &resident);
        // Nothing else asks for small pages.
        if (!strncmp(line, "VmFlags:", 8) && strstr(line, " nh"))
            sum = resident + (sum < 0 ? 0 : sum);
    }
    fclose(file);
    ASSERT(sum >= 0);
    return sum;
}

static void print(const struct outcome *outcome, long last, long lost)
{
    printf("{\"scenario\": \"%s\", \"mode\": \"%s\", \"last\": %ld, \"calls\": %ld, \"failures\": %ld, \"lost\": %ld",
        now.scenario, now.mode, last, outcome->calls, outcome->failures, lost);
    printf(", \"reserve\": %ld, \"codes\": {", reserve_resident());
    for (int index = 0; index < CODES && outcome->times[index]; index++)
        printf("%s\"%d\": %ld", index ? ", " : "", outcome->codes[index], outcome->times[index]);
    printf("}}\n");
    fflush(stdout);
}

static void sweep(const struct scenario *scenario, bool on, long stride)
{
    struct outcome outcome = {0};
    now.scenario = scenario->name;
    now.mode = on ? "from" : "only";
    // The first failure makes what later ones find.
    attempt(scenario, 1, on, &(struct outcome){0});
    settled(scenario);
    long before = settled(scenario), number = 1;
    while (attempt(scenario, number, on, &outcome))
        number += number < DENSE ? 1 : stride;
    print(&outcome, number, settled(scenario) - before);
}

/* What children tell. */
static struct {
    struct outcome outcome;
    long asked;
    size_t size[TENSORS];
    char expected[TENSORS][LARGEST];
} *shared;

static void wait_for(pid_t child)
{
    int status;
    ASSERT(child > 0 && waitpid(child, &status, 0) == child);
    if (status)
        fprintf(stderr, "%s ended with %x\n", where(), (unsigned)status);
    ASSERT(!status);
}

static aclError use_first(void)
{
    TRY(aclInit(NULL));
    TRY(aclrtSetDevice(0));
    TRY(query());
    return load();
}

/* In a new process each: everything that the library makes at its first use is still to be made. */
static void try_first(long number, bool on)
{
    now.number = number;
    pid_t child = fork();
    if (child) {
        wait_for(child);
        return;
    }
    alarm(100);
    faults_begin(number, on, false);
    aclError error = use_first();
    shared->asked = faults_end();
    ASSERT(!error || number);
    note(&shared->outcome, error);
    set_up();
    for (size_t index = 0; index < tensors.count; index++) {
        size_t size = tensors.size[index];
        ASSERT(size <= LARGEST);
        if (number)
            ASSERT(!memcmp(shared->expected[index], tensors.expected[index], size));
        memcpy(shared->expected[index], tensors.expected[index], size);
    }
    _exit(0);
}

static void sweep_first(bool on, long stride)
{
    now.scenario = "first";
    now.mode = on ? "from" : "only";
    memset(&shared->outcome, 0, sizeof shared->outcome);
    try_first(0, on);
    long number = 1;
    do {
        try_first(number, on);
        number += stride;
    } while (shared->asked >= number - stride);
    print(&shared->outcome, number, 0);
}

/* The system itself refuses: in a new process each, with so many more KiB of address space than are in use. */
static void limit_space(long headroom)
{
    now.number = headroom;
    pid_t child = fork();
    if (child) {
        wait_for(child);
        return;
    }
    alarm(100);
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ASSERT(file && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    struct rlimit before, limit;
    ASSERT(!getrlimit(RLIMIT_AS, &before));
    limit = before;
    limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)headroom << 10);
    for (size_t index = 0; index < sizeof scenarios / sizeof *scenarios; index++) {
        const struct scenario *scenario = &scenarios[index];
        scenario->prepare();
        ASSERT(!setrlimit(RLIMIT_AS, &limit));
        aclError error = scenario->act();
        ASSERT(!setrlimit(RLIMIT_AS, &before));
        note(&shared->outcome, error);
        scenario->finish(error);
        check_result(kept);
    }
    _exit(0);
}

static void sweep_space(void)
{
    now.scenario = "address space";
    now.mode = "KiB";
    memset(&shared->outcome, 0, sizeof shared->outcome);
    long headroom = 0;
    for (; headroom <= 8192; headroom += headroom < 512 ? 16 : 512)
        limit_space(headroom);
    print(&shared->outcome, headroom, 0);
}

int main(int count, char **arguments)
{
    if (count < 4)
        return 64;
    void *frames[1];
    backtrace(frames, 1);
    for (const int *number = (const int[]){SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGTRAP, 0}; *number; number++)
        signal(*number, die);
    now.scenario = now.mode = "set up";
    bytes = read_file(arguments[1], &byte_count);
    snprintf(path, sizeof path, "%s/model.om", arguments[2]);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT(shared != MAP_FAILED);
    long stride = atol(arguments[3]);
    for (int mode = 0; mode < 2 && count == 5 && !strcmp(arguments[4], "first"); mode++)
        sweep_first(mode, stride);
    if (count == 5 && !strcmp(arguments[4], "first"))
        return 0;
    set_up();
    if (count == 5 && !strcmp(arguments[4], "space")) {
        sweep_space();
        return 0;
    }
    for (size_t index = 0; index < sizeof scenarios / sizeof *scenarios; index++) {
        bool wanted = count == 4;
        for (int argument = 4; argument < count; argument++)
            wanted = wanted || !strcmp(arguments[argument], scenarios[index].name);
        for (int mode = 0; mode < 2 && wanted; mode++)
            sweep(&scenarios[index], mode, stride);
    }
    return 0;
}
