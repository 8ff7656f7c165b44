/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into atc: at the FAULT_AT-th large write the process gets the signal FAULT_SIGNAL, or the write fails with
   FAULT_ERRNO. The names of the files that are written to go to FAULT_LOG. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int number(const char *name)
{
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

static void log_name(int file)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    const char *log = getenv("FAULT_LOG");
    if (length <= 0 || !log) {
        return;
    }
    path[length] = '\n';
    const int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    syscall(SYS_write, out, path, (size_t)length + 1);
    close(out);
}

ssize_t write(int file, const void *bytes, size_t count)
{
    static int writes;
    if (file > 2 && count > 256 && ++writes) {
        log_name(file);
        if (writes == number("FAULT_AT") && number("FAULT_ERRNO")) {
            errno = number("FAULT_ERRNO");
            return -1;
        }
        if (writes == number("FAULT_AT") && number("FAULT_SIGNAL")) {
            const int is_deadly = !getenv("FAULT_GOES_ON");
            kill(getpid(), number("FAULT_SIGNAL"));
            while (is_deadly) {
                pause();
            }
        }
    }
    return syscall(SYS_write, file, bytes, count);
}
