"""Disks that are ill: one that is full, and one whose syncs fail or take long. Knows nothing of Tidemark."""
import errno
import subprocess
import threading

from harness import skip


def mount_tmpfs(folder, size):
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")


class Filler:
    """Takes what is free on a disk, and what becomes free, until it is told to give it back."""

    def __init__(self, path):
        self.path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def _run(self):
        with open(self.path, "wb", buffering=0) as file:
            while not self._stop.wait(0.01):
                try:
                    while file.write(b"\0" * (1 << 16)):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self):
        self._stop.set()
        self._thread.join()
        self.path.unlink()


# While the file exists that TIDEMARK_TEST_SYNC names, every sync takes as many milliseconds as it says, or fails where it is
# empty.
SYNC_SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
static int broken(void) {
  const char* path = getenv("TIDEMARK_TEST_SYNC");
  char text[16] = {0};
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return 1;
  usleep(1000 * (useconds_t)atoi(text));
  return 0;
}
int fsync(int fd) {
  if (broken()) { errno = EIO; return -1; }
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
  if (broken()) { errno = EIO; return -1; }
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"""


def sync_shim(directory, flag):
    """The environment of a process whose syncs do as `flag` says."""
    source, shim = directory / "sync_shim.c", directory / "sync_shim.so"
    source.write_text(SYNC_SHIM)
    done = subprocess.run(["cc", "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], capture_output=True, text=True)
    if done.returncode != 0:
        skip(f"no shim can be built here: {done.stderr.strip()}")
    return {"LD_PRELOAD": str(shim), "TIDEMARK_TEST_SYNC": str(flag)}
