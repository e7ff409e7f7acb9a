/* SPDX-License-Identifier: ISC */
#include "coherence/shm_coherence.h"

#include <stdlib.h>
#include <string.h>

#include "coherence/coherence.h"
#include "shm/generation.h"
#include "shm/shm.h"

struct shm_coherence {
	struct coherence base;
	struct shm *shm;
};

static struct shm *
shm_of(const struct coherence *co)
{
	return ((const struct shm_coherence *)co)->shm;
}

static coherence_read_fn shm_read;
static uint64_t
shm_read(const struct coherence *co, const char *key)
{
	return generation_read(shm_of(co), key);
}

/*
 * Generations start again with the file, after a reboot for instance, and could
 * match older entries by accident; the random id does not.
 */
static coherence_binding_fn shm_binding;
static void
shm_binding(const struct coherence *co, uint64_t version,
    unsigned char binding_out[COHERENCE_BINDING_BYTES])
{
	_Static_assert(COHERENCE_BINDING_BYTES == SHM_ID_BYTES + 8,
	    "the id of the file and a generation");

	memcpy(binding_out, shm_id(shm_of(co)), SHM_ID_BYTES);
	for (size_t i = 0; i < 8; i++)
		binding_out[SHM_ID_BYTES + i] =
		    (unsigned char)(version >> (8 * i));
}

static coherence_lock_fn shm_lock;
static enum err
shm_lock(
    struct coherence *co, int wait_ms, coherence_flush_fn *flush, void *ctx)
{
	return generation_lock(shm_of(co), wait_ms, flush, ctx);
}

static coherence_begin_fn shm_begin;
static enum err
shm_begin(struct coherence *co, const char *const *keys, size_t n)
{
	return generation_mark(shm_of(co), keys, n);
}

/* After a rollback, too, entries filled meanwhile must not be valid. */
static coherence_step_fn shm_settle;
static void
shm_settle(struct coherence *co)
{
	generation_settle(shm_of(co));
}

static coherence_step_fn shm_unlock;
static void
shm_unlock(struct coherence *co)
{
	generation_unlock(shm_of(co));
}

static coherence_step_fn shm_free;
static void
shm_free(struct coherence *co)
{
	free(co);
}

enum err
shm_coherence_new(struct shm *shm, struct coherence **coherence_out)
{
	static const struct coherence_ops ops = {
		.name = "shared memory",
		.read = shm_read,
		.binding = shm_binding,
		.lock = shm_lock,
		.begin = shm_begin,
		.publish = shm_settle,
		.abort = shm_settle,
		.unlock = shm_unlock,
		.free = shm_free,
	};
	struct shm_coherence *c = calloc(1, sizeof(*c));

	*coherence_out = NULL;
	if (c == NULL)
		return ERR_INTERNAL;
	c->base.ops = &ops;
	c->shm = shm;
	*coherence_out = &c->base;
	return ERR_OK;
}
