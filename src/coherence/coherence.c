/* SPDX-License-Identifier: ISC */
#include "coherence/coherence.h"

#include <assert.h>

void
coherence_binding(const struct coherence *co, uint64_t version,
    unsigned char binding_out[COHERENCE_BINDING_BYTES])
{
	assert(coherence_known(version));
	co->ops->binding(co, version, binding_out);
}

enum err
coherence_lock(
    struct coherence *co, int wait_ms, coherence_flush_fn *flush, void *ctx)
{
	return co->ops->lock(co, wait_ms, flush, ctx);
}

enum err
coherence_begin(struct coherence *co, const char *const *keys, size_t n)
{
	return n == 0 ? ERR_OK : co->ops->begin(co, keys, n);
}

void
coherence_publish(struct coherence *co)
{
	co->ops->publish(co);
}

void
coherence_abort(struct coherence *co)
{
	co->ops->abort(co);
}

void
coherence_unlock(struct coherence *co)
{
	co->ops->unlock(co);
}

void
coherence_free(struct coherence *co)
{
	if (co != NULL)
		co->ops->free(co);
}
