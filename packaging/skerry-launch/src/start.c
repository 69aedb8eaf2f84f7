/* start FILE: build a container's root, start the container, and end as its program ended.
 *
 * The program of every skerry-ID.service. FILE, which the engine alone writes, holds zero-ended strings: the container's
 * id, its folder below /run, the folder of its own files, the first id of its range, how many image folders its root has
 * and those, the topmost first; then three strings for each folder or file that is bound into the root: where it lies,
 * where it goes, and how ("rw" and "ro": with the container's ids; "file": a file of the host's, to be read). A secret
 * is told the same way: the credential that systemd decrypted, the name of its file, and that file's mode and owner.
 *
 * systemd hands over the container's user and network namespace (descriptors 3 and 4), and keeps them over restarts.
 * Nothing that a container says is here, but for the places of what is bound: those are looked up inside its root.
 *
 * Where SYSTEM lies in the container's folder, it is a whole Debian: programs in it may gain rights, and its init says
 * when it is up, to a socket in its own folder; READY says so on. A reboot inside ends it here with the status REBOOTED,
 * and systemd starts it again, with the pauses that it makes for every other restart.
 *
 * What it says, and its program, goes to the journal that JOURNAL names.
 *
 * Every mount is made in a mount namespace of this process, so all of them vanish with it. ENDED in the container's
 * folder tells afterwards how the program ended, and how often the kernel killed one for want of memory.
 */
#define _GNU_SOURCE
#include "common.h"
#include "places.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <lxc/lxccontainer.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

enum { USER_NAMESPACE = 3, NETWORK_NAMESPACE = 4, FIXED = 5, WORDS_MAX = 4096, FILE_MAX = 1 << 20, OPTIONS_MAX = 4000 };
enum { REBOOTED = 254, TOLD_AS_REBOOTED = 256 }; /* no program's exit status is as high as the latter, which ENDED has */

struct container {
	char *id, *folder, *files;
	unsigned uid;
	bool whole;
	char **lowers, **binds;
	int lower_count, bind_count;
};

/* A file of the container's folder. */
static bool is_there(const struct container *own, const char *name) {
	char *path = text_of("%s/%s", own->folder, name);
	bool found = !access(path, F_OK);
	free(path);
	return found;
}

static void read_description(const char *path, struct container *found) {
	static char text[FILE_MAX + 1], *words[WORDS_MAX];
	int file = checked(open(path, O_RDONLY | O_CLOEXEC), "open", path), count = 0;
	ssize_t size = read(file, text, FILE_MAX);
	close(file);
	for (char *at = text; at < text + size && count < WORDS_MAX; at += strlen(at) + 1) words[count++] = at;
	if (count < FIXED) errx(1, "%s is cut off", path);
	*found = (struct container){.id = words[0], .folder = words[1], .files = words[2], .uid = (unsigned)strtoul(words[3], NULL, 10)};
	found->whole = is_there(found, "system");
	found->lower_count = (int)strtol(words[4], NULL, 10);
	found->lowers = words + FIXED;
	found->binds = words + FIXED + found->lower_count;
	found->bind_count = (count - FIXED - found->lower_count) / 3;
	if (found->uid < 65536 || found->lower_count < 1 || FIXED + found->lower_count + 3 * found->bind_count != count)
		errx(1, "%s is not understood", path);
}

/* What is said goes into the journal that JOURNAL names: one of its own for each realm, and what each line is from. The
 * unit's LogNamespace= would do that as well, but then systemd copies every mount of the host for each start. Where
 * there is no such file (ENOENT), an older Skerry has told systemd so. */
