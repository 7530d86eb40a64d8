"""The Helm chart and what is rendered from it for kustomize: helm 3 and 4 take it, Kubernetes' own schemas take the objects,
wrong values are refused, and the binary takes what a pod hands it."""
import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml

import objects as k8s
import tools
from harness import Failed, free_port, wait_for

MINIMAL, SEVERAL, KEDA, BARE = "minimal", "several", "keda", "bare"
KEYED = "pipelines.totals.yaml has a keyed step"


def values_file(env, name):
    return env.deploy / "chart" / "ci" / f"{name}-values.yaml"


def helm_template(env, name, *options, helm="3"):
    return tools.helm(helm, "template", "shop", env.deploy / "chart", "-f", values_file(env, name), "--namespace", "streams",
                      *options)


def rendered(env, name, *options, helm="3"):
    done = helm_template(env, name, *options, helm=helm)
    if done.returncode != 0:
        raise Failed(f"helm {helm} template, {name} {options}: {done.stderr}")
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def refusal(env, name, *options, helm="3"):
    done = helm_template(env, name, *options, helm=helm)
    if done.returncode == 0:
        raise Failed(f"helm {helm} takes {name} with {options}")
    return " ".join(done.stderr.split())


def all_values(env):
    found = sorted(path.name.removesuffix("-values.yaml") for path in (env.deploy / "chart" / "ci").glob("*-values.yaml"))
    assert len(found) >= 4, found
    return found


def container(found):
    return k8s.only(found, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]


# ---- The chart as tools see it

def test_helm_lints_strictly(env):
    for helm in tools.HELM:
        for name in all_values(env):
            done = tools.helm(helm, "lint", "--strict", env.deploy / "chart", "-f", values_file(env, name))
            assert done.returncode == 0 and "1 chart(s) linted, 0 chart(s) failed" in done.stdout, \
                f"{helm} {name}: {done.stdout}{done.stderr}"


def test_rendered_objects_fit_kubernetes(env):
    kinds = set()
    for name in all_values(env):
        found = rendered(env, name)
        k8s.must_fit(found, name)
        kinds |= {one["kind"] for one in found}
        assert found == rendered(env, name, helm="4"), f"helm 3 and 4 render {name} differently"
    assert kinds == {"StatefulSet", "ConfigMap", "Service", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy",
                     "PodMonitor", "ScaledObject", "PersistentVolumeClaim", "Pod"}, kinds


def test_the_schemas_refuse_what_is_misspelt(env):
    """Otherwise the test above could not fail."""
    found = rendered(env, SEVERAL) + rendered(env, KEDA)
    wrong = [("StatefulSet", ["spec", "template", "spec", "containers", 0], "readynessProbe", {}),
             ("StatefulSet", ["spec"], "replicas", "three"),
             ("PodDisruptionBudget", ["spec"], "maxUnavailble", 1),
             ("NetworkPolicy", ["spec", "egress", 0], "port", 53),
             ("PodMonitor", ["spec", "podMetricsEndpoints", 0], "intervall", "15s"),
             ("ScaledObject", ["spec"], "minReplicas", 1),
             ("ScaledObject", ["spec"], "triggers", [])]
    for kind, path, key, value in wrong:
        one = copy.deepcopy(k8s.of_kind(found, kind)[0])
        inner = one
        for step in path:
            inner = inner[step]
        inner[key] = value
        for version in tools.KUBERNETES:
            assert k8s.problems(one, version), f"{kind} with {key}: {value} passes for Kubernetes {version}"
    assert k8s.problems({"apiVersion": "apps/v2", "kind": "StatefulSet"}, tools.KUBERNETES[0])


