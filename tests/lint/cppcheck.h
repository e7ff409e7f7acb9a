/* SPDX-License-Identifier: ISC */
/*
 * For cppcheck, which reads no system headers: the lists of sys/queue.h, as far
 * as src/ uses them.
 */
#define TAILQ_HEAD(name, type)                                                 \
	struct name {                                                          \
		struct type *first;                                            \
	}
#define TAILQ_ENTRY(type)                                                      \
	struct {                                                               \
		struct type *next;                                             \
	}
#define TAILQ_FOREACH(element, head, field)                                    \
	for ((element) = (head)->first; (element) != NULL;                     \
	     (element) = (element)->field.next)
