/* What the files of start share. */
#pragma once
#include <err.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 1, 2))) static inline char *text_of(const char *format, ...) {
	char *made;
	va_list values;
	va_start(values, format);
	if (vasprintf(&made, format, values) < 0) err(1, "no memory");
	va_end(values);
	return made;
}

static inline int checked(long result, const char *what, const char *about) {
	if (result < 0) err(1, "%s %s", what, about);
	return (int)result;
}
