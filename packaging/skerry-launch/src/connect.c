/* connect ASKED MARK: the host's end of Ansible's connection plugin, one command in a container.
 *
 * A task of Ansible's is several commands, so their starts count: this one asks the engine and becomes lxc-attach, with its
 * own streams. All that is to be known of the container, the engine answers (skerry/resources/containers/connect.py).
 * ASKED is base64, and goes to it unread. A refusal is a line that begins with MARK, which nothing in a container knows.
 */
#define _GNU_SOURCE
#include "common.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { NOT_STARTED = 125, DESCRIPTION = 3, PATIENCE_S = 300, MOST_WORDS = 64 };
static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char *mark = "skerry";

__attribute__((format(printf, 1, 2))) static _Noreturn void refuse(const char *format, ...) {
	va_list values;
	va_start(values, format);
	dprintf(2, "%s ", mark);
	vdprintf(2, format, values);
	dprintf(2, "\n");
	_exit(NOT_STARTED);
}

static int reach(void) {
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/skerry/engine.sock"};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int engine = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (engine < 0 || connect(engine, (struct sockaddr *)&address, sizeof address)) {
		if (errno == EACCES) refuse("this user may not open %s. Become root on this host", address.sun_path);
		refuse("the engine of this host cannot be reached: %s: %s. 'systemctl status skerry-engine.socket' says more; "
			"site.yml sets a host up", address.sun_path, strerror(errno));
	}
	setsockopt(engine, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return engine;
}

/* The engine's answer, one line. */
static char *ask(const char *asked) {
	int engine = reach();
	char *line = text_of("{\"version\": 3, \"verb\": \"connect\", \"asked\": \"%s\"}\n", asked), *answer = NULL;
	size_t length = strlen(line), used = 0, room = 0;
	/* What cannot be sent, such as to an engine that is ending, is told by what comes back. */
	for (ssize_t put; length; line += put, length -= (size_t)put)
		if ((put = send(engine, line, length, MSG_NOSIGNAL)) < 0) break;
	do {
		if (room - used < 4096 && !(answer = realloc(answer, room += 1 << 16))) refuse("no memory");
		ssize_t got = read(engine, answer + used, room - used - 1);
		if (got < 0 && errno == EAGAIN) refuse("the engine said nothing for %d s; it may still be at it", PATIENCE_S);
		if (got <= 0) refuse("the engine ended before it answered. It settles what it had begun when it starts again; ask again then");
		used += (size_t)got;
	} while (answer[used - 1] != '\n');
	answer[used - 1] = 0;
	close(engine);
	return answer;
}

/* Decode base64 in place, up to the quote at its end; the length. */
static size_t decode(char *text) {
	char *put = text;
	unsigned bits = 0, held = 0;
	for (const char *at = text, *found; *at && *at != '"' && *at != '=' && (found = strchr(LETTERS, *at)); at++) {
		held = held << 6 | (unsigned)(found - LETTERS);
		if ((bits += 6) >= 8) *put++ = (char)(held >> (bits -= 8));
	}
	*put = 0;
	return (size_t)(put - text);
}

/* What enter reads, as a file without a name. */
static void describe(const char *words, size_t size) {
	int file = memfd_create("skerry", 0);
	if (file < 0 || write(file, words, size) != (ssize_t)size || lseek(file, 0, SEEK_SET) || (file != DESCRIPTION && dup2(file, DESCRIPTION) < 0))
		refuse("the command could not be described: %s", strerror(errno));
	if (file != DESCRIPTION) close(file);
}

static void become(char *const argv[]) {
	static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", NULL};
	/* A program gets none of the client's: not that of a service which the kernel spares, say. */
	int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (score >= 0) (void)!write(score, "0", 1);
	umask(022);
	if (chdir("/")) refuse("/ cannot be entered: %s", strerror(errno));
	execve(argv[0], argv, environment);
	refuse("%s cannot be run: %s. Install lxc on this host", argv[0], strerror(errno));
}

int main(int count, char **given) {
	if (count < 2 || strspn(given[1], LETTERS) + strspn(strchrnul(given[1], '='), "=") != strlen(given[1]))
		errx(NOT_STARTED, "usage: connect ASKED MARK, as Ansible's connection plugin calls it");
	if (count > 2) mark = given[2];
	static const char KEY[] = "\"words\": \"";
	char *answer = ask(given[1]), *words = strstr(answer, KEY);
	/* Of the engine's errors only those that are no answer to a command at all come as such: see the end of the line. */
	if (!words) refuse("%s", answer);
	words += sizeof KEY - 1;
	size_t size = decode(words);
	/* A refusal; how many words call lxc-attach; these; what enter reads. */
	char *end = words + size, *next = words + strlen(words) + 1, *argv[MOST_WORDS + 1] = {NULL};
	if (*words) refuse("%s", words);
	long most = next < end ? strtol(next, NULL, 10) : 0;
	if (most == 0) return 0; /* it was to be checked only */
	if (most > MOST_WORDS) refuse("the engine's answer has too many words");
	for (long i = 0; i < most; i++) {
		if ((next += strlen(next) + 1) >= end) refuse("the engine's answer is cut off");
		argv[i] = next;
	}
	next += strlen(next) + 1;
	if (next < end) describe(next, (size_t)(end - next));
	become(argv);
}