def test_the_version_is_that_of_the_binary(env):
    chart = yaml.safe_load((env.deploy / "chart" / "Chart.yaml").read_text())
    version = subprocess.run([env.tidemark, "version"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert chart["appVersion"] == version, f"{chart['appVersion']} and {version}"
    tag = f":{version}"
    assert container(rendered(env, MINIMAL))["image"].endswith(tag)


# ---- Refusals

def test_the_schema_refuses_wrong_values(env):
    wrong = {"replicas=three": "replicas", "replica=2": "replica", "image.tga=1": "tga",
             "image.pullPolicy=Sometimes": "pullPolicy", "image.digest=sha256:12": "digest", "logFormat=xml": "logFormat",
             "memory=1G": "memory", "threads=-1": "threads", "user=0": "user", "httpAddress=:9464": "httpAddress",
             "httpAddress=0.0.0.0:80": "httpAddress", "adminPort=80": "adminPort", "adminPort=70000": "adminPort", "resources.limits.memory=null": "memory",
             "resources.limits.memory=lots": "memory", "terminationGracePeriodSeconds=5": "terminationGracePeriodSeconds",
             "keda.minReplicas=0": "minReplicas", "probes.liveness.httpGet=x": "httpGet", "state.size=10": "size",
             "disruptionBudget.maxUnavailable=0": "maxUnavailable",
             "secretEnv[0].name=A,secretEnv[0].value=b": "secretEnv",
             "secretFiles[0].secret=a,secretFiles[0].mountPath=/etc": "mountPath",
             "pipelines.notes\\.txt=a": "notes.txt", "networkPolicy.kafkaPorts[0]=99999": "kafkaPorts",
             "topologySpread.whenUnsatisfiable=Never": "whenUnsatisfiable",
             "otlpEndpoint=https://collector:4318": "otlpEndpoint", "otlpEndpoint=collector:4318": "otlpEndpoint"}
    for setting, word in wrong.items():
        said = refusal(env, MINIMAL, "--set", setting)
        assert "values don't meet the specifications of the schema" in said and word in said, f"{setting}: {said}"
    said = refusal(env, MINIMAL, "--set", "replicas=three", helm="4")
    assert "specifications of the schema" in said and "replicas" in said, said


def test_every_value_is_described_by_the_schema(env):
    """A value without a place in the schema would be refused; a place without a value could not be found by reading."""
    values = yaml.safe_load((env.deploy / "chart" / "values.yaml").read_text())
    schema = json.loads((env.deploy / "chart" / "values.schema.json").read_text())
    assert set(schema["properties"]) - set(values) == {"global"}, set(schema["properties"]) ^ set(values)
    for name, of_value in schema["properties"].items():
        if "properties" in of_value and name not in ("resources", "probes"):
            assert set(of_value["properties"]) == set(values[name]), name


def write_pipeline(env, text):
    path = env.directory / f"pipeline-{len(list(env.directory.iterdir()))}.yaml"
    path.write_text(text)
    return f"pipelines.totals\\.yaml={path}"


def test_several_replicas_need_a_promise_and_a_volume(env):
    text = yaml.safe_load(values_file(env, SEVERAL).read_text())["pipelines"]["totals.yaml"]
    unpromised = text.replace("      partitioned_by: [user]\n", "")
    assert unpromised != text
    deduped = re.sub(r"  - window: .*", "  - dedupe: {by: [user], within: 1m}", unpromised)
    filtered = re.sub(r"  - window: .*", "  - filter: has(amount)", unpromised)
    by_topic = unpromised + "exchange: topic\n"
    first = "keda.triggers[0]."
    keda = ["--set", f"keda.enabled=true,replicas=1,{first}bootstrapServers=k:9092,{first}consumerGroup=g,{first}topic=t"]

    def answer(pipeline, *options):
        done = helm_template(env, SEVERAL, "--set-file", write_pipeline(env, pipeline), *options)
        return " ".join(done.stderr.split()) if done.returncode else "taken"

    for pipeline in (unpromised, deduped):
        assert f"replicas: 3 is refused: {KEYED}" in answer(pipeline), answer(pipeline)
        assert f"keda.enabled is refused: {KEYED}" in answer(pipeline, *keda), answer(pipeline, *keda)
        assert answer(pipeline, "--set", "replicas=1") == "taken"
    for pipeline in (text, filtered, by_topic):
        assert answer(pipeline) == "taken", answer(pipeline)
        assert answer(pipeline, *keda) == "taken", answer(pipeline, *keda)
        assert "refused without state.shared" in answer(pipeline, "--set", "state.shared=false")
        assert "refused without state.shared" in answer(pipeline, "--set", "state.shared=false", *keda)
    # Each source has to promise.
    second = "  more:\n    kafka: {brokers: b, topic: t}\n    schema: {user: string}\nsteps:\n"
    assert KEYED in answer(text.replace("steps:\n", second))


def test_secrets_come_by_reference_only(env):
    text = yaml.safe_load(values_file(env, SEVERAL).read_text())["pipelines"]["totals.yaml"]
    for literal in ("hunter2", "'hunter2'", '"hunter2"', "${KAFKA_PASSWORD:-hunter2}", "x${KAFKA_PASSWORD}"):
        said = refusal(env, SEVERAL, "--set-file", write_pipeline(env, text.replace("${KAFKA_PASSWORD}", literal)))
        assert "pipelines.totals.yaml holds a secret itself: sasl.password" in said, f"{literal}: {said}"
        assert "hunter2" not in said, said
    quoted = text.replace("sasl.password: ${KAFKA_PASSWORD}", "'sasl.password': \"${KAFKA_PASSWORD}\"")
    assert quoted != text
    rendered(env, SEVERAL, "--set-file", write_pipeline(env, quoted))
    for name in ("KAFKA_PASSWORD", "db_secret", "API_TOKEN"):
        assert f"env.{name} looks like a secret" in refusal(env, MINIMAL, "--set", f"env.{name}=x")
    for name in all_values(env):
        assert not k8s.of_kind(rendered(env, name), "Secret")


def test_other_refusals(env):
    wrong = {"no pipeline to run": ["--set", "pipelines=null"],
             "no YAML": ["--set", "pipelines.broken\\.yaml=a: [b"],
             "no pipeline file": ["--set", "pipelines.broken\\.yaml=a: b"],
             "both named `purchases-per-minute`": [
                 "--set-file", write_pipeline(env, "name: purchases-per-minute\nsources: {a: {}}")],
             "not both": ["--set", "pipelinesFrom.configMap=a"],
             "set state.shared too": ["--set", "state.existingClaim=a"]}
    for word, options in wrong.items():
        assert word in refusal(env, MINIMAL, *options), f"{options}: {refusal(env, MINIMAL, *options)}"
    assert "keda.triggers: name" in refusal(env, KEDA, "--set", "keda.triggers=null")
    assert "keda.minReplicas is above" in refusal(env, KEDA, "--set", "keda.maxReplicas=1")
    assert "name the files" in refusal(env, BARE, "--set", "pipelinesFrom.files=null")


# ---- What the objects say

def test_pods_are_restricted(env):
    for name in all_values(env):
        found = rendered(env, name)
        pods = k8s.pod_specs(found)
        assert len(pods) == 2, list(pods)
        for where, pod in pods.items():
            assert k8s.breaks_restricted(pod) == [], f"{name}, {where}: {k8s.breaks_restricted(pod)}"
            assert pod["automountServiceAccountToken"] is False, where
            for one in pod["containers"]:
                assert one["securityContext"]["readOnlyRootFilesystem"] is True, where
                assert "memory" in one["resources"]["limits"], where
        for account in k8s.of_kind(found, "ServiceAccount"):
            assert account["automountServiceAccountToken"] is False


def test_selectors_meet_the_pods_and_no_others(env):
    for name in all_values(env):
        found = rendered(env, name)
        labels = k8s.only(found, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
        tester = k8s.only(found, "Pod")["metadata"]["labels"]
        selectors = [k8s.only(found, "StatefulSet")["spec"]["selector"],
                     {"matchLabels": k8s.only(found, "Service")["spec"]["selector"]}]
        for kind in ("PodDisruptionBudget", "PodMonitor"):
            selectors += [one["spec"]["selector"] for one in k8s.of_kind(found, kind)]
        for policy in k8s.of_kind(found, "NetworkPolicy"):
            selectors.append(policy["spec"]["podSelector"])
            allowed = [peer["podSelector"] for peer in policy["spec"]["ingress"][0]["from"] if "podSelector" in peer]
            assert any(k8s.selects(one, tester) for one in allowed), "helm test could not reach the pods"
        spread = k8s.only(found, "StatefulSet")["spec"]["template"]["spec"].get("topologySpreadConstraints", [])
        selectors += [one["labelSelector"] for one in spread]
        for selector in selectors:
            assert k8s.selects(selector, labels) and not k8s.selects(selector, tester), f"{name}: {selector}"


def test_the_admin_port_is_off_and_then_the_pods_own(env):
    assert not [arg for arg in container(rendered(env, MINIMAL))["args"] if "--admin" in arg]
    found = rendered(env, MINIMAL, "--set", "adminPort=9465", "--set", "networkPolicy.enabled=true")
    assert "--admin=127.0.0.1:9465" in container(found)["args"]
    for one in found:
        told = [line for line in yaml.safe_dump(one, width=1000).splitlines() if "9465" in line and "--admin=" not in line]
        assert not told, f"{one['kind']} knows the admin port: {told}"


def test_the_stateful_set_says_what_is_promised(env):
    found = rendered(env, SEVERAL)
    spec = k8s.only(found, "StatefulSet")["spec"]
    pod = spec["template"]["spec"]
    one = pod["containers"][0]
    assert spec["podManagementPolicy"] == "Parallel" and spec["replicas"] == 3
    assert spec["serviceName"] == k8s.only(found, "Service")["metadata"]["name"]
    assert "--instance=$(POD_NAME)" in one["args"], one["args"]
    assert {"fieldRef": {"fieldPath": "metadata.name"}} in [e.get("valueFrom") for e in one["env"] if e["name"] == "POD_NAME"]
    assert one["startupProbe"]["httpGet"] == one["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    assert one["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert one["startupProbe"]["periodSeconds"] * one["startupProbe"]["failureThreshold"] >= 300
    assert pod["terminationGracePeriodSeconds"] >= 60
    claims = [v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if v["name"] == "state"]
    claim = k8s.only(found, "PersistentVolumeClaim")
    assert claims == [claim["metadata"]["name"]] and claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert "volumeClaimTemplates" not in spec
    assert [e for e in one["env"] if "secretKeyRef" in e.get("valueFrom", {})] == [
        {"name": "KAFKA_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "kafka-user", "key": "password"}}}]
    assert "--reveal-keys" not in one["args"] and "--reveal-keys" in container(rendered(env, BARE))["args"]
    alone = k8s.only(rendered(env, MINIMAL), "StatefulSet")["spec"]
    assert alone["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOnce"]
    scaled = rendered(env, KEDA)
    assert "replicas" not in k8s.only(scaled, "StatefulSet")["spec"], "KEDA and Helm would both set the number"
    keda = k8s.only(scaled, "ScaledObject")["spec"]
    assert keda["minReplicaCount"] == 2
    assert keda["scaleTargetRef"]["name"] == k8s.only(scaled, "StatefulSet")["metadata"]["name"]
    assert keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 600


def test_threads_are_the_cores_that_the_pod_has(env):
    def source(*options):
        found = [e["valueFrom"]["resourceFieldRef"] for e in container(rendered(env, MINIMAL, *options))["env"] if e["name"] == "CPUS"]
        return found[0]["resource"] if found else None

    assert source() == "requests.cpu"
    assert source("--set", "resources.limits.cpu=2") == "limits.cpu"
    # No request is 0, which is no number of threads; no limit is what the node has.
    assert source("--set", "resources.requests.cpu=null") == "limits.cpu"
    assert source("--set", "resources.requests=null") == "limits.cpu"
    assert source("--set", "threads=3") is None
    assert "--threads=3" in container(rendered(env, MINIMAL, "--set", "threads=3"))["args"]


def test_a_changed_pipeline_restarts_the_pods(env):
    def checksum(*options):
        annotations = k8s.only(rendered(env, MINIMAL, *options), "StatefulSet")["spec"]["template"]["metadata"]["annotations"]
        return annotations["checksum/pipelines"]

    text = yaml.safe_load(values_file(env, MINIMAL).read_text())["pipelines"]["purchases.yaml"]
    changed = env.directory / "changed.yaml"
    changed.write_text(text.replace("tumbling: 1m", "tumbling: 2m"))
    before = checksum()
    assert checksum("--set-file", f"pipelines.purchases\\.yaml={changed}") != before
    assert checksum("--set", "podMonitor.enabled=true") == before


# ---- The binary in the pod's place

def test_the_pipelines_of_the_examples_are_valid(env):
    for name in all_values(env):
        found = rendered(env, name)
        names = {e["name"]: e.get("value", "secret") for e in container(found)["env"]}
        for one in k8s.of_kind(found, "ConfigMap"):
            for file, text in one["data"].items():
                (env.directory / file).write_text(text)
                done = subprocess.run([env.tidemark, "validate", env.directory / file], capture_output=True, text=True,
                                      env={**os.environ, **names})
                assert done.returncode == 0 and not done.stderr, f"{name}, {file}: {done.stdout}{done.stderr}"


def answers(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def test_traces_may_leave_the_pod(env):
    """The option, and the collector's port in the network policy; neither where no endpoint is given."""
    found = rendered(env, SEVERAL)
    assert "--otlp=http://otel-collector.monitoring:4318" in container(found)["args"]
    to_collector, = [rule for rule in k8s.only(found, "NetworkPolicy")["spec"]["egress"] if rule["ports"][0]["port"] == 4318]
    assert to_collector["to"] == yaml.safe_load(values_file(env, SEVERAL).read_text())["networkPolicy"]["otlpPeers"]
    plain = rendered(env, SEVERAL, "--set", "otlpEndpoint=http://collector/base")
    assert {"ports": [{"port": 80, "protocol": "TCP"}], "to": to_collector["to"]} in k8s.only(plain, "NetworkPolicy")["spec"]["egress"]
    off = rendered(env, SEVERAL, "--set", "otlpEndpoint=")
    assert not [word for word in container(off)["args"] if "otlp" in word]
    assert len(k8s.only(off, "NetworkPolicy")["spec"]["egress"]) == len(k8s.only(found, "NetworkPolicy")["spec"]["egress"]) - 1


def test_the_binary_takes_what_a_pod_hands_it(env):
    """The arguments and the environment of the rendered pod, with its folders and port moved; Kafka is away, so that it is
    alive and not ready, and the chart's own test says so."""
    found, port = rendered(env, MINIMAL, "--set", f"env.KAFKA_BROKERS=127.0.0.1:{free_port()}"), free_port()
    pipelines = env.directory / "pipelines"
    pipelines.mkdir()
    for file, text in k8s.only(found, "ConfigMap")["data"].items():
        (pipelines / file).write_text(text)
    downward = {"POD_NAME": "shop-tidemark-0", "CPUS": "2"}
    environment = {e["name"]: e.get("value", downward.get(e["name"])) for e in container(found)["env"]}

    def moved(words):
        for word in words:
            for name, value in environment.items():
                word = word.replace(f"$({name})", str(value))
            word = word.replace("/etc/tidemark/pipelines", str(pipelines))
            word = word.replace("/var/lib/tidemark", str(env.directory / "state"))
            yield re.sub(r"--http=.*:9464", f"--http=127.0.0.1:{port}", word)

    with open(env.directory / "log", "wb") as log:
        process = subprocess.Popen([str(env.tidemark), *moved(container(found)["args"])], stderr=log, env=environment)
    env.stack.callback(process.kill)
    wait_for(lambda: process.poll() is not None or answers(port, "/livez") == 200, "it answers", 20)
    assert process.poll() is None, (env.directory / "log").read_text()
    assert answers(port, "/readyz") == 503
    test = list(moved(k8s.only(found, "Pod")["spec"]["containers"][0]["args"]))
    done = subprocess.run([env.tidemark, *test], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "503" in done.stderr, f"{done.returncode} {done.stdout}{done.stderr}"
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0 and time.monotonic() - begun < 30


# ---- Without Helm

def test_the_kustomize_base_is_rendered_from_the_chart(env):
    base = env.deploy / "kustomize" / "base"
    for helm in tools.HELM:
        done = subprocess.run([sys.executable, env.deploy / "kustomize" / "render", "--print", "--helm",
                               tools.helm_binary(helm)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout == (base / "tidemark.yaml").read_text(), "run deploy/kustomize/render"
    assert (base / "pipelines" / "purchases.yaml").read_text() == (env.root / "examples" / "purchases.yaml").read_text()


def built(folder):
    done = tools.kubectl("kustomize", folder)
    if done.returncode != 0:
        raise Failed(done.stderr)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def config_map_of(found):
    name = k8s.only(found, "ConfigMap")["metadata"]["name"]
    volumes = k8s.only(found, "StatefulSet")["spec"]["template"]["spec"]["volumes"]
    assert [v["configMap"]["name"] for v in volumes if v["name"] == "pipelines"] == [name], volumes
    return name


def test_kustomize_builds_the_base_and_an_overlay(env):
    base = built(env.deploy / "kustomize" / "base")
    k8s.must_fit(base, "kustomize base")
    for where, pod in k8s.pod_specs(base).items():
        assert k8s.breaks_restricted(pod) == [], where
    overlay = env.directory / "overlay"
    overlay.mkdir()
    text = (env.root / "examples" / "purchases.yaml").read_text()
    (overlay / "purchases.yaml").write_text(text.replace("step: 1m", "step: 30s"))
    where = os.path.relpath(env.deploy / "kustomize" / "base", overlay)
    (overlay / "kustomization.yaml").write_text(json.dumps({
        "resources": [where], "namespace": "streams",
        "images": [{"name": "tidemark", "newName": "registry.example.com/tidemark", "newTag": "1.2.3"}],
        "configMapGenerator": [{"name": "tidemark-pipelines", "behavior": "replace", "files": ["purchases.yaml"]}]}))
    found = built(overlay)
    k8s.must_fit(found, "kustomize overlay")
    assert container(found)["image"] == "registry.example.com/tidemark:1.2.3"
    assert config_map_of(found) != config_map_of(base), "the pods would not follow a changed pipeline"
    assert "step: 30s" in k8s.only(found, "ConfigMap")["data"]["purchases.yaml"]
    assert {one["metadata"]["namespace"] for one in found} == {"streams"}
