/* What the network programs ask of the system: its clocks, its descriptors, its standard output. */
#ifndef IO_SYSTEM_H
#define IO_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

uint64_t system_now_ns(void);  /* CLOCK_MONOTONIC */
uint64_t system_unix_ns(void); /* the time of day */

/* Take as many descriptors as the system gives; returns how many that are. */
uint64_t system_take_descriptors(void);

/* At the end of 'program': false when something written to standard output was lost, which is told
 * on standard error. */
bool system_end_stdout(const char *program);

#endif
