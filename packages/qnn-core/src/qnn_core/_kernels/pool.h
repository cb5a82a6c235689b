/* A few threads that share the tasks of a kernel.
 *
 * A job is `count` tasks, taken one by one by whoever is free, the caller included. Results must not
 * depend on who takes which. Between jobs a worker watches for the next for a moment, since the
 * kernels of a training step follow each other within microseconds, and then sleeps: a pool that
 * watches on takes the cores from whatever runs beside it.
 */
#ifndef QNN_POOL_H
#define QNN_POOL_H

#include <stdint.h>

typedef void (*Task)(void *context, int64_t index);

#if defined(_MSC_VER)
/* No POSIX threads: everything runs in the caller. */
static void pool_share(Task task, void *context, int64_t count, int threads)
{
    (void)threads;
    for (int64_t i = 0; i < count; i++) task(context, i);
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
    _Atomic int sleepers;
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

static void pool_take(void)
{
    int64_t i;
    while ((i = atomic_fetch_add(&pool.next, 1)) < pool.count) pool.task(pool.context, i);
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
    for (;;) {
        pool_wait(seen);
        uint64_t now = atomic_load(&pool.state);
        while ((now & OPEN) && JOB(now) != seen) {
            if (!atomic_compare_exchange_weak(&pool.state, &now, now + 1)) continue;
            seen = JOB(now);
            if ((intptr_t)number < pool.wanted) pool_take();
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

/* Run all tasks, on up to `threads` threads; in the caller alone if another job is running. */
static void pool_share(Task task, void *context, int64_t count, int threads)
{
    int wanted = threads - 1 < MOST_WORKERS ? threads - 1 : MOST_WORKERS;
    if (wanted > count - 1) wanted = (int)count - 1;
    if (wanted < 1 || atomic_flag_test_and_set(&pool.busy)) {
        for (int64_t i = 0; i < count; i++) task(context, i);
        return;
    }
    if (pool.workers < wanted) pool_grow(wanted);
    pool.task = task;
    pool.context = context;
    pool.count = count;
    pool.wanted = wanted;
    atomic_store(&pool.next, 0);
    uint64_t job = (JOB(atomic_load(&pool.state)) + 1) << 32;
    atomic_store(&pool.state, job | OPEN);
    if (atomic_load(&pool.sleepers)) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.work);
        pthread_mutex_unlock(&pool.lock);
    }
    pool_take();
    /* A worker whose core was taken away may need the one of the caller. */
    uint64_t empty = job | OPEN;
    for (int tries = 0; !atomic_compare_exchange_weak(&pool.state, &empty, job); tries++) {
        empty = job | OPEN;
        if (tries < 10000) pool_breathe();
        else sched_yield();
    }
    atomic_flag_clear(&pool.busy);
}
#endif

#endif
