"""The dashboards: written by their script, by the rules of Grafana's dashboard-linter, and filled: each panel's query runs on
a real Prometheus that scrapes a Tidemark under load on a real Kafka."""
import importlib.util
import json
import math
import re

from harness import Failed, wait_for
from prometheus import Prometheus, call, program
from shop import Shop
from test_alerts import known_metrics, named_metrics

# Those of Grafana's units that may be of use here.
UNITS = {"short", "s", "bytes", "Bps", "ops", "cpm", "percentunit", "bool", "none"}
FILLED_WITHIN_S = 60


def script(env):
    spec = importlib.util.spec_from_file_location("dashboards", env.deploy / "grafana" / "dashboards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dashboards(env):
    files = sorted((env.deploy / "grafana" / "dashboards").glob("*.json"))
    assert len(files) == 3, files
    return {path.name: json.loads(path.read_text()) for path in files}


def targets(board):
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def test_dashboards_are_what_their_script_writes(env):
    written = {path.name: path.read_text() for path in (env.deploy / "grafana" / "dashboards").glob("*.json")}
    assert written == script(env).texts(), "to write them anew: deploy/grafana/dashboards.py"


def test_dashboards_keep_the_rules_of_the_linter(env):
    for name, board in dashboards(env).items():
        wrong = [*wrong_templates(board), *(one for panel in board["panels"] for one in wrong_panel(panel)),
                 *(f"{title}: {one}" for title, expr in targets(board) for one in wrong_query(expr))]
        wrong += [] if board["editable"] is False else ["uneditable-dashboard"]
        assert not wrong, f"{name}: {wrong}"


def wrong_templates(board):
    by_name = {one["name"]: one for one in board["templating"]["list"]}
    source = by_name.get("datasource", {})
    if (source.get("type"), source.get("query"), source.get("label")) != ("datasource", "prometheus", "Data source"):
        yield "template-datasource-rule"
    for name in ("job", "instance", "pipeline"):
        one = by_name.get(name, {})
        if one.get("type") != "query" or one.get("label") != name.capitalize():
            yield f"template-{name}-rule"
        elif one["datasource"]["uid"] != "${datasource}" or not one["multi"] or one["allValue"] != ".+":
            yield f"template-{name}-rule: its source, multi or allValue"
        elif not re.fullmatch(r"label_values\(\w+(\{.*\})?, \w+\)", one["query"]):
            yield f"template-label-promql-rule: {one['query']}"
        if one.get("refresh") != 2:
            yield f"template-on-time-change-reload-rule: {name}"


def wrong_panel(panel):
    title = panel["title"]
    if panel["type"] == "row":
        return
    if not title or not panel["description"].endswith("."):
        yield f"panel-title-description-rule: {title}"
    if panel["fieldConfig"]["defaults"]["unit"] not in UNITS:
        yield f"panel-units-rule: {title}"
    if not panel["targets"]:
        yield f"panel-no-targets-rule: {title}"
    if any(one["datasource"]["uid"] != "${datasource}" for one in (panel, *panel["targets"])):
        yield f"panel-datasource-rule: {title}"
    if not any("${runbook}" in link["url"] for link in panel["links"]):
        yield f"no link to the runbook: {title}"


def wrong_query(expr):
    for metric, labels, window in re.findall(r"\b((?:tidemark|process)_\w+)(\{[^}]*\})?(\[[^]]*\])?", expr):
        if 'job=~"$job"' not in labels or 'instance=~"$instance"' not in labels:
            yield f"target-job-rule, target-instance-rule: {metric}{labels}"
        if metric.startswith("tidemark_") and metric not in OF_A_PROCESS and 'pipeline=~"$pipeline"' not in labels:
            yield f"no matcher for the pipeline: {metric}{labels}"
        if metric.endswith(("_total", "_bucket")) and not re.search(rf"\b(rate|increase)\({metric}\b", expr):
            yield f"target-counter-agg-rule: {metric}"
        if window and window not in ("[$__rate_interval]", "[$__range]"):
            yield f"target-rate-interval-rule: {metric}{window}"


BY_KEY = ("tidemark_hot_key_ratio", "tidemark_heavy_key_ratio")
OF_A_PROCESS = {"tidemark_build_info", "tidemark_memory_budget_bytes", "tidemark_state_disk_free_bytes",
                "tidemark_state_disk_size_bytes", "tidemark_trace_spans_exported_total", "tidemark_trace_spans_dropped_total"}


def test_every_metric_is_on_a_dashboard_and_every_panel_names_metrics_that_exist(env):
    shown = set()
    for board in dashboards(env).values():
        for title, expr in targets(board):
            named = named_metrics(expr)
            assert named and named <= known_metrics(env), f"{title}: {named - known_metrics(env)}"
            shown |= named
    assert shown == known_metrics(env), f"on no dashboard: {known_metrics(env) - shown}"


def filled_in(expr):
    """The query as Grafana would send it, everything chosen."""
    for variable, value in (("$__rate_interval", "15s"), ("$__range", "1m"), ("$job", ".+"), ("$instance", ".+"), ("$pipeline", ".+")):
        expr = expr.replace(variable, value)
    return expr


def under_load(env):
    """A Tidemark that reads all kinds of records, and the topic is written to until the test ends. It keeps lists, so that
    what a key's state weighs follows from its rows."""
    shop = Shop(env)
    job = shop.job(aggregates=[{"name": "n", "kind": "count"}, {"name": "ids", "kind": "list", "field": "event_id", "numbers": [10_000]}])
    process = shop.run(job)
    shop.write(keys=20_000)
    shop.write(keys=1, rate=1_000, seed=2)  # one key is hot, and heavy
    return job, process


def test_every_panel_shows_a_loaded_tidemark(env):
    program("prometheus")
    job, process = under_load(env)
    server = Prometheus(env, [f"127.0.0.1:{process.port}"])
    wanted = {(name, title, expr) for name, board in dashboards(env).items() for title, expr in targets(board)}
    empty = set(wanted)

    def all_filled():
        empty.difference_update({one for one in empty if any(not math.isnan(n) for _, n in server.query(filled_in(one[2])))})
        return process.running() and not empty

    try:
        wait_for(all_filled, "every panel shows something", FILLED_WITHIN_S, 1)
    except Failed as error:
        raise Failed(f"{error}; without data: {sorted(empty)}") from None
    assert len(wanted) > 60, len(wanted)
    names_types_and_number_hold(process, job)


def names_types_and_number_hold(process, job):
    """What /metrics says passes promtool, and no more series come of more records and keys."""
    status, text = process.get("/metrics")
    assert status == 200, status
    call("promtool", "check", "metrics", stdin=text)

    def series():
        return {one for one in process.metrics() if one[0] not in BY_KEY}

    def by_key(metric):
        return sum(name == metric for name, _ in process.metrics())

    def read():
        return process.total("tidemark_records_read_total", pipeline=job.name)

    before, read_before = series(), read()
    wait_for(lambda: read() > read_before + 15_000, "many more records", 30, 0.5)
    assert series() == before, series() ^ before
    for metric in BY_KEY:
        assert 1 <= by_key(metric) <= 10, (metric, by_key(metric))
    assert process.total("tidemark_ledger_open_records") == 0
    steps, partitions, sinks = 3, 4, 3
    assert len(before) < 145 + 13 * partitions + 20 * steps + 2 * sinks, len(before)
