/* File systems that offer less, for programs that load this library first.
 * UNFLUSHED: while this file exists, each flush of a directory is an error of the disk.
 * MODES: every directory has this octal mode, and no change of a mode has an effect. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int fsync(int file) {
    const char *when = getenv("UNFLUSHED");
    struct stat data;
    if (when && access(when, F_OK) == 0 && fstat(file, &data) == 0 && S_ISDIR(data.st_mode)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, file);
}

int mkdir(const char *path, mode_t mode) {
    const char *modes = getenv("MODES");
    if (syscall(SYS_mkdirat, AT_FDCWD, path, mode) != 0) {
        return -1;
    }
    return modes ? (int)syscall(SYS_fchmodat, AT_FDCWD, path, strtol(modes, 0, 8)) : 0;
}

int fchmod(int file, mode_t mode) {
    return getenv("MODES") ? 0 : (int)syscall(SYS_fchmod, file, mode);
}
