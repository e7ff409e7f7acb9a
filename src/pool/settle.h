/* SPDX-License-Identifier: ISC */
#ifndef POOL_SETTLE_H
#define POOL_SETTLE_H

struct config;

/**
 * settle(config):
 * After the last process of a pool has ended, make the file of the database
 * complete (store_url_settle()).  Does nothing while others use it.
 */
void settle(const struct config *config);

#endif
