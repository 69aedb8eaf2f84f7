/* enter [FILE]: the last step into a container, run inside it: become the program's user, give up what the container
 * was not granted, load the system-call filter, and become the program.
 *
 * FILE holds zero-ended strings: user, groups, folder, capabilities (hexadecimal), number of variables, those, command.
 * Without one, it is PROGRAM, and the command is run by the container's init; with one, the command itself is run, as
 * for a program that is started in a container that runs.
 *
 * A + before the capabilities is of a build, which makes root file systems: its filter is that of a whole Debian.
 * Instead of capabilities, "system" stands for a whole Debian: its root keeps those of SYSTEM, programs may gain rights
 * as everywhere (sudo), the filter is another, and the command is the init.
 *
 * It is static and has no C library, so nothing of the image's is loaded. Users are looked up in the image's own files:
 * here that can harm the container only. Exit status 125: it could not, and says why.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PROGRAM "/dev/skerry/own/program"
#define FILTER "/dev/skerry/filter"
#define SYSTEM_FILTER "/dev/skerry/filter.system"
#define INIT "/dev/skerry/init"
#define NOBODY 65536u /* ids end before it */

/* As src/skerry/parts/program.py names them: what systemd and the packages of a distribution need over their own. */
#define CAP(name) (1u << CAP_##name)
static const uint32_t SYSTEM = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(FSETID) | CAP(KILL) | CAP(SETGID) |
                               CAP(SETUID) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(NET_ADMIN) | CAP(NET_RAW) | CAP(SYS_CHROOT) |
                               CAP(SYS_PTRACE) | CAP(SYS_ADMIN) | CAP(SYS_BOOT) | CAP(SYS_NICE) | CAP(SYS_RESOURCE) | CAP(MKNOD) |
                               CAP(AUDIT_WRITE) | CAP(SETFCAP);

enum { PROGRAM_MAX = 4 << 20, WORDS_MAX = 1 << 16, USERS_MAX = 1 << 20, FILTER_MAX = 4096, GROUPS_MAX = 256 };

static char program[PROGRAM_MAX + 1], users[USERS_MAX + 1], joined[4096 + 256], home[4096 + 8];
static char *words[WORDS_MAX + 4], *variables[WORDS_MAX + 2];
static struct sock_filter filter[FILTER_MAX];
static uint32_t groups[GROUPS_MAX];
static size_t group_count;

static long call(long number, long a, long b, long c, long d, long e) {
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
	return result;
}

/* The compiler may ask for these by name. */
void *memset(void *to, int byte, size_t size) {
	for (volatile char *at = to; size--;) *at++ = (char)byte;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
	const char *source = from;
	for (volatile char *at = to; size--;) *at++ = *source++;
	return to;
}

static size_t length(const char *text) {
	size_t count = 0;
	while (text[count]) count++;
	return count;
}

static bool same(const char *one, const char *other) {
	while (*one && *one == *other) one++, other++;
	return *one == *other;
}

static char *find(char *text, char wanted) {
	while (*text && *text != wanted) text++;
	return *text ? text : NULL;
}

static void say(const char *text) { call(SYS_write, 2, (long)text, (long)length(text), 0, 0); }

static _Noreturn void leave(int status) {
	for (;;) call(SYS_exit_group, status, 0, 0, 0, 0);
}

static _Noreturn void fail(const char *what, const char *about, const char *why) {
	say("skerry: ");
	say(what);
	say(about);
	say(why);
	say("\n");
	leave(125);
}

static void must(long result, const char *what) {
	if (result < 0) fail("the program was not started: ", what, " was refused");
}

/* A whole regular file; -1 where there is none, or it is something else or too large. */
static long slurp(const char *path, void *into, size_t room) {
	struct stat found;
	long file = call(SYS_open, (long)path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0, 0, 0), got, size = 0;
	if (file < 0) return -1;
	if (call(SYS_fstat, file, (long)&found, 0, 0, 0) || !S_ISREG(found.st_mode) || (size_t)found.st_size > room) size = -1;
	while (size >= 0 && (size_t)size < room &&
	       (got = call(SYS_read, file, (long)((char *)into + size), (long)(room - (size_t)size), 0, 0)))
		size = got < 0 ? -1 : size + got;
	call(SYS_close, file, 0, 0, 0, 0);
	return size;
}

/* A number of digits alone, below NOBODY; NOBODY where the text is none. */
static uint32_t number(const char *text) {
	uint32_t value = 0;
	if (!*text) return NOBODY;
	for (; *text; text++) {
		if (*text < '0' || *text > '9') return NOBODY;
		value = value * 10 + (uint32_t)(*text - '0');
		if (value >= NOBODY) return NOBODY;
	}
	return value;
}

