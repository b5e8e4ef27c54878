#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "CKernelsMemory.h"

// One guard a thread: SIGBUS is delivered to the thread that touched the missing page.
static _Thread_local struct {
  sigjmp_buf landing;
  const char *begin, *end;
  volatile sig_atomic_t active;
} guard;

static struct sigaction previous;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static void on_bus_error(int signal, siginfo_t *info, void *context) {
  const char *address = (const char *)info->si_addr;
  // Only a fault inside the source is ours; any other is a bug, and goes to whoever was here before.
  if (guard.active && address >= guard.begin && address < guard.end) {
    guard.active = 0;
    siglongjmp(guard.landing, 1);
  }
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    // On return the same instruction faults again, now with the default consequence.
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(SIGBUS, &standard, NULL);
  }
}

static void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous);
}

bool ck_guarded_copy(void *dst, const void *src, size_t n) {
  pthread_once(&installed, install);
  guard.begin = (const char *)src;
  guard.end = guard.begin + n;
  // The signal mask is saved too: the jump leaves the handler while SIGBUS is blocked.
  if (sigsetjmp(guard.landing, 1)) return false;
  guard.active = 1;
  // Neither the compiler nor the processor may move the copy out of the guarded stretch.
  __asm__ volatile("" ::: "memory");
  memcpy(dst, src, n);
  __asm__ volatile("" ::: "memory");
  guard.active = 0;
  return true;
}
