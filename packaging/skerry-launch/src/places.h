/* Places in a container's root that something is mounted at. Whatever the container has there, none is outside. */
#pragma once

/* Make a folder at the top of the root; what else has its name is refused. */
void make_folder(int root, const char *name);

/* A file to mount at, at a path without its first slash. */
int file_place(int root, const char *path);

/* A folder to mount at. */
int folder_place(int root, const char *path);

/* From now on, what lies below this path is in the volume that is mounted there; its root, open, is taken over. */
void volume_mounted(const char *path, int volume);

void close_volumes(void);
