#!/bin/sh
# SPDX-License-Identifier: ISC
# Print the environment, for a test to look at.
printf 'Content-Type: text/plain\r\nCache-Control: no-store\r\n\r\n\n'
exec env
