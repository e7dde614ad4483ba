/* Loaded before a program (LD_PRELOAD), it makes each flush to disk take BENCH_FSYNC_US microseconds more, as a disk
 * without a battery-backed cache would. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

typedef int (*flush_t)(int);

static void dawdle(void) {
    const char *text = getenv("BENCH_FSYNC_US");
    long us = text ? atol(text) : 0;
    struct timespec left = {us / 1000000, (us % 1000000) * 1000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR) {
    }
}

int fsync(int fd) {
    static flush_t real;
    if (!real)
        real = (flush_t)dlsym(RTLD_NEXT, "fsync");
    dawdle();
    return real(fd);
}

int fdatasync(int fd) {
    static flush_t real;
    if (!real)
        real = (flush_t)dlsym(RTLD_NEXT, "fdatasync");
    dawdle();
    return real(fd);
}
