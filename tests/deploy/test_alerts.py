"""The alert rules and the runbook, by promtool and amtool: every alert fires when it should and is silent when it should
be, has its section, asks for metrics that exist, and a known cause keeps its symptoms quiet."""
import re

import yaml

from harness import Failed, wait_for
from prometheus import Alertmanager, call

# What Prometheus and its clients make of themselves, or the process's own that every client library has.
FOREIGN = {"up"}
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def rules(env):
    text = (env.deploy / "prometheus" / "tidemark.rules.yml").read_text()
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def alerts(env):
    return [rule for rule in rules(env) if "alert" in rule]


def known_metrics(env):
    text = (env.root / "docs" / "metrics.md").read_text()
    found = set(re.findall(r"^\| `([a-z_]+)` \| (?:counter|gauge|histogram)", text, re.M))
    assert len(found) > 50, found
    return found


def named_metrics(expression):
    """Metrics that a query names, without the suffixes of histograms; recorded ones bear colons and are left out."""
    bare = re.sub(r'"[^"]*"', "", expression)
    return {SUFFIX.sub("", name) for name in re.findall(r"(?<![\w:$])((?:tidemark|process)_[a-z_]+|up)(?![\w:(])", bare)}


def anchors(text):
    """Of Markdown's headings, as the forges make them."""
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_rules_are_rules(env):
    call("promtool", "check", "rules", "--lint=all", "--lint-fatal", env.deploy / "prometheus" / "tidemark.rules.yml")


def test_every_alert_fires_and_stays_silent(env):
    """promtool runs the tests; here it is made sure that there is one of each kind for each rule."""
    fires, silent = [], set()
    files = sorted((env.deploy / "prometheus" / "tests").glob("*.test.yml"))
    for path in files:
        for one in yaml.safe_load(path.read_text())["tests"]:
            for case in one["alert_rule_test"]:
                assert one["name"].startswith("fires: " if case["exp_alerts"] else "silent: "), one["name"]
                if case["exp_alerts"]:
                    fires += [(case["alertname"], alert["exp_labels"].get("window")) for alert in case["exp_alerts"]]
                else:
                    silent.add(case["alertname"])
    wanted = {(rule["alert"], rule["labels"].get("window")) for rule in alerts(env)}
    assert set(fires) == wanted, f"no test that it fires: {wanted - set(fires)}; no such rule: {set(fires) - wanted}"
    assert silent == {name for name, _ in wanted}, f"no test of silence: {({name for name, _ in wanted}) - silent}"
    call("promtool", "test", "rules", *files)


def test_every_alert_has_its_section_in_the_runbook(env):
    text = (env.root / "docs" / "runbook.md").read_text()
    sections = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=\n## |\Z)", text, re.M | re.S))
    sections = {name: body for name, body in sections.items() if name.startswith("Tidemark")}
    assert set(sections) == {rule["alert"] for rule in alerts(env)}, set(sections) ^ {rule["alert"] for rule in alerts(env)}
    for name, body in sections.items():
        whole = "**Look at and do**" in body or ("**Look at**" in body and "**Do**" in body)
        assert "**Means**" in body and whole, name
    for rule in alerts(env):
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}", rule
        assert rule["labels"]["severity"] in ("critical", "warning") and rule["labels"]["kind"] in ("cause", "symptom", "data"), rule


def test_links_between_the_documents_lead_somewhere(env):
    docs = env.root / "docs"
    for name in ("metrics.md", "runbook.md"):
        text = (docs / name).read_text()
        links = re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", text)
        assert links, name
        for file, anchor in links:
            target = docs / (file or name)
            assert target.is_file() and anchor in anchors(target.read_text()), f"{name}: {file}#{anchor}"


def test_every_metric_that_rules_name_exists(env):
    known = known_metrics(env)
    recorded = {rule["record"] for rule in rules(env) if "record" in rule}
    for rule in rules(env):
        named = named_metrics(rule["expr"])
        assert named - FOREIGN <= known, f"{rule}: {named - FOREIGN - known}"
        used = set(re.findall(r"tidemark:[a-z_:0-9]+", rule["expr"]))
        assert used <= recorded and (named or used), f"{rule}: {used - recorded}"


SHOP = {"job": "tidemark", "pipeline": "shop"}
# A cause, what may fire with it, and whether the latter is kept quiet.
PAIRS = [
    ("TidemarkPartitionStuck", SHOP, "TidemarkLagGrowing", SHOP, True),
    ("TidemarkSinkSlow", SHOP, "TidemarkBackpressure", SHOP, True),
    ("TidemarkStateGrowing", SHOP, "TidemarkLagGrowing", SHOP, True),
    ("TidemarkHotKey", SHOP, "TidemarkLagGrowing", SHOP, True),
    ("TidemarkCheckpointFailing", SHOP, "TidemarkCheckpointStale", SHOP, True),
    ("TidemarkDown", {"job": "tidemark"}, "TidemarkNotAdvancing", SHOP, True),
    ("TidemarkDiskFilling", {"job": "tidemark"}, "TidemarkCheckpointFailing", SHOP, True),
    ("TidemarkKafkaUnreachable", SHOP, "TidemarkPartitionStuck", SHOP, True),
    ("TidemarkDeadLetterBurnFast", SHOP, "TidemarkDeadLetterBurnSlow", SHOP, True),
    ("TidemarkPartitionStuck", SHOP, "TidemarkLagGrowing", {**SHOP, "pipeline": "other"}, False),
    ("TidemarkDown", {"job": "elsewhere"}, "TidemarkNotAdvancing", SHOP, False),
    ("TidemarkPartitionStuck", SHOP, "TidemarkLedgerOpen", SHOP, False),
    ("TidemarkLagGrowing", SHOP, "TidemarkNotAdvancing", SHOP, False),
    ("TidemarkKafkaUnreachable", SHOP, "TidemarkLateRatio", SHOP, False),
]


def test_a_known_cause_keeps_its_symptoms_quiet(env):
    """All pairs at once, each as a cluster of its own: a namespace is part of what must be equal."""
    config = env.deploy / "prometheus" / "alertmanager.yml"
    call("amtool", "check-config", config)
    labels_of = {rule["alert"]: rule["labels"] for rule in alerts(env)}
    server = Alertmanager(env, config)

    def add(name, namespace, more):
        server.add(alertname=name, namespace=namespace, **labels_of[name], **more)

    for number, (cause, of_cause, symptom, of_symptom, _) in enumerate(PAIRS):
        add(cause, f"n{number}", of_cause)
        add(symptom, f"n{number}", of_symptom)
    for number, (cause, _, symptom, _, quiet) in enumerate(PAIRS):
        matcher = f"namespace=n{number}"
        notify = {cause} if quiet else {cause, symptom}
        try:
            wait_for(lambda: server.named(matcher) == notify and
                     server.named("--inhibited", matcher) == ({symptom} if quiet else set()), "as expected", 20)
        except Failed as error:
            raise Failed(f"{cause}, {symptom}: {error}: {server.named(matcher)} notify, "
                         f"{server.named('--inhibited', matcher)} are kept quiet") from None


def test_whom_an_alert_reaches(env):
    config = env.deploy / "prometheus" / "alertmanager.yml"
    for rule in alerts(env):
        receiver = "on-call" if rule["labels"]["severity"] == "critical" else "operators"
        words = [f"{name}={value}" for name, value in rule["labels"].items()]
        call("amtool", "config", "routes", "test", f"--config.file={config}", f"--verify.receivers={receiver}",
             f"alertname={rule['alert']}", *words)
