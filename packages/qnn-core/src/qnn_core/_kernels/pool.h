/* A few threads that share the tasks of a kernel.
 *
 * A job is `count` tasks, taken one by one by whoever is free, the caller included. Results must not
 * depend on who takes which. Tasks run in the floating-point state of float_mode.h. A job ends early
 * when its time is over, so that the caller can look for signals, and goes on as another job.
 * Between jobs a worker watches for the next for a moment, since the
 * kernels of a training step follow each other within microseconds, and then sleeps: a pool that
 * watches on takes the cores from whatever runs beside it.
 */
#ifndef QNN_POOL_H
#define QNN_POOL_H

#include <stdint.h>

#include "float_mode.h"

typedef void (*Task)(void *context, int64_t index);

#if defined(_MSC_VER)
/* No POSIX threads: everything runs in the caller, without a limit. */
static int64_t pool_share(Task task, void *context, int64_t start, int64_t count, int threads,
                          int64_t limit)
{
    (void)threads, (void)limit;
    uint64_t mode = float_mode_enter();
    for (int64_t i = start; i < count; i++) task(context, i);
    float_mode_leave(mode);
    return count;
}
#else

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

enum { MOST_WORKERS = 255 };
#define WATCH_NANOSECONDS 40000

/* `state` holds the number of the job, whether it may be joined, and how many workers have. A job
 * ends by one exchange that finds nobody in it, so a worker that wakes up late never delays it.
 */
#define ONE_JOB ((uint64_t)1 << 32)
#define OPEN ((uint64_t)1 << 31)
#define JOINED(state) ((state) & (OPEN - 1))
#define JOB(state) ((state) >> 32)

static struct {
    _Atomic uint64_t state;
    _Atomic int64_t next;
    _Atomic int sleepers, over;
    Task task;
    void *context;
    int64_t count;
    int workers, wanted;
    atomic_flag busy;
    pthread_mutex_t lock;
    pthread_cond_t work;
} pool = {.busy = ATOMIC_FLAG_INIT,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .work = PTHREAD_COND_INITIALIZER};

static inline void pool_breathe(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t pool_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* When the caller looks at the clock: after its first task, and then so many later that, at their
 * pace, an eighth of the limit has passed; so it looks seldom, and in time. */
typedef struct {
    int64_t began, limit, done, look;
} Watch;

static Watch watch_from_now(int64_t limit)
{
    Watch w = {limit == INT64_MAX ? 0 : pool_clock(), limit, 0, limit == INT64_MAX ? INT64_MAX : 1};
    return w;
}

/* A task is done: whether the time is over. */
static inline int watch_says_over(Watch *w)
{
    if (++w->done < w->look) return 0;
    int64_t took = pool_clock() - w->began, more = w->done;
    if (took > w->limit) return 1;
    if (took > 0 && w->limit / 8 < took) more = (int64_t)((double)w->done * (double)w->limit / 8 / (double)took);
    w->look = w->done + (more > 1 ? more : 1);
    return 0;
}

static void pool_take(Watch *watch)
{
    int64_t i;
    while (!atomic_load_explicit(&pool.over, memory_order_relaxed) &&
           (i = atomic_fetch_add(&pool.next, 1)) < pool.count) {
        pool.task(pool.context, i);
        if (watch && watch_says_over(watch)) atomic_store(&pool.over, 1);
    }
}

static int pool_has_new(uint64_t seen)
{
    uint64_t now = atomic_load(&pool.state);
    return JOB(now) != seen && (now & OPEN);
}

static void pool_wait(uint64_t seen)
{
    int64_t until = pool_clock() + WATCH_NANOSECONDS;
    do {
        for (int i = 0; i < 64; i++) {
            if (pool_has_new(seen)) return;
            pool_breathe();
        }
    } while (pool_clock() < until);
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.sleepers, 1);
    while (!pool_has_new(seen)) pthread_cond_wait(&pool.work, &pool.lock);
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.lock);
}

static void *pool_worker(void *number)
{
    uint64_t seen = 0;
    float_mode_enter(); /* for good: the thread is ours */
    for (;;) {
        pool_wait(seen);
        uint64_t now = atomic_load(&pool.state);
        while ((now & OPEN) && JOB(now) != seen) {
            if (!atomic_compare_exchange_weak(&pool.state, &now, now + 1)) continue;
            seen = JOB(now);
            if ((intptr_t)number < pool.wanted) pool_take(NULL);
            atomic_fetch_sub(&pool.state, 1);
            break;
        }
    }
    return NULL;
}

/* In a forked child there are no workers, and whatever they held is held for ever. */
static void pool_forget(void)
{
    pool.workers = 0;
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.state, (JOB(atomic_load(&pool.state)) + 1) << 32);
    atomic_flag_clear(&pool.busy);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.work, NULL);
}

static void pool_grow(int workers)
{
    static int registered;
    if (!registered) {
        registered = 1;
        pthread_atfork(NULL, NULL, pool_forget);
    }
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    while (pool.workers < workers) {
        pthread_t thread;
        if (pthread_create(&thread, &detached, pool_worker, (void *)(intptr_t)pool.workers)) break;
        pool.workers++;
    }
    pthread_attr_destroy(&detached);
}

static int64_t pool_alone(Task task, void *context, int64_t i, int64_t count, Watch *watch)
{
    while (i < count) {
        task(context, i++);
        if (watch_says_over(watch)) break;
    }
    return i;
}

static int64_t pool_together(Task task, void *context, int64_t start, int64_t count, int wanted,
                             Watch *watch)
{
    if (pool.workers < wanted) pool_grow(wanted);
    pool.task = task;
    pool.context = context;
    pool.count = count;
    pool.wanted = wanted;
    atomic_store(&pool.next, start);
    atomic_store(&pool.over, 0);
    uint64_t job = (JOB(atomic_load(&pool.state)) + 1) << 32;
    atomic_store(&pool.state, job | OPEN);
    if (atomic_load(&pool.sleepers)) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.work);
        pthread_mutex_unlock(&pool.lock);
    }
    pool_take(watch);
    /* A worker whose core was taken away may need the one of the caller. */
    uint64_t empty = job | OPEN;
    for (int tries = 0; !atomic_compare_exchange_weak(&pool.state, &empty, job); tries++) {
        empty = job | OPEN;
        if (tries < 10000) pool_breathe();
        else sched_yield();
    }
    int64_t next = atomic_load(&pool.next);
    return next < count ? next : count;
}

/* Run tasks from `start` on, on up to `threads` threads, or in the caller alone if another job is
 * running. Returns the first task that was not run: `count`, or less if `limit` nanoseconds have
 * passed (INT64_MAX: none). */
static int64_t pool_share(Task task, void *context, int64_t start, int64_t count, int threads,
                          int64_t limit)
{
    uint64_t mode = float_mode_enter();
    Watch watch = watch_from_now(limit);
    int wanted = threads - 1 < MOST_WORKERS ? threads - 1 : MOST_WORKERS;
    if (wanted > count - start - 1) wanted = (int)(count - start - 1);
    int64_t next;
    if (wanted < 1 || atomic_flag_test_and_set(&pool.busy)) {
        next = pool_alone(task, context, start, count, &watch);
    } else {
        next = pool_together(task, context, start, count, wanted, &watch);
        atomic_flag_clear(&pool.busy);
    }
    float_mode_leave(mode);
    return next;
}
#endif

#endif