static bool join_journal(const struct container *own) {
	char *path = text_of("%s/journal", own->folder), realm[256] = "", name[256] = "";
	FILE *file = fopen(path, "re");
	free(path);
	if (!file) return false;
	int words = fscanf(file, "%255s %255s", realm, name);
	fclose(file);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int place = snprintf(address.sun_path, sizeof address.sun_path, "/run/systemd/journal.%s/stdout", realm);
	errno = EBADMSG;
	if (words != 2 || place < 0 || (size_t)place >= sizeof address.sun_path) return false;
	int journal = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (journal < 0) return false;
	/* Who, unit, priority as syslog(3) has it; "<0>" before a line means nothing, and nobody else gets it. */
	char *header = text_of("%s\nskerry-%s.service\n%d\n0\n0\n0\n0\n", name, own->id, LOG_DAEMON | LOG_INFO);
	bool joined = !connect(journal, (struct sockaddr *)&address, sizeof address) &&
		send(journal, header, strlen(header), MSG_NOSIGNAL) == (ssize_t)strlen(header) && !shutdown(journal, SHUT_RD) &&
		dup2(journal, 1) == 1 && dup2(journal, 2) == 2;
	if (errno == ENOENT) errno = ECONNREFUSED; /* nobody listens, as far as the caller is concerned */
	int why = errno;
	free(header);
	close(journal);
	errno = why;
	return joined;
}

/* Where the init of a whole Debian says how far it is, as sd_notify(3); -1 for any other. */
static int notify_socket(const struct container *own) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!own->whole) return -1;
	int place = snprintf(address.sun_path, sizeof address.sun_path, "%s/own/notify", own->folder);
	if (place < 0 || (size_t)place >= sizeof address.sun_path) errx(1, "%s is too long a path", own->folder);
	int made = checked(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket", address.sun_path);
	if (unlink(address.sun_path) && errno != ENOENT) err(1, "unlink %s", address.sun_path);
	checked(bind(made, (struct sockaddr *)&address, sizeof address), "bind", address.sun_path);
	checked(chown(address.sun_path, own->uid, own->uid), "chown", address.sun_path);
	return made;
}

/* Whatever else is said, by whomever, is thrown away. */
static void take_notice(const struct container *own, int from) {
	char told[4096 + 1];
	ssize_t size = recv(from, told, sizeof told - 1, 0);
	if (size <= 0) return;
	told[size] = 0;
	char *found = strstr(told, "READY=1");
	if (!found || (found != told && found[-1] != '\n')) return;
	char *path = text_of("%s/ready", own->folder);
	int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0) warn("write %s", path);
	else close(file);
	free(path);
}

/* To the journal, and to the one that follows where it has ended. While there is none it is lost: no program waits for a log. */
static void put_all(const struct container *own, const char *text, size_t size) {
	for (size_t at = 0; at < size;) {
		ssize_t put = write(1, text + at, size - at);
		if (put > 0) at += (size_t)put;
		else if (put < 0 && errno != EINTR && !join_journal(own)) return;
	}
}

/* Copy what comes through the pipe to the journal; once nobody holds the other end of `own_end`, what is left, and end. */
static _Noreturn void pump(const struct container *own, int out, int notify, int own_end) {
	static char buffer[1 << 16];
	struct pollfd waits[] = {{.fd = out, .events = POLLIN}, {.fd = notify, .events = POLLIN}, {.fd = own_end, .events = POLLIN}};
	bool ends = false;
	for (;;) {
		if (!ends && poll(waits, 3, -1) < 0) continue;
		ends = ends || waits[2].revents;
		if (waits[1].revents & POLLIN) take_notice(own, notify);
		ssize_t got = read(out, buffer, sizeof buffer);
		if (got < 0 && errno == EAGAIN && !ends) continue;
		if (got <= 0) _exit(0);
		put_all(own, buffer, (size_t)got);
	}
}

/* This process's cgroup, which lies in that of its unit. */
static char *own_group(void) {
	char line[4096] = "";
	FILE *file = fopen("/proc/self/cgroup", "re");
	while (file && fgets(line, sizeof line, file) && strncmp(line, "0::", 3)) continue;
	if (file) fclose(file);
	line[strcspn(line, "\n")] = 0;
	return text_of("/sys/fs/cgroup%s", strlen(line) > 3 ? line + 3 : "");
}

/* False where it cannot be written: not every host has cgroups to hand down. */
static bool write_to(const char *text, const char *folder, const char *name) {
	char *path = text_of("%s/%s", folder, name);
	int file = open(path, O_WRONLY | O_CLOEXEC);
	bool done = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
	if (file >= 0) close(file);
	free(path);
	return done;
}

