// SPDX-License-Identifier: Apache-2.0
// Preloaded: a system that has run out of something other than memory, as the environment says.
//
//   LIMIT_DISK=BYTES     writes to regular files find room for so many bytes in all, then none (ENOSPC); limit_disk()
//                        changes it
//   LIMIT_CUT=NAME       the file whose path ends so is cut in half when it is first read
//   LIMIT_OPEN=NAME      the file whose path ends so cannot be opened: too many open files (EMFILE)
//   LIMIT_THREADS=COUNT  so many threads can be started (EAGAIN); limit_threads() changes it
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long threads_left = -1;
static atomic_long room_left = -1;

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : -1;
}

static bool ends_with(const char *path, const char *name)
{
    const char *end = getenv(name);
    size_t size = end ? strlen(end) : 0;
    return size && strlen(path) >= size && !strcmp(path + strlen(path) - size, end);
}

__attribute__((constructor)) static void begin(void)
{
    atomic_store(&threads_left, number("LIMIT_THREADS"));
    atomic_store(&room_left, number("LIMIT_DISK"));
}

void limit_disk(long bytes)
{
    atomic_store(&room_left, bytes);
}

void limit_threads(long count)
{
    atomic_store(&threads_left, count);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!next)
        next =
            (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
    long left = atomic_load(&threads_left);
    if (!left)
        return EAGAIN;
    if (left > 0)
        atomic_fetch_sub(&threads_left, 1);
    return next(thread, attributes, body, argument);
}

static int open_checked(const char *path, const char *name, int folder, int flags, mode_t mode)
{
    static int (*next)(int, const char *, int, ...);
    if (ends_with(path, "LIMIT_OPEN")) {
        errno = EMFILE;
        return -1;
    }
    if (!next)
        next = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, name);
    return next(folder, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_checked(path, "openat", AT_FDCWD, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_checked(path, "openat", folder, flags, mode);
}

// The path of an open regular file; false for anything else.
static bool find_path(int file, char *path, size_t size)
{
    char link[64];
    struct stat information;
    if (fstat(file, &information) || !S_ISREG(information.st_mode))
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, size - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0;
}

static void cut(int file)
{
    static atomic_bool is_cut;
    char path[4096];
    struct stat information;
    if (getenv("LIMIT_CUT") && find_path(file, path, sizeof path) && ends_with(path, "LIMIT_CUT") &&
        !fstat(file, &information) && !atomic_exchange(&is_cut, true))
        (void)!truncate(path, information.st_size / 2);
}

ssize_t read(int file, void *buffer, size_t size)
{
    static ssize_t (*next)(int, void *, size_t);
    if (!next)
        next = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    cut(file);
    return next(file, buffer, size);
}

ssize_t pread(int file, void *buffer, size_t size, off_t offset)
{
    static ssize_t (*next)(int, void *, size_t, off_t);
    if (!next)
        next = (ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
    cut(file);
    return next(file, buffer, size, offset);
}

ssize_t write(int file, const void *buffer, size_t size)
{
    static ssize_t (*next)(int, const void *, size_t);
    char path[4096];
    long room = atomic_load(&room_left);
    if (!next)
        next = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (room >= 0 && find_path(file, path, sizeof path)) {
        if (!room) {
            errno = ENOSPC;
            return -1;
        }
        size = size < (size_t)room ? size : (size_t)room;
        atomic_fetch_sub(&room_left, (long)size);
    }
    return next(file, buffer, size);
}
