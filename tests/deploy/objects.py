"""Kubernetes objects as plain maps: whether they fit the API's schemas, strictly, and who selects whom.

The two kinds that are no part of Kubernetes itself, PodMonitor (prometheus-operator 0.9x) and ScaledObject (KEDA 2.1x), have
schemas here with just the fields that we use; a field that is not here is refused. Knows no single object."""
import functools
import threading

import tools
from harness import Failed, skip

TEXT, NUMBER, MAP = {"type": "string"}, {"type": "integer"}, {"type": "object", "additionalProperties": {"type": "string"}}


def _closed(required, **properties):
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _list(items):
    return {"type": "array", "minItems": 1, "items": items}


_META = _closed(["name"], name=TEXT, namespace=TEXT, labels=MAP, annotations=MAP)
_POLICIES = _list(_closed(["type", "value", "periodSeconds"], type={"enum": ["Pods", "Percent"]}, value=NUMBER,
                          periodSeconds={"type": "integer", "minimum": 1, "maximum": 1800}))
_RULES = _closed([], stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600}, policies=_POLICIES)
EXTENSIONS = {
    ("monitoring.coreos.com/v1", "PodMonitor"): _closed(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion=TEXT, kind=TEXT, metadata=_META, spec=_closed(
            ["selector", "podMetricsEndpoints"], jobLabel=TEXT, selector=_closed(["matchLabels"], matchLabels=MAP),
            podMetricsEndpoints=_list(_closed(["port"], port=TEXT, path=TEXT, interval={
                "type": "string", "pattern": "^([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"})))),
    ("keda.sh/v1alpha1", "ScaledObject"): _closed(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion=TEXT, kind=TEXT, metadata=_META, spec=_closed(
            ["scaleTargetRef", "triggers"], scaleTargetRef=_closed(["name"], apiVersion=TEXT, kind=TEXT, name=TEXT),
            minReplicaCount=NUMBER, maxReplicaCount=NUMBER, pollingInterval=NUMBER,
            advanced=_closed([], horizontalPodAutoscalerConfig=_closed([], behavior=_closed([], scaleDown=_RULES,
                                                                                            scaleUp=_RULES))),
            triggers=_list(_closed(["type", "metadata"], type=TEXT, metadata=MAP,
                                   authenticationRef=_closed(["name"], name=TEXT))))),
}

_LOADING = threading.Lock()  # guards what is kept below


@functools.lru_cache(maxsize=None)
def _schemas(version):
    """{(apiVersion, kind): the name of its schema}, and all schemas."""
    defs = tools.definitions(version)
    names = {}
    for name, schema in defs.items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            names[f"{kind['group']}/{kind['version']}".lstrip("/"), kind["kind"]] = name
    return names, defs


@functools.lru_cache(maxsize=None)
def _validator(version, kind):
    """None where that version has no such kind."""
    try:
        import jsonschema
    except ImportError as error:
        skip(f"no jsonschema for Python: {error}")
    if kind in EXTENSIONS:
        return jsonschema.Draft202012Validator(EXTENSIONS[kind])
    names, defs = _schemas(version)
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{names[kind]}", "$defs": defs}) if kind in names else None


def problems(one, version):
    """What the API of that version would refuse in `one`, as text; empty where nothing."""
    kind = one.get("apiVersion"), one.get("kind")
    with _LOADING:
        validator = _validator(version, kind)
        if not validator:
            return [f"Kubernetes {version} has no {' '.join(map(str, kind))}"]
        errors = list(validator.iter_errors(one))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


def must_fit(objects, what):
    for version in tools.KUBERNETES:
        for one in objects:
            found = problems(one, version)
            if found:
                raise Failed(f"{what}, Kubernetes {version}, {name_of(one)}: {found}")


def name_of(one):
    return f"{one['kind']}/{one['metadata']['name']}"


def of_kind(objects, kind):
    return [one for one in objects if one["kind"] == kind]


def only(objects, kind):
    found = of_kind(objects, kind)
    if len(found) != 1:
        raise Failed(f"{len(found)} of kind {kind}, and one was expected: {[name_of(one) for one in objects]}")
    return found[0]


def pod_specs(objects):
    """By the name of the object: every pod that comes of these objects."""
    found = {}
    for one in objects:
        if one["kind"] == "Pod":
            found[name_of(one)] = one["spec"]
        elif "template" in one.get("spec", {}):
            found[name_of(one)] = one["spec"]["template"]["spec"]
    return found


def selects(selector, labels):
    return all(labels.get(key) == value for key, value in selector["matchLabels"].items())


def breaks_restricted(pod):
    """What the restricted profile of the Pod Security Standards forbids in that pod, as far as it applies to Linux pods."""
    wrong = [field for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field)]
    kinds = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    wrong += [f"volume {one['name']}" for one in pod.get("volumes", []) if not (set(one) - {"name"}) <= kinds]
    of_pod = pod.get("securityContext", {})
    for container in pod.get("initContainers", []) + pod["containers"]:
        own = container.get("securityContext", {})
        both = {**of_pod, **own}
        checks = {
            "runAsNonRoot": both.get("runAsNonRoot") is True,
            "runAsUser": both.get("runAsUser") != 0,
            "seccompProfile": both.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "capabilities": own.get("capabilities", {}) == {"drop": ["ALL"]},
            "privileged": not own.get("privileged"),
            "hostPort": not any("hostPort" in port for port in container.get("ports", [])),
        }
        wrong += [f"{container['name']}: {name}" for name, holds in checks.items() if not holds]
    return wrong