/* A whole Debian limits units of its own. For that LXC hands down what its unit's group hands to this one; and a group that
 * hands anything down has no process of its own, so what copies the log is in one beside the container's. */
static void make_room_for_groups(void) {
	char *own = own_group(), *unit = text_of("%s/..", own), *beside = text_of("%s/log", own);
	static const char *const controllers[] = {"+cpu", "+memory", "+pids"};
	for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++) write_to(controllers[i], unit, "cgroup.subtree_control");
	if ((mkdir(beside, 0755) && errno != EEXIST) || !write_to("0", beside, "cgroup.procs")) warn("%s", beside);
	free(own);
	free(unit);
	free(beside);
}

static void close_all(const int given[4]) {
	for (int i = 0; i < 4; i++)
		if (given[i] >= 0) close(given[i]);
}

/* Standard output and error become a named pipe that the container sees as well, so they can be opened by name; what
 * comes through goes to the journal. A socket of the journal's could not be opened. The pump is no child of this process:
 * where LXC fails it waits for every child. */
static int pump_log(const struct container *own) {
	char *path = text_of("%s/own/log", own->folder);
	int ends[2], status;
	if (mkfifo(path, 0666) && errno != EEXIST) err(1, "mkfifo %s", path);
	checked(chmod(path, 0666), "chmod", path);
	int out = checked(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open", path);
	int in = checked(open(path, O_WRONLY | O_CLOEXEC), "open", path), notify = notify_socket(own);
	checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair", "");
	pid_t pid = checked(fork(), "fork", "");
	if (pid) {
		if (waitpid(pid, &status, 0) != pid || status) errx(1, "nobody copies the log");
		checked(dup2(in, 1), "dup2", path);
		checked(dup2(in, 2), "dup2", path);
		close_all((int[]){in, out, notify, ends[1]});
		free(path);
		return ends[0];
	}
	if (own->whole) make_room_for_groups();
	if ((pid = fork())) _exit(pid < 0);
	prctl(PR_SET_NAME, "log");
	signal(SIGPIPE, SIG_IGN);
	close_all((int[]){in, ends[0], USER_NAMESPACE, NETWORK_NAMESPACE});
	pump(own, out, notify, ends[1]);
}

/* All of the log is with the journal before the unit ends. */
static void end_log(int pump) {
	char byte;
	shutdown(pump, SHUT_WR);
	(void)!read(pump, &byte, 1);
}

/* Mounts. */

static void own_mounts(void) {
	checked(unshare(CLONE_NEWNS), "unshare", "mounts");
	checked(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "mount", "/ as slave");
}

/* A detached copy of what is mounted there. With its own ids, where it is the container's. */
static int copy_tree(const char *source, bool shifted, unsigned long long attributes) {
	int tree = checked(syscall(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), "open_tree", source);
	struct mount_attr wanted = {.attr_set = attributes | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID};
	if (shifted) {
		wanted.attr_set |= MOUNT_ATTR_IDMAP;
		wanted.userns_fd = USER_NAMESPACE;
	}
	checked(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &wanted, sizeof wanted), "mount_setattr", source);
	return tree;
}

static void bind_folder(const char *source, const char *target) {
	int tree = copy_tree(source, true, 0);
	if (mkdir(target, 0711) && errno != EEXIST) err(1, "mkdir %s", target);
	checked(syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), "move_mount", target);
	close(tree);
}

/* Make and mount as the container's root, whose ids are the only ones that its files know: by file-system id 0 the
 * kernel would make the overlay read-only without a word. */
static void become(unsigned id) {
	checked(prctl(PR_SET_SECUREBITS, id ? SECBIT_NO_SETUID_FIXUP : 0, 0, 0, 0), "prctl", "securebits");
	setfsuid(id);
	setfsgid(id);
	if (!id) checked(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0), "prctl", "securebits");
}

