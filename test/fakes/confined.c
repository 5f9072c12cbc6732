/* SPDX-License-Identifier: MIT */
/*
 * usage: confined ERRNO CALL[,CALL]... -- COMMAND...
 *
 * Runs a command in which some system calls are refused, as containers do it: by a
 * seccomp filter. Calls: mbind, move_pages, get_mempolicy, set_affinity, membarrier,
 * mlock. Exit status: the command's; 77 if there are no filters here.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned int number;
} calls[] = {
	{"mbind", SYS_mbind},
	{"move_pages", SYS_move_pages},
	{"get_mempolicy", SYS_get_mempolicy},
	{"set_affinity", SYS_sched_setaffinity},
	{"membarrier", SYS_membarrier},
	{"mlock", SYS_mlock},
};

enum { CALLS = sizeof(calls) / sizeof(*calls) };

static int find_call(const char *name)
{
	for (int i = 0; i < CALLS; i++)
		if (strcmp(calls[i].name, name) == 0)
			return i;
	return -1;
}

/* Loads the call's number, then two instructions for each that is refused. */
static int confine(char *names, unsigned int error)
{
	struct sock_filter code[2 * CALLS + 2];
	struct sock_fprog program = {.filter = code};
	unsigned short n = 0;
	char *rest = NULL, *name;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		int call = find_call(name);

		if (call < 0 || n > 2 * CALLS - 1)
			return -EINVAL;
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 calls[call].number, 0, 1);
		code[n++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	int err;

	if (argc < 5 || strcmp(argv[3], "--") != 0) {
		fprintf(stderr, "usage: confined ERRNO CALL[,CALL]... -- COMMAND...\n");
		return 2;
	}
	err = confine(argv[2], (unsigned int)atoi(argv[1]));
	if (err == -EINVAL)
		return 2;
	if (err < 0) {
		printf("not here: no seccomp filter: %s\n", strerror(-err));
		return 77;
	}
	execv(argv[4], argv + 4);
	perror(argv[4]);
	return 127;
}
