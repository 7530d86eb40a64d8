#!/usr/bin/env python3
"""Builds the Debian package tidemark_VERSION_ARCH.deb around a binary, with what it depends on as dpkg-shlibdeps finds it.

    build.py [--binary build/tidemark] [--output DIR] [--version V] [--compression xz]

Prints the package's path. Equal inputs give equal bytes: times are those of SOURCE_DATE_EPOCH, by default 1 January 2026.
Needs dpkg-dev and binutils."""
import argparse
import gzip
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import manpage  # noqa: E402

EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "1767225600"))
MAINTAINER = "Tidemark maintainers <maintainers@tidemark.invalid>"
# Calendars of time zones, and whom to trust: read at run time, and linked by nobody.
RUNTIME_DATA = ["ca-certificates", "tzdata"]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


def put(tree, path, data, mode=0o644):
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data if isinstance(data, bytes) else data.encode())
    target.chmod(mode)


def zipped(text):
    return gzip.compress(text.encode(), mtime=0)


def dependencies(binary, work):
    """The packages of the shared libraries, as they are on this machine."""
    (work / "debian").mkdir()
    (work / "debian" / "control").write_text("Source: tidemark\n\nPackage: tidemark\nArchitecture: any\n")
    found = run("dpkg-shlibdeps", "-O", f"-e{binary}", cwd=work).strip()
    return ", ".join([found.removeprefix("shlibs:Depends="), *RUNTIME_DATA])


def control(tree, version, depends):
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file()) // 1024
    return f"""Package: tidemark
Version: {version}
Section: net
Priority: optional
Architecture: {run("dpkg", "--print-architecture").strip()}
Maintainer: {MAINTAINER}
Installed-Size: {size}
Depends: {depends}
Recommends: systemd
Description: exact, event-time aggregates from Kafka topics
 Tidemark turns Kafka topics into windowed aggregates, as one YAML file says:
 results are written exactly once, through crashes, restarts and rebalances.
 .
 Each pipeline in /etc/tidemark/NAME.yaml runs as the unit tidemark@NAME.
"""


def fill(tree, binary, version):
    stripped = tree / "usr/bin/tidemark"
    stripped.parent.mkdir(parents=True)
    run("strip", "--strip-unneeded", "-o", stripped, binary)
    stripped.chmod(0o755)
    put(tree, "usr/lib/systemd/system/tidemark@.service", (HERE / "tidemark@.service").read_bytes())
    put(tree, "usr/share/bash-completion/completions/tidemark", (HERE / "tidemark.bash-completion").read_bytes())
    put(tree, "usr/share/man/man1/tidemark.1.gz", zipped(manpage.page(stripped)))
    put(tree, "usr/share/doc/tidemark/copyright", "Tidemark\nLicense: Apache-2.0, see /usr/share/common-licenses/Apache-2.0\n")
    put(tree, "usr/share/doc/tidemark/changelog.gz", zipped(f"tidemark ({version}) unstable; urgency=medium\n\n  * See the repository.\n"))
    for example in sorted((ROOT / "examples").glob("*.yaml")):
        put(tree, f"usr/share/doc/tidemark/examples/{example.name}", example.read_bytes())
    (tree / "etc/tidemark").mkdir(parents=True)


def finish(tree, version, depends):
    """The control files, and the same times and modes wherever it is built."""
    sums = "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n"
                   for path in sorted(tree.rglob("*")) if path.is_file())
    text = control(tree, version, depends)
    put(tree, "DEBIAN/md5sums", sums)
    put(tree, "DEBIAN/control", text)
    for script in ("postinst", "prerm", "postrm"):
        put(tree, f"DEBIAN/{script}", (HERE / script).read_bytes(), 0o755)
    for path in [tree, *tree.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (EPOCH, EPOCH))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "build" / "tidemark"))
    parser.add_argument("--output", default=".")
    parser.add_argument("--version", help="default: the binary's own")
    parser.add_argument("--compression", default="xz", choices=["xz", "gzip", "none"])
    args = parser.parse_args()
    binary = pathlib.Path(args.binary).resolve()
    version = args.version or run(binary, "version").split()[1]
    work = pathlib.Path(tempfile.mkdtemp(prefix="tidemark-deb."))
    try:
        tree = work / "tree"
        tree.mkdir()
        fill(tree, binary, version)
        finish(tree, version, dependencies(tree / "usr/bin/tidemark", work))
        os.makedirs(args.output, exist_ok=True)
        built = run("dpkg-deb", "--root-owner-group", f"-Z{args.compression}", "--build", tree, args.output,
                    env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)})
        name = built.split("'")[-2] if "'" in built else ""
        print(name or next(pathlib.Path(args.output).glob(f"tidemark_{version}_*.deb")))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)}: {error.stderr.strip()}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