static bool mount_overlay(const struct container *own, const char *options, const char *root) {
	struct statvfs found;
	become(own->uid);
	checked(mount("overlay", root, "overlay", MS_NODEV | (own->whole ? 0 : MS_NOSUID), options), "mount overlay", root);
	become(0);
	/* Asked and not tried: a name in there may be a link of the container's. */
	checked(statvfs(root, &found), "statvfs", root);
	return !(found.f_flag & ST_RDONLY);
}

/* Room on a disk. The overlay needs some to be mounted, and a container's disk may be full. */

struct disk {
	unsigned long long bytes, group;
};

static void limit_disk(const struct container *own, struct disk disk) {
	/* By the folder above: the kernel books the change on what it is asked by, and that one is full. */
	char *above = text_of("%s/..", own->files);
	struct btrfs_ioctl_qgroup_limit_args wanted = {.qgroupid = disk.group, .lim = {.flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = disk.bytes}};
	int files = checked(open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", above);
	checked(ioctl(files, BTRFS_IOC_QGROUP_LIMIT, &wanted), "limit", own->files);
	close(files);
	free(above);
}

static struct disk disk_of(const struct container *own) {
	char *path = text_of("%s/disk", own->folder);
	struct disk found = {0};
	FILE *file = fopen(path, "re");
	if (!file || fscanf(file, "%llu %llu", &found.bytes, &found.group) != 2) errx(1, "its disk is full, and %s does not say its limit", path);
	fclose(file);
	free(path);
	return found;
}

/* The container's root. What a start writes it may write beyond the limit, which holds again before its program runs. */
static void mount_root(const struct container *own, const char *root) {
	char options[OPTIONS_MAX] = "redirect_dir=on,xino=on,lowerdir=";
	char *files = text_of("%s/files", own->folder), *raised = text_of("%s/raised", own->folder);
	size_t used = strlen(options);
	for (int i = 0; i < own->lower_count; i++) {
		char *lower = text_of("%s/lower%d", own->folder, i);
		bind_folder(own->lowers[i], lower);
		used += (size_t)snprintf(options + used, sizeof options - used, "%s%s", i ? ":" : "", lower);
		if (used >= sizeof options) errx(1, "too many layers");
		free(lower);
	}
	bind_folder(own->files, files);
	used += (size_t)snprintf(options + used, sizeof options - used, ",upperdir=%s/upper,workdir=%s/work", files, files);
	if (used >= sizeof options) errx(1, "too many layers");
	if (mkdir(root, 0711) && errno != EEXIST) err(1, "mkdir %s", root);
	bool cut_off = !access(raised, F_OK);
	if (cut_off || !mount_overlay(own, options, root)) {
		struct disk disk = disk_of(own);
		if (!cut_off) checked(umount2(root, MNT_DETACH), "umount", root);
		close(checked(open(raised, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "open", raised));
		limit_disk(own, (struct disk){~0ULL, disk.group});
		bool writable = mount_overlay(own, options, root);
		limit_disk(own, disk);
		unlink(raised);
		if (!writable) errx(1, "the root is read-only: is the pool full?");
	}
	free(files);
	free(raised);
}

/* What is bound into the root. */

static void bind_into(int root, char **bind) {
	const char *source = bind[0], *target = bind[1], *how = bind[2];
	bool is_file = !strcmp(how, "file");
	int tree = copy_tree(source, !is_file, !strcmp(how, "rw") ? 0 : MOUNT_ATTR_RDONLY | (is_file ? MOUNT_ATTR_NOEXEC : 0));
	int place = is_file ? file_place(root, target + 1) : folder_place(root, target);
	checked(syscall(SYS_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), "mount at", target);
	close(place);
	if (is_file) close(tree);
	else volume_mounted(target, tree);
}

/* Secrets: a file each in memory, which nobody can write to once they are there. */

static bool is_secret(char **bind) {
	return bind[2][0] == '0';
}

static int copy_secret(const struct container *own, const char *from, const char *folder, char **bind) {
	static char block[1 << 16];
	char *source = text_of("%s/%s", from, bind[0]), *target = text_of("%s/%s", folder, bind[1]);
	unsigned mode, uid, gid;
	ssize_t got;
	if (sscanf(bind[2], "%o %u %u", &mode, &uid, &gid) != 3 || uid > 65535 || gid > 65535) errx(1, "secret %s is not understood", bind[1]);
	int in = checked(open(source, O_RDONLY | O_CLOEXEC), "open the secret", bind[1]);
	int out = checked(open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400), "make the secret", bind[1]);
	while ((got = checked(read(in, block, sizeof block), "read the secret", bind[1])) > 0)
		if (write(out, block, (size_t)got) != got) err(1, "write the secret %s", bind[1]);
	checked(fchown(out, own->uid + uid, own->uid + gid), "chown the secret", bind[1]);
	checked(fchmod(out, mode & 0444), "chmod the secret", bind[1]);
	explicit_bzero(block, sizeof block);
	close(in);
	free(source);
	free(target);
	return out;
}

/* The folder with the secrets, mounted; NULL where there are none. */
static char *make_secrets(const struct container *own, const char *from) {
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char *folder = NULL;
	for (int i = 0; i < own->bind_count; i++) {
		char **bind = own->binds + 3 * i;
		if (!is_secret(bind)) continue;
		if (!from) errx(1, "systemd handed no secrets over");
		if (!folder) {
			folder = text_of("%s/secrets", own->folder);
			char *options = text_of("size=4m,mode=0555,uid=%u,gid=%u,noswap", own->uid, own->uid);
			if (mkdir(folder, 0711) && errno != EEXIST) err(1, "mkdir %s", folder);
			checked(mount("tmpfs", folder, "tmpfs", flags, options), "mount", folder);
			free(options);
		}
		close(copy_secret(own, from, folder, bind));
	}
	if (folder) checked(mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL), "seal", folder);
	return folder;
}

