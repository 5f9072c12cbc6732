/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <disruptor/error.h>

/* The domain's words first: what they mean here, not in general. */
static const struct {
	int error;
	const char *text;
} table[] = {
	{0, "success"},
	{EAGAIN, "no free slot, or no resource for a thread, just now"},
	{ETIMEDOUT, "the time given is over"},
	{ECANCELED, "the disruptor is shut down"},
	{EDEADLK, "the call would wait for its own caller"},
	{EBUSY, "in use: an open claim, a handle that is out, or a running disruptor"},
	{EALREADY, "done before: started, or shut down"},
	{EPERM, "another thread's producer, or a CPU or node that is not ours"},
	{ENODEV, "no such CPU or node"},
	{EOPNOTSUPP, "needs NUMA, which this build or this machine does not have"},
	{EOVERFLOW, "beyond the last sequence, or more memory than can be addressed"},
	{ENOEXEC, "compiled against headers that this library does not serve"},
	{EINVAL, "not a value that the call takes"},
	{E2BIG, "a struct with fields that this library does not know"},
	{EEXIST, "two consumers of one name"},
	{ENOENT, "no consumer of that name"},
	{ELOOP, "consumers that follow each other in a circle"},
	{ERANGE, "a sequence that is not in the ring any more, or not yet"},
	{ENAMETOOLONG, "a name is too long"},
	{ENOMEM, "no memory, or none on the node asked for"},
};

const char *dsr_strerror(int error)
{
	const char *text;
	size_t i;

	if (error > 0)
		return table[0].text;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (error == -table[i].error)
			return table[i].text;
	/* A handler's own, say. */
	text = error < -4095 ? NULL : strerrordesc_np(-error);
	return text ? text : "unknown error";
}
