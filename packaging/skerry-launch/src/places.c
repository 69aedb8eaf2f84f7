/* Places in a container's root that something is mounted at.
 *
 * A root is the container's own, and its links are followed inside it. A volume may be shared: whoever else has it could
 * plant a link there, and lead a mount to another place of this root. So none is followed in a volume, nor into one.
 */
#define _GNU_SOURCE
#include "places.h"
#include "common.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { VOLUMES_MAX = 1024 };

static struct mounted {
	const char *path;
	int root;
} volumes[VOLUMES_MAX];
static int volume_count;

void volume_mounted(const char *path, int volume) {
	if (volume_count == VOLUMES_MAX) errx(1, "more than %d volumes", VOLUMES_MAX);
	volumes[volume_count++] = (struct mounted){path, volume};
}

void close_volumes(void) {
	while (volume_count) close(volumes[--volume_count].root);
}

/* The volume that a path lies in. The last one: they are mounted from the outer to the inner. */
static const struct mounted *volume_of(const char *path) {
	for (int i = volume_count; i--;) {
		size_t size = strlen(volumes[i].path);
		if (!strncmp(path, volumes[i].path, size) && path[size] == '/') return &volumes[i];
	}
	return NULL;
}

static int open_in(int root, const char *path, unsigned long long flags, unsigned long long resolve) {
	struct open_how how = {.flags = flags | O_PATH | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_MAGICLINKS};
	return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

void make_folder(int root, const char *name) {
	int found = open_in(root, name, O_DIRECTORY | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (found < 0 && errno == ENOENT) checked(mkdirat(root, name, 0755), "mkdir", name);
	else if (found < 0) errx(1, "/%s of the container must be a folder, and is none", name);
	else close(found);
}

/* A plain file of the root's, whatever stood there: in many images it is a link. Where it is one, nothing is written. */
int file_place(int root, const char *path) {
	struct stat found;
	char *folder = strdup(path), *name = strrchr(folder, '/');
	*name++ = 0;
	int above = checked(open_in(root, folder, O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), "open", folder);
	bool there = !fstatat(above, name, &found, AT_SYMLINK_NOFOLLOW);
	if (there && !S_ISREG(found.st_mode)) checked(unlinkat(above, name, S_ISDIR(found.st_mode) ? AT_REMOVEDIR : 0), "remove", path);
	if (!there || !S_ISREG(found.st_mode))
		close(checked(openat(above, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644), "make", path));
	int target = checked(open_in(above, name, O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), "open", path);
	close(above);
	free(folder);
	return target;
}

/* The folder at a path; -1 where it cannot be made there. */
static int folder_in(int root, const char *path, unsigned long long resolve) {
	int found = open_in(root, path, O_DIRECTORY, resolve);
	if (found >= 0 || errno != ENOENT) return found;
	char *so_far = strdup(path);
	int at = checked(fcntl(root, F_DUPFD_CLOEXEC, 0), "dup", path);
	for (char *end = so_far; end && at >= 0;) {
		end = strchr(end + 1, '/');
		if (end) *end = 0;
		found = open_in(root, so_far, O_DIRECTORY, resolve);
		if (found < 0 && errno == ENOENT) {
			if (mkdirat(at, strrchr(so_far, '/') + 1, 0755)) err(1, "mkdir %s in the container", path);
			found = open_in(root, so_far, O_DIRECTORY, resolve);
		}
		close(at);
		at = found;
		if (end) *end = '/';
	}
	free(so_far);
	return at;
}

int folder_place(int root, const char *path) {
	const struct mounted *volume = volume_of(path);
	int found = volume ? folder_in(volume->root, path + strlen(volume->path), RESOLVE_IN_ROOT | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS)
	                   : folder_in(root, path, RESOLVE_IN_ROOT | RESOLVE_NO_XDEV);
	if (found < 0 && volume && errno == ELOOP)
		errx(1, "%s: a link in the volume at %s is in the way; remove it, or mount at another path", path, volume->path);
	if (found < 0 && errno == EXDEV)
		errx(1, "%s: a link in the root leads into another volume; mount at a path without it", path);
	return checked(found, "open in the container", path);
}
