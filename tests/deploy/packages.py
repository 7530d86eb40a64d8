"""Roots to try packages in: the machine's own files under an overlay, so that installing changes nothing here.

Needs root and a kernel with overlayfs; every change lies in memory and is gone with the root."""
import os
import pathlib
import subprocess
import tempfile

from harness import Failed, skip

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def build_deb(binary, folder, version=None, epoch=None):
    command = [ROOT / "deploy" / "debian" / "build.py", "--binary", binary, "--output", folder, "--compression", "none"]
    command += ["--version", version] if version else []
    environment = {**os.environ, **({"SOURCE_DATE_EPOCH": str(epoch)} if epoch else {})}
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment, timeout=120)
    if done.returncode != 0 and "dpkg-shlibdeps" in done.stderr and "No such file" in done.stderr:
        skip("there is no dpkg-dev")
    if done.returncode != 0:
        raise Failed(f"build.py: {done.stdout}{done.stderr}")
    return pathlib.Path(done.stdout.strip().splitlines()[-1])


class OverlayRoot:
    """A root that begins as this machine's own, to be changed at will."""

    def __init__(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="tidemark-root."))
        self.path = self.base / "root"
        self._mounted = []

    def __enter__(self):
        if os.geteuid() != 0:
            skip("a root of its own needs root")
        try:
            self._mount(self.base, "-t", "tmpfs", "tmpfs")
            for name in ("upper", "work", "root"):
                (self.base / name).mkdir()
            self._mount(self.path, "-t", "overlay", "overlay", "-o",
                        f"lowerdir=/,upperdir={self.base / 'upper'},workdir={self.base / 'work'}")
            for name in ("proc", "dev", "sys"):
                self._mount(self.path / name, "--rbind", f"/{name}")
                subprocess.run(["mount", "--make-rslave", str(self.path / name)], check=True)
            self._mount(self.path / "tmp", "-t", "tmpfs", "tmpfs")
            self._mount(self.path / "run", "-t", "tmpfs", "tmpfs")
        except OSError as error:
            self.close()
            skip(str(error))
        return self

    def _mount(self, target, *options):
        done = subprocess.run(["mount", *map(str, options), str(target)], capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(done.stderr.strip())
        self._mounted.append(target)

    def release(self, *names):
        """For who mounts these folders itself."""
        for name in names:
            subprocess.run(["umount", "-l", str(self.path / name)], check=True)
            self._mounted.remove(self.path / name)

    def put(self, path, data, mode=0o644):
        target = self.path / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data if isinstance(data, bytes) else data.encode())
        target.chmod(mode)
        return target

    def command(self, *words):
        return ["chroot", str(self.path), *map(str, words)]

    def run(self, *words, may_fail=False):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120)
        if done.returncode != 0 and not may_fail:
            raise Failed(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def close(self):
        for target in reversed(self._mounted):
            subprocess.run(["umount", "-l", str(target)], capture_output=True)
        self._mounted = []
        if self.base.is_dir() and not any(self.base.iterdir()):
            self.base.rmdir()

    def __exit__(self, *_):
        self.close()
