/* SPDX-License-Identifier: ISC */
#ifndef HTTP_PARAMS_H
#define HTTP_PARAMS_H

#include <stddef.h>

/* The FastCGI parameters that the product reads (http/params.def). */
enum param {
#define LENGTH(n, rows) rows
#define PARAM(name) PARAM_##name,
#include "http/params.def"
#undef PARAM
#undef LENGTH
	PARAMS
};

/**
 * params_find(name, len):
 * Return the parameter that the ${len} bytes at ${name} are the name of;
 * PARAMS if the product does not read it.
 */
enum param params_find(const void *name, size_t len);

#endif
