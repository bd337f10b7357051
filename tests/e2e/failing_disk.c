/* failing_disk.c - makes the k-th change of a file fail, as a full or broken disk would. Preloaded into a JVM
 * (LD_PRELOAD) by WriteErrorsIT, which builds it.
 *
 * Counted are write, pwrite, fsync, fdatasync, rename and ftruncate below the folder FAILING_DISK_UNDER; how they fail
 * is in the file FAILING_DISK_CONTROL, which both sides map: five int64_t calls   counted so far at      the call that
 * fails; 0: none error   errno of the failure lasting 1: all later calls fail, too failed  how many failed so far */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static volatile struct {
    int64_t calls, at, error, lasting, failed;
} *control;
static const char *under;

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("FAILING_DISK_CONTROL");
    const int fd = file ? open(file, O_RDWR) : -1;
    under = getenv("FAILING_DISK_UNDER");
    if (fd < 0 || !under) return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) control = mapped;
    close(fd);
}

/* Whether this call fails; sets errno. */
static int fails(const char *path) {
    if (!control || strncmp(path, under, strlen(under)) != 0) return 0;
    const int64_t call = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
    if (control->at == 0 || call < control->at || (call > control->at && !control->lasting)) return 0;
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    errno = (int)control->error;
    return 1;
}

static int fails_of(int fd) {
    char link[64], path[4096];
    if (!control) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = '\0';
    return fails(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t n) { return fails_of(fd) ? -1 : REAL(write)(fd, data, n); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) {
    return fails_of(fd) ? -1 : REAL(pwrite)(fd, data, n, at);
}
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) {
    return fails_of(fd) ? -1 : REAL(pwrite64)(fd, data, n, at);
}
int fsync(int fd) { return fails_of(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails_of(fd) ? -1 : REAL(fdatasync)(fd); }
int ftruncate(int fd, off_t n) { return fails_of(fd) ? -1 : REAL(ftruncate)(fd, n); }
int ftruncate64(int fd, off64_t n) { return fails_of(fd) ? -1 : REAL(ftruncate64)(fd, n); }
int rename(const char *from, const char *to) { return fails(to) ? -1 : REAL(rename)(from, to); }
