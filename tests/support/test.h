/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

/*
 * cmocka.h uses what it does not include, so the order is fixed here, once,
 * and no test includes it itself.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#endif
