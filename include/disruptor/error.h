/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_ERROR_H
#define DISRUPTOR_ERROR_H

/**
 * Calls return 0, a count or a sequence on success and a negative errno on
 * failure. errno itself is neither read nor left changed. The library never
 * prints, never exits, never aborts.
 *
 *	-EAGAIN		no free slot just now
 *	-ETIMEDOUT	the time given is over
 *	-ECANCELED	the disruptor is shut down, or being shut down
 *	-EDEADLK	the call would wait for its own caller
 *	-EBUSY		in use: an open claim, a handle that is out, a running disruptor
 *	-EALREADY	started, or shut down, before
 *	-EPERM		another thread's producer handle (debug builds); a CPU or a
 *			node that the kernel does not let us have
 *	-ENODEV		no such CPU, no such node
 *	-EOPNOTSUPP	needs NUMA, and this build or this machine has none
 *	-EOVERFLOW	beyond the last sequence, or more memory than can be addressed
 *	-ENOEXEC	compiled against headers that this library does not serve
 *	-EINVAL		not a value that the call takes
 *	-E2BIG		a struct with a field set that this library does not know
 *	-EEXIST		two consumers of one name
 *	-ENOENT		no consumer of that name
 *	-ELOOP		consumers that follow each other in a circle
 *	-ERANGE		a sequence that is not in the ring any more, or not yet
 *	-ENAMETOOLONG	a name of more than DSR_NAME_MAX bytes
 *	-ENOMEM		no memory, or none on the node that is required
 */

#include <disruptor/compiler.h>

DSR_BEGIN_DECLS

/**
 * dsr_strerror() - what a return value of this library means, in its words
 * @error: a return value; negative errno, or >= 0 for success
 *
 * Threads: any. Return: a constant string, never NULL.
 */
const char *dsr_strerror(int error);

DSR_END_DECLS

#endif
