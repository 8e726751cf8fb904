/* Preloaded into the program, so that the same program prints the same bytes on every computer and on every day.
 *
 * Wall clock: the seconds since 1970 that are in the file PICTURES_CLOCK. Other clocks, and so all timeouts, are real.
 * Randomness: a request of N bytes gets bytes that depend on PICTURES_SEED, N and the number of earlier requests of N
 * bytes. Requests of other lengths, from other threads, change nothing.
 * Containers: the files by which a program notices that it runs in one are not found.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LONGEST 256

static const volatile int64_t *wall_clock;
static uint64_t seed;
static atomic_uint requests[LONGEST];

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("PICTURES_CLOCK"), *number = getenv("PICTURES_SEED");
    if (path == NULL || number == NULL) return;
    seed = strtoull(number, NULL, 10);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) abort();
    wall_clock = mmap(NULL, sizeof *wall_clock, PROT_READ, MAP_SHARED, file, 0);
    if (wall_clock == MAP_FAILED) abort();
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock != CLOCK_REALTIME || wall_clock == NULL) return (int)syscall(SYS_clock_gettime, clock, time);
    *time = (struct timespec){.tv_sec = *wall_clock};
    return 0;
}

/* SplitMix64. */
static uint64_t next(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

ssize_t getrandom(void *buffer, size_t length, unsigned flags) {
    (void)flags;
    size_t slot = length < LONGEST ? length : LONGEST - 1;
    uint64_t state = seed ^ (uint64_t)length << 32 ^ (uint64_t)atomic_fetch_add(&requests[slot], 1) << 48;
    for (size_t at = 0; at < length; at += 8) {
        uint64_t word = next(&state);
        memcpy((char *)buffer + at, &word, length - at < 8 ? length - at : 8);
    }
    return (ssize_t)length;
}

/* Programs may call getrandom(2) without the function of its name. */
long syscall(long number, ...) {
    static long (*real)(long, ...);
    va_list list;
    long a[6];
    va_start(list, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_getrandom && wall_clock != NULL) return getrandom((void *)a[0], (size_t)a[1], (unsigned)a[2]);
    if (real == NULL) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int is_mark(const char *path) {
    static const char *marks[] = {"/.dockerenv", "/run/.containerenv", "/run/systemd/container"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (path != NULL && strcmp(path, marks[i]) == 0) return 1;
    return 0;
}

int statx(int directory, const char *restrict path, int flags, unsigned mask, struct statx *restrict result) {
    if (is_mark(path)) {
        errno = ENOENT;
        return -1;
    }
    return (int)syscall(SYS_statx, directory, path, flags, mask, result);
}
