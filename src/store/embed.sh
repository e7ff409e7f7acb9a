#!/bin/sh
# SPDX-License-Identifier: ISC
#
# embed.sh FILE.sql: write the migrations of FILE.sql as the elements of a C
# array of strings, one for each "-- version N", which must count from 1.
# Comment lines stay behind.
set -eu

awk '
/^-- version [0-9]+$/ {
	if ($3 != version + 1) {
		print FILENAME ": version " $3 " after " version + 0 \
		    >"/dev/stderr"
		failed = 1
		exit 1
	}
	if (version++)
		print "\t,"
	print "\t/* version " version " */"
	next
}
/^[ \t]*--/ || /^[ \t]*$/ { next }
{
	if (!version) {
		print FILENAME ": text before the first version" >"/dev/stderr"
		failed = 1
		exit 1
	}
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	sub(/^[ \t]+/, " ")
	print "\t\"" $0 "\\n\""
}
END {
	if (!failed && !version) {
		print FILENAME ": no migrations" >"/dev/stderr"
		exit 1
	}
	exit failed
}
' "$1"
