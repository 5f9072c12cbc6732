/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_MONITOR_H
#define DSR_LIB_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

/* Can a thread without privileges have this core wait for a word to change? */
bool dsr_monitor_available(void);

/*
 * Waits until *@word may have changed from @stale, or a while, some tens of
 * microseconds, has gone by. Orders nothing: look again.
 */
void dsr_monitor_wait(const int64_t *word, int64_t stale);

#endif
