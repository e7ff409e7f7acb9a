/* SPDX-License-Identifier: ISC */
#include "support/unknown_coherence.h"

#include <assert.h>
#include <stdlib.h>

#include "base/random.h"
#include "coherence/coherence.h"
#include "store/backend.h"

struct unknown_coherence {
	struct coherence base;
	struct coherence *real;
	unsigned percent;
};

static struct coherence *
real(const struct coherence *co)
{
	return ((const struct unknown_coherence *)co)->real;
}

static coherence_read_fn read_some;
static uint64_t
read_some(const struct coherence *co, const char *key)
{
	const struct unknown_coherence *u =
	    (const struct unknown_coherence *)co;
	uint64_t version = coherence_read(u->real, key);
	unsigned char dice;

	random_fill(&dice, sizeof(dice));
	return dice * 100u < u->percent * 256u ? version | COHERENCE_UNKNOWN
					       : version;
}

static coherence_binding_fn bind_real;
static void
bind_real(const struct coherence *co, uint64_t version,
    unsigned char binding_out[COHERENCE_BINDING_BYTES])
{
	coherence_binding(real(co), version, binding_out);
}

static coherence_lock_fn lock_real;
static enum err
lock_real(
    struct coherence *co, int wait_ms, coherence_flush_fn *flush, void *ctx)
{
	return coherence_lock(real(co), wait_ms, flush, ctx);
}

static coherence_begin_fn begin_real;
static enum err
begin_real(struct coherence *co, const char *const *keys, size_t n)
{
	return coherence_begin(real(co), keys, n);
}

static coherence_step_fn publish_real;
static void
publish_real(struct coherence *co)
{
	coherence_publish(real(co));
}

static coherence_step_fn abort_real;
static void
abort_real(struct coherence *co)
{
	coherence_abort(real(co));
}

static coherence_step_fn unlock_real;
static void
unlock_real(struct coherence *co)
{
	coherence_unlock(real(co));
}

static coherence_step_fn free_both;
static void
free_both(struct coherence *co)
{
	coherence_free(real(co));
	free(co);
}

void
unknown_coherence_put(struct store *st, unsigned percent)
{
	static const struct coherence_ops ops = {
		.name = "unknown",
		.read = read_some,
		.binding = bind_real,
		.lock = lock_real,
		.begin = begin_real,
		.publish = publish_real,
		.abort = abort_real,
		.unlock = unlock_real,
		.free = free_both,
	};
	struct unknown_coherence *u = calloc(1, sizeof(*u));

	assert(u != NULL);
	u->base.ops = &ops;
	u->real = st->coherence;
	u->percent = percent;
	st->coherence = &u->base;
}

void
unknown_coherence_set(struct store *st, unsigned percent)
{
	struct unknown_coherence *u =
	    (struct unknown_coherence *)store_coherence(st);

	assert(u->base.ops->free == free_both);
	u->percent = percent;
}
