/*
 * Preloaded into a process (LD_PRELOAD), below SQLite and Node: records in one order what the process does to the files of one
 * directory and what it writes to its TCP connections, and lets the n-th call on these files fail. See recorded-disk.ts.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The function that this file stands in front of. */
#define NEXT(name)                                                                                                             \
  ({                                                                                                                           \
    static typeof(&name) next;                                                                                                 \
    if (!next) next = (typeof(&name))dlsym(RTLD_NEXT, #name);                                                                  \
    next;                                                                                                                      \
  })

enum operation { WRITE = 1, TRUNCATE, SYNC, SYNC_FAILED, CREATE, UNLINK, RENAME, TOLD };

/* What stands in front of each record; its path and its data follow. */
struct head {
  uint32_t operation;
  uint32_t path_length;
  uint64_t data_length;
  uint64_t file;
  uint64_t offset;
};

/* Shared with who asks for faults: after so many more calls one fails with this error. */
struct control {
  int32_t countdown;
  int32_t error;
};

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static const char *directory;
static size_t directory_length;
static int trace;
static struct control *control;

__attribute__((constructor)) static void begin(void) {
  const char *wanted = getenv("DISK_DIRECTORY");
  if (!wanted) return;
  trace = open(getenv("DISK_TRACE"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  int shared = open(getenv("DISK_CONTROL"), O_RDWR | O_CLOEXEC);
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
  if (trace < 0 || control == MAP_FAILED) abort();
  directory_length = strlen(wanted);
  directory = wanted;
}

static int is_watched(const char *path) {
  return directory && strncmp(path, directory, directory_length) == 0 &&
         (path[directory_length] == '/' || path[directory_length] == 0);
}

static void path_of(int fd, char *path) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = directory ? readlink(link, path, PATH_MAX - 1) : 0;
  path[length > 0 ? length : 0] = 0;
}

static int is_tcp(int fd, const char *path) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  return strncmp(path, "socket:", 7) == 0 && getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
         (address.ss_family == AF_INET || address.ss_family == AF_INET6);
}

static int fails(void) {
  if (control->countdown <= 0 || --control->countdown > 0) return 0;
  errno = control->error;
  return 1;
}

static void put(const void *data, size_t length) {
  for (const char *rest = data; length > 0;) {
    ssize_t written = syscall(SYS_write, trace, rest, length);
    if (written < 0) abort();
    rest += written;
    length -= written;
  }
}

/* `data_length` bytes of what is in the pieces. */
static void record(enum operation operation, const char *path, uint64_t file, uint64_t offset, const struct iovec *pieces,
                   int count, size_t data_length) {
  int before = errno;
  struct head head = {operation, strlen(path), data_length, file, offset};
  put(&head, sizeof head);
  put(path, head.path_length);
  for (int at = 0; at < count && data_length > 0; at++) {
    size_t length = pieces[at].iov_len < data_length ? pieces[at].iov_len : data_length;
    put(pieces[at].iov_base, length);
    data_length -= length;
  }
  errno = before;
}

static uint64_t file_of(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

static off64_t place_of(int fd) {
  struct stat found;
  if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &found) == 0 ? found.st_size : 0;
  return lseek64(fd, 0, SEEK_CUR);
}

/* At its place in the file where the offset is negative. */
static ssize_t write_all(int fd, const struct iovec *pieces, int count, off64_t offset) {
  char path[PATH_MAX];
  path_of(fd, path);
  int watched = is_watched(path);
  int tells = !watched && is_tcp(fd, path);
  if (!watched && !tells) return offset < 0 ? NEXT(writev)(fd, pieces, count) : NEXT(pwritev)(fd, pieces, count, offset);
  pthread_mutex_lock(&order);
  ssize_t written = -1;
  if (tells) {
    size_t length = 0;
    for (int at = 0; at < count; at++) length += pieces[at].iov_len;
    record(TOLD, "", 0, 0, pieces, count, length);
    written = NEXT(writev)(fd, pieces, count);
  } else if (!fails()) {
    off64_t place = offset < 0 ? place_of(fd) : offset;
    written = offset < 0 ? NEXT(writev)(fd, pieces, count) : NEXT(pwritev)(fd, pieces, count, offset);
    if (written > 0) record(WRITE, path, file_of(fd), place, pieces, count, written);
  }
  pthread_mutex_unlock(&order);
  return written;
}

ssize_t write(int fd, const void *data, size_t length) {
  return write_all(fd, &(struct iovec){(void *)data, length}, 1, -1);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) { return write_all(fd, pieces, count, -1); }

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  return write_all(fd, &(struct iovec){(void *)data, length}, 1, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset) { return write_all(fd, pieces, count, offset); }

static int sync_file(int fd, int (*next)(int)) {
  char path[PATH_MAX];
  path_of(fd, path);
  if (!is_watched(path)) return next(fd);
  pthread_mutex_lock(&order);
  int result = fails() ? -1 : next(fd);
  record(result == 0 ? SYNC : SYNC_FAILED, path, file_of(fd), 0, NULL, 0, 0);
  pthread_mutex_unlock(&order);
  return result;
}

int fsync(int fd) { return sync_file(fd, NEXT(fsync)); }

int fdatasync(int fd) { return sync_file(fd, NEXT(fdatasync)); }

int ftruncate64(int fd, off64_t size) {
  char path[PATH_MAX];
  path_of(fd, path);
  if (!is_watched(path)) return NEXT(ftruncate64)(fd, size);
  pthread_mutex_lock(&order);
  int result = fails() ? -1 : NEXT(ftruncate64)(fd, size);
  if (result == 0) record(TRUNCATE, path, file_of(fd), size, NULL, 0, 0);
  pthread_mutex_unlock(&order);
  return result;
}

static int open_file(const char *path, int flags, int mode, int (*next)(const char *, int, ...)) {
  if (!is_watched(path)) return next(path, flags, mode);
  pthread_mutex_lock(&order);
  int fd = fails() ? -1 : next(path, flags, mode);
  if (fd >= 0 && flags & O_CREAT) record(CREATE, path, file_of(fd), 0, NULL, 0, 0);
  if (fd >= 0 && flags & O_TRUNC) record(TRUNCATE, path, file_of(fd), 0, NULL, 0, 0);
  pthread_mutex_unlock(&order);
  return fd;
}

#define MODE(flags)                                                                                                            \
  ({                                                                                                                           \
    va_list rest;                                                                                                              \
    va_start(rest, flags);                                                                                                     \
    int mode = (flags) & O_CREAT ? va_arg(rest, int) : 0;                                                                      \
    va_end(rest);                                                                                                              \
    mode;                                                                                                                      \
  })

int open(const char *path, int flags, ...) { return open_file(path, flags, MODE(flags), NEXT(open)); }

int open64(const char *path, int flags, ...) { return open_file(path, flags, MODE(flags), NEXT(open64)); }

int unlink(const char *path) {
  if (!is_watched(path)) return NEXT(unlink)(path);
  pthread_mutex_lock(&order);
  int result = fails() ? -1 : NEXT(unlink)(path);
  if (result == 0) record(UNLINK, path, 0, 0, NULL, 0, 0);
  pthread_mutex_unlock(&order);
  return result;
}

int rename(const char *from, const char *to) {
  if (!is_watched(from)) return NEXT(rename)(from, to);
  pthread_mutex_lock(&order);
  int result = fails() ? -1 : NEXT(rename)(from, to);
  if (result == 0) record(RENAME, from, 0, 0, &(struct iovec){(void *)to, strlen(to)}, 1, strlen(to));
  pthread_mutex_unlock(&order);
  return result;
}

/* Reads are not recorded, but may fail. */
static int read_fails(int fd) {
  char path[PATH_MAX];
  path_of(fd, path);
  if (!is_watched(path)) return 0;
  pthread_mutex_lock(&order);
  int result = fails();
  pthread_mutex_unlock(&order);
  return result;
}

ssize_t read(int fd, void *data, size_t length) { return read_fails(fd) ? -1 : NEXT(read)(fd, data, length); }

ssize_t pread64(int fd, void *data, size_t length, off64_t offset) {
  return read_fails(fd) ? -1 : NEXT(pread64)(fd, data, length, offset);
}