static uint32_t hexadecimal(const char *text) {
	uint32_t value = 0;
	for (; *text; text++) value = value << 4 | (uint32_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	return value;
}

/* Cut the next line off, and its fields at colons; the number of fields, 0 at the end. */
static size_t fields_of(char **at, char *fields[], size_t most) {
	char *line = *at, *end = find(line, '\n');
	size_t count = 0;
	if (!*line) return 0;
	*at = end ? end + 1 : line + length(line);
	if (end) *end = 0;
	while (line && count < most) {
		char *colon = find(line, ':');
		fields[count++] = line;
		if (colon) *colon = 0;
		line = colon ? colon + 1 : NULL;
	}
	return count;
}

static void add_group(uint32_t id) {
	for (size_t i = 0; i < group_count; i++)
		if (groups[i] == id) return;
	if (group_count < GROUPS_MAX) groups[group_count++] = id;
}

static bool is_member(char *members, const char *user) {
	while (members) {
		char *comma = find(members, ',');
		if (comma) *comma = 0;
		if (same(members, user)) return true;
		members = comma ? comma + 1 : NULL;
	}
	return false;
}

static char *read_users(const char *path) {
	long size = slurp(path, users, USERS_MAX);
	users[size < 0 ? 0 : size] = 0;
	return users;
}

/* The id of the group that has this name; NOBODY where none has. */
static uint32_t group_named(const char *name) {
	char *at = read_users("/etc/group"), *fields[4];
	for (size_t count; (count = fields_of(&at, fields, 4));)
		if (count >= 3 && same(fields[0], name)) return number(fields[2]);
	return NOBODY;
}

static uint32_t group_of(const char *text) {
	uint32_t id = number(text);
	if (id == NOBODY) id = group_named(text);
	if (id == NOBODY) fail("the image has no group ", text, " in its /etc/group");
	return id;
}

struct who {
	uint32_t uid, gid;
	char name[256];
};

static void copy(char *to, const char *from, size_t room) {
	size_t i = 0;
	for (; from[i] && i + 1 < room; i++) to[i] = from[i];
	to[i] = 0;
}

/* Whom the image's /etc/passwd knows by this name or number; a number that it does not know is a user with group 0. */
static struct who look_up(const char *text) {
	struct who found = {.uid = number(text), .gid = 0};
	char *at = read_users("/etc/passwd"), *fields[7];
	copy(home, "HOME=/", sizeof home);
	if (found.uid == 0) copy(home, "HOME=/root", sizeof home);
	for (size_t count; (count = fields_of(&at, fields, 7));) {
		if (count < 4 || !(same(fields[0], text) || (found.uid != NOBODY && number(fields[2]) == found.uid))) continue;
		found.uid = number(fields[2]);
		found.gid = number(fields[3]);
		copy(found.name, fields[0], sizeof found.name);
		if (count > 5 && fields[5][0]) copy(home + 5, fields[5], sizeof home - 5);
		break;
	}
	if (found.uid == NOBODY || found.gid == NOBODY) fail("the image has no user ", text, " in its /etc/passwd");
	return found;
}

/* USER or USER:GROUP. A group that is named stands for those that the image gives the user. */
static struct who resolve(char *user, char *more) {
	char *colon = find(user, ':'), *fields[4];
	if (colon) *colon = 0;
	struct who found = look_up(*user ? user : "0");
	if (colon) {
		found.gid = group_of(colon + 1);
	} else if (found.name[0]) {
		char *at = read_users("/etc/group");
		for (size_t count; (count = fields_of(&at, fields, 4));)
			if (count == 4 && is_member(fields[3], found.name) && number(fields[2]) != NOBODY) add_group(number(fields[2]));
	}
	while (*more) {
		char *comma = find(more, ',');
		if (comma) *comma = 0;
		add_group(group_of(more));
		more = comma ? comma + 1 : more + length(more);
	}
	return found;
}

/* A program that was started from outside has its starter's limits; these are the ones of a container's first. */
static void reset_limits(void) {
	static const struct { int which; uint64_t soft; } all[] = {
		{RLIMIT_CPU, RLIM_INFINITY}, {RLIMIT_FSIZE, RLIM_INFINITY}, {RLIMIT_DATA, RLIM_INFINITY}, {RLIMIT_STACK, 8 << 20},
		{RLIMIT_CORE, 0}, {RLIMIT_NOFILE, 1024}, {RLIMIT_MEMLOCK, 8 << 20}, {RLIMIT_AS, RLIM_INFINITY}};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		uint64_t limit[2];
		must(call(SYS_prlimit64, 0, all[i].which, 0, (long)limit, 0), "reading a limit");
		limit[0] = all[i].soft < limit[1] ? all[i].soft : limit[1];
		must(call(SYS_prlimit64, 0, all[i].which, (long)limit, 0, 0), "setting a limit");
	}
	call(SYS_umask, 022, 0, 0, 0, 0);
	long file = call(SYS_open, (long)"/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0, 0, 0);
	if (file >= 0) {
		call(SYS_write, file, (long)"0", 1, 0, 0); /* where it was lower, the kernel would rather end others */
		call(SYS_close, file, 0, 0, 0, 0);
	}
}

static void become(struct who who, uint32_t kept) {
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
	struct __user_cap_data_struct data[2] = {{kept, kept, 0}, {0, 0, 0}};
	must(call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clearing the ambient capabilities");
	for (int capability = 0; call(SYS_prctl, PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (capability > 31 || !(kept >> capability & 1))
			must(call(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0), "dropping a capability");
	must(call(SYS_setgroups, (long)group_count, (long)groups, 0, 0, 0), "setting the groups");
	must(call(SYS_setresgid, who.gid, who.gid, who.gid, 0, 0), "setting the group");
	must(call(SYS_setresuid, who.uid, who.uid, who.uid, 0, 0), "setting the user");
	if (who.uid) data[0] = (struct __user_cap_data_struct){0, 0, 0}; /* as of setuid(2): they are root's */
	must(call(SYS_capset, (long)&header, (long)data, 0, 0, 0), "setting the capabilities");
}

static void load_filter(const char *path) {
	long size = slurp(path, filter, sizeof filter);
	struct sock_fprog code = {.len = (unsigned short)((size_t)size / sizeof filter[0]), .filter = filter};
	if (size <= 0 || (size_t)size % sizeof filter[0]) fail("the system-call filter cannot be read", "", "");
	must(call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&code, 0, 0), "loading the system-call filter");
}

/* Run argv, found as a shell finds it. */
static _Noreturn void run(char *argv[], char *path) {
	long result = -2; /* ENOENT */
	if (find(argv[0], '/')) result = call(SYS_execve, (long)argv[0], (long)argv, (long)variables, 0, 0);
	else
		while (path) {
			char *end = find(path, ':');
			size_t size = end ? (size_t)(end - path) : length(path);
			if (size + length(argv[0]) + 2 < sizeof joined) {
				memcpy(joined, path, size);
				joined[size] = '/';
				copy(joined + size + 1, argv[0], sizeof joined - size - 1);
				long now = call(SYS_execve, (long)joined, (long)argv, (long)variables, 0, 0);
				if (now != -2 && now != -20) result = now; /* neither ENOENT nor ENOTDIR: it is there */
			}
			path = end ? end + 1 : NULL;
		}
	say("skerry: ");
	say(argv[0]);
	say(result == -2 || result == -20 ? ": not found\n" : ": cannot be run\n");
	leave(result == -2 || result == -20 ? 127 : 126);
}

/* The file's strings; how many. Each ends with a zero byte. */
static size_t read_words(const char *path) {
	long size = slurp(path, program, PROGRAM_MAX);
	size_t count = 0;
	if (size < 0) fail("cannot read ", path, "");
	for (char *at = program; at < program + size && count < WORDS_MAX; at += length(at) + 1) words[count++] = at;
	return count;
}

__attribute__((used)) static _Noreturn void begin(long *stack) {
	char **argv = (char **)(stack + 1), *path = NULL;
	bool started_from_outside = stack[0] > 1;
	size_t count = read_words(started_from_outside ? argv[1] : PROGRAM), variable_count = count < 5 ? 0 : number(words[4]);
	if (count < 6 + variable_count || variable_count >= NOBODY) fail("the program's description is cut off", "", "");
	struct who who = resolve(words[0], words[1]);
	bool has_home = false;
	for (size_t i = 0; i < variable_count; i++) {
		char *variable = variables[i] = words[5 + i];
		memcpy(joined, variable, length(variable) < 5 ? length(variable) + 1 : 5);
		joined[5] = 0;
		if (same(joined, "PATH=")) path = variable + 5;
		has_home |= same(joined, "HOME=");
	}
	if (!has_home) variables[variable_count] = home;
	bool whole = same(words[3], "system"), build = words[3][0] == '+';
	reset_limits();
	if (whole) load_filter(SYSTEM_FILTER); /* while it has the right to, for it keeps the way to new ones */
	else must(call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "giving up new privileges");
	become(who, whole ? SYSTEM : hexadecimal(words[3] + build));
	if (call(SYS_chdir, (long)(words[2][0] ? words[2] : "/"), 0, 0, 0, 0) < 0)
		fail("the folder ", words[2], " that the program shall start in cannot be entered");
	if (started_from_outside) { /* it ends with whoever brought it in, and is of no other session */
		call(SYS_prctl, PR_SET_PDEATHSIG, 9, 0, 0, 0);
		call(SYS_setsid, 0, 0, 0, 0, 0);
	}
	must(call(SYS_close_range, 3, ~0U, 0, 0, 0), "closing what was handed over");
	if (!whole) load_filter(build ? SYSTEM_FILTER : FILTER);
	char **command = words + 5 + variable_count;
	if (started_from_outside || whole) run(command, path);
	*--command = (char *)"--";
	*--command = (char *)INIT;
	run(command, NULL);
}

__asm__(".globl _start\n_start: xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call begin\n hlt\n");
