/* What libfaketime 0.9.10 leaves out: loaded before it, so that all of a process goes by the clock that it makes. */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SLICE 20000000L /* nanoseconds */
#define SECOND 1000000000L

static int before(const struct timespec *one, const struct timespec *other)
{
    return one->tv_sec != other->tv_sec ? one->tv_sec < other->tv_sec : one->tv_nsec < other->tv_nsec;
}

/* librdkafka waits by C11's threads, which the C library does not lead through POSIX's; its objects are the same.
   Linux ends such a wait when the time of day has come, however that is set meanwhile, and so does this. */
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    for (;;) {
        struct timespec slice;
        clock_gettime(CLOCK_REALTIME, &slice);
        if (!before(&slice, until))
            return thrd_timedout;
        slice.tv_nsec += SLICE;
        slice.tv_sec += slice.tv_nsec / SECOND;
        slice.tv_nsec %= SECOND;
        if (before(until, &slice))
            slice = *until;
        int result = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, &slice);
        if (result != ETIMEDOUT)
            return result == 0 ? thrd_success : thrd_error;
    }
}

/* Python sleeps by the monotonic clock, which is not to be touched; libfaketime answers with EINVAL. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *left)
{
    return syscall(SYS_clock_nanosleep, clock, flags, wanted, left) == 0 ? 0 : errno;
}