static void bind_secrets(int root, const char *folder) {
	int tree = copy_tree(folder, false, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
	int place = folder_place(root, "/run/secrets");
	checked(syscall(SYS_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), "mount at", "/run/secrets");
	close(tree);
	close(place);
}

static void fill_root(const struct container *own, const char *path, const char *secrets) {
	static const char *const folders[] = {"dev", "etc", "proc", "sys"};
	int root = checked(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), "open", path);
	become(own->uid);
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) make_folder(root, folders[i]);
	for (int i = 0; i < own->bind_count; i++)
		if (!is_secret(own->binds + 3 * i)) bind_into(root, own->binds + 3 * i);
	if (secrets) bind_secrets(root, secrets);
	become(0);
	close_volumes();
	close(root);
}

/* How it ended. */

static unsigned long kills_in(const char *path) {
	char line[128];
	unsigned long kills = 0;
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file)) sscanf(line, "oom_kill %lu", &kills);
	if (file) fclose(file);
	return kills;
}

/* LXC tells the status of a program that ended as wait(2) does, and of one that was killed as of one that is stopped. */
static int shell_status(int raw) {
	if (WIFSTOPPED(raw)) return 128 + WSTOPSIG(raw);
	return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
}

/* LXC would start it again by itself, as often as it likes: BEGUN, which it makes before the init runs, is there then. */
static bool rebooted(const struct container *own, bool done) {
	return own->whole && !done && is_there(own, "begun");
}

static void write_ended(const struct container *own, int status, unsigned long kills) {
	char *path = text_of("%s/ended", own->folder), *aside = text_of("%s/ended.new", own->folder);
	FILE *file = fopen(aside, "we");
	if (!file || fprintf(file, "%d %lu\n", status, kills) < 0 || fclose(file) || rename(aside, path)) warn("write %s", path);
	free(path);
	free(aside);
}

/* The name of LXC's command socket. Anybody may listen at a name that he knows ahead: then the container cannot start, and
 * who wants to enter it asks him. So each start makes one up: that of a folder, where attach.py finds it. */

static int remove_inner(const char *path, const struct stat *found, int kind, struct FTW *where) {
	(void)found, (void)kind;
	if (where->level) remove(path);
	return 0;
}

/* The last one, and the folders that LXC has made by it for its locks. */
static void forget_name(const struct container *own) {
	char *folder = text_of("%s/lxc", own->folder), *locks = text_of("/run/lxc/lock%s", folder);
	nftw(folder, remove_inner, 8, FTW_DEPTH | FTW_PHYS);
	nftw(locks, remove_inner, 8, FTW_DEPTH | FTW_PHYS);
	free(folder);
	free(locks);
}

static char *make_name(const struct container *own) {
	unsigned long long random;
	if (getrandom(&random, sizeof random, 0) != sizeof random) err(1, "getrandom");
	char *folder = text_of("%s/lxc", own->folder), *name = text_of("%s/%016llx", folder, random);
	if (mkdir(folder, 0711) && errno != EEXIST) err(1, "mkdir %s", folder);
	checked(mkdir(name, 0711), "mkdir", name);
	free(folder);
	return name;
}

/* What an earlier start has left. */
static void forget(const struct container *own) {
	static const char *const names[] = {"ended", "ready", "begun"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *path = text_of("%s/%s", own->folder, names[i]);
		if (remove(path) && errno != ENOENT) err(1, "remove %s", path);
		free(path);
	}
	forget_name(own);
}

/* Whoever runs lxc-attach asks this process for a key that LXC has not had for years, where a container has no profile of
 * LXC's, and LXC logs that here: an exec would write into the container's log. */
static ssize_t write_line(void *nothing, const char *line, size_t size) {
	static const char needless[] = "Unsupported config key \"lxc.seccomp\"";
	(void)nothing;
	if (memmem(line, size, needless, sizeof needless - 1)) return (ssize_t)size;
	ssize_t put = write(STDERR_FILENO, line, size);
	return put < 0 ? 0 : put; /* so fopencookie(3) wants it */
}

static void filter_log(void) {
	FILE *lines = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_line});
	if (!lines || setvbuf(lines, NULL, _IOLBF, BUFSIZ)) errx(1, "no memory");
	stderr = lines;
}

static int run(const struct container *own) {
	static char *const argv[] = {"/dev/skerry/enter", NULL};
	char *config = text_of("%s/config", own->folder), *name = make_name(own);
	struct lxc_log log = {.name = own->id, .file = "none", .level = "ERROR", .prefix = "skerry"};
	filter_log();
	lxc_log_init(&log);
	struct lxc_container *container = lxc_container_new(own->id, name);
	if (!container) errx(1, "no memory");
	container->clear_config(container);
	if (!container->load_config(container, config)) errx(1, "%s is refused", config);
	container->want_daemonize(container, false);
	bool done = container->start(container, 0, argv);
	forget_name(own);
	free(config);
	free(name);
	if (rebooted(own, done)) return TOLD_AS_REBOOTED;
	int status = done ? shell_status(container->error_num) : 1;
	return own->whole && status == 128 + SIGINT ? 0 : status; /* reboot(2): so the kernel tells of a power-off inside */
}

int main(int count, char **words) {
	struct container own;
	if (count != 2) errx(2, "one file to read");
	const char *given = getenv("CREDENTIALS_DIRECTORY");
	char *credentials = given ? strdup(given) : NULL; /* nobody else is told of it */
	if (clearenv() || setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1) || setenv("LANG", "C.UTF-8", 1)) err(1, "environment");
	read_description(words[1], &own);
	if (!join_journal(&own) && errno != ENOENT) err(1, "join the journal of the realm");
	for (int i = USER_NAMESPACE; i <= NETWORK_NAMESPACE; i++)
		if (fcntl(i, F_SETFD, FD_CLOEXEC)) errx(1, "systemd handed no namespaces over");
	umask(022);
	char *root = text_of("%s/rootfs", own.folder), *group = own_group(), *events = text_of("%s/../memory.events", group); /* the unit's */
	forget(&own);
	int pump = pump_log(&own);
	own_mounts();
	mount_root(&own, root);
	fill_root(&own, root, make_secrets(&own, credentials));
	unsigned long kills = kills_in(events);
	int status = run(&own);
	write_ended(&own, status, kills_in(events) - kills);
	end_log(pump);
	return status == TOLD_AS_REBOOTED ? REBOOTED : status;
}
