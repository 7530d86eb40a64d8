#!/usr/bin/env python3
"""What the three dashboards show, and how that becomes Grafana's JSON.

    dashboards.py      writes dashboards/*.json anew

Rows stand in the order of a debugging walk (docs/runbook.md). In queries `{$}` stands for the chosen job, instance and
pipeline, and `{@}`, for what belongs to a whole process, for job and instance. Knows no single alert."""
import json
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
OF_PROCESS = 'job=~"$job", instance=~"$instance"'
OF_PIPELINE = OF_PROCESS + ', pipeline=~"$pipeline"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24


def expanded(query):
    query = re.sub(r"\{\$(, )?", lambda found: "{" + OF_PIPELINE + (found[1] or ""), query)
    return re.sub(r"\{@(, )?", lambda found: "{" + OF_PROCESS + (found[1] or ""), query)


# ---- Panels: (title, description, unit, [(query, legend)], options)

def panel(title, description, unit, *queries, kind="timeseries", width=8, **defaults):
    return {"title": title, "description": description, "unit": unit, "queries": queries, "kind": kind, "width": width,
            "defaults": defaults}


def stat(title, description, unit, *queries, **defaults):
    return panel(title, description, unit, *queries, kind="stat", width=6, **defaults)


def quantiles(title, description, metric, by="pipeline", **more):
    """Of a histogram: what half, nine in ten and 99 in a hundred stay below."""
    def query(q):
        return f"histogram_quantile({q}, sum by ({by}, le) (rate({metric}_bucket{{$}}[$__rate_interval])))"
    return panel(title, description, "s", *[(query(q), f"{{{{{by}}}}} p{int(q * 100)}") for q in (0.5, 0.9, 0.99)], **more)


def share(part):
    whole = " + ".join(f"rate(tidemark_lane_{one}_seconds_total{{$}}[$__rate_interval])" for one in ("busy", "idle", "backpressured"))
    return (f"sum by (pipeline) (rate(tidemark_lane_{part}_seconds_total{{$}}[$__rate_interval])) / sum by (pipeline) ({whole})",
            f"{{{{pipeline}}}} {part}")


def rate(metric, by, more="", legend=None):
    legend = legend or " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    return f"sum by ({by}) (rate({metric}{{${more}}}[$__rate_interval]))", legend


LAG = panel("Lag in records", "Records that are there and not read yet, by partition. One line alone: that partition is stuck. All: "
            "the pipeline is too slow.", "short", ("sum by (pipeline, topic, partition) (tidemark_consumer_lag{$})",
                                                   "{{pipeline}} {{topic}}/{{partition}}"))
LAG_SECONDS = panel("Lag in seconds", "Age of the newest record read; 0 at the end of the partition.", "s",
                    ("max by (pipeline, topic, partition) (tidemark_consumer_lag_seconds{$})", "{{pipeline}} {{topic}}/{{partition}}"))
WATERMARK_LAG = panel("Watermark behind the clock", "As of the last checkpoint. Rising by a second a second: no window closes.", "s",
                      ("max by (pipeline) (tidemark_watermark_lag_seconds{$})", "{{pipeline}}"))
LEDGER_OPEN = stat("Records not accounted for", "What the ledger cannot account for. Anything but 0 is a defect.", "short",
                   ("sum(tidemark_ledger_open_records{$})", "open"),
                   thresholds={"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": 1}]})
CHECKPOINT_AGE = panel("Age of the last checkpoint", "What a crash now would read again.", "s",
                       ("time() - max by (pipeline) (tidemark_checkpoint_last_success_timestamp_seconds{$})", "{{pipeline}}"),
                       ("max by (pipeline) (tidemark_checkpoint_interval_seconds{$})", "{{pipeline}} interval"))
CHECKPOINTS = panel("Checkpoints", "How many a minute, by result. One failure is no harm: the next one takes its rows.", "cpm",
                    ("60 * sum by (pipeline, result) (rate(tidemark_checkpoints_total{$}[$__rate_interval]))", "{{pipeline}} {{result}}"))
TRANSACTIONS = quantiles("Transactions", "Flushing rows, sending offsets, committing. Seconds: the brokers are slow.",
                         "tidemark_transaction_duration_seconds")
STATE = panel("State by tier", "Hot is memory, cold is disk. The limit is what memory may hold before it spills.", "bytes",
              ("sum by (pipeline, tier) (tidemark_state_bytes{$})", "{{pipeline}} {{tier}}"),
              ("sum by (pipeline) (tidemark_state_memory_limit_bytes{$})", "{{pipeline}} memory limit"))
KEYS = panel("Keys with state", "In memory, each (key, slice) once; on disk by RocksDB's estimate. Growing without an end: keys are "
             "unbounded, or windows do not close.", "short", ("sum by (pipeline) (tidemark_state_keys{$})", "{{pipeline}} in memory"),
             ("sum by (pipeline) (tidemark_rocksdb_keys{$})", "{{pipeline}} on disk"))
ROUND_TRIP = panel("Brokers' answers", "Time that the slowest broker took. The consumer's holds the time that a fetch waits for data.",
                   "s", ("max by (pipeline, client) (tidemark_kafka_round_trip_seconds{$})", "{{pipeline}} {{client}}"),
                   ("max by (pipeline, client) (tidemark_kafka_throttle_seconds{$})", "{{pipeline}} {{client}} held back by a quota"))
CPU = panel("CPU", "Cores in use. About one although there are several threads, with lag: one key is hot.", "short",
            ("sum by (instance) (rate(process_cpu_seconds_total{@}[$__rate_interval]))", "{{instance}}"))
MEMORY = panel("Memory", "Resident size stays below the budget + 64 MiB.", "bytes",
               ("max by (instance) (process_resident_memory_bytes{@})", "{{instance}}"),
               ("max by (instance) (tidemark_memory_budget_bytes{@})", "{{instance}} budget"))
DISK = panel("Free disk", "Share of the state directory's file system that is free.", "percentunit",
             ("min by (instance) (tidemark_state_disk_free_bytes{@} / tidemark_state_disk_size_bytes{@})", "{{instance}}"), min=0, max=1)
BUSY = panel("What threads do", "Share of their time. Backpressured: something behind is slow. Busy with lag: it needs more CPU.",
             "percentunit", share("busy"), share("idle"), share("backpressured"), min=0, max=1)
INPUT_PAUSE = quantiles("Pauses of the input", "How long a thread looks away from its input: firing windows, freezing state, waiting.",
                        "tidemark_input_pause_seconds")
LATENCY = quantiles("From record to visible result", "From a result's newest record's arrival in Kafka until it is committed.",
                    "tidemark_end_to_end_latency_seconds")

FLEET = ("fleet", "Fleet", "Every pipeline at a glance: what is over, what falls behind, what runs out of room.", [
    ("Is anything wrong?", [
        panel("Pipelines by state", "`failed` and `fenced` are over for good; `waiting` waits for Kafka, or in reserve; `paused` and `drained` were told to.", "short",
              ("sum by (state) (tidemark_pipeline_state{$}) > 0", "{{state}}"), width=12),
        LEDGER_OPEN,
        stat("Versions", "Instances by version. More than one: an upgrade is under way, or has stopped halfway.", "short",
             ("count by (version) (tidemark_build_info{@})", "{{version}}"))]),
    ("Who falls behind?", [
        panel("Lag in records", "Over all partitions.", "short", ("sum by (pipeline) (tidemark_consumer_lag{$})", "{{pipeline}}")),
        panel("Lag in seconds", "Of the partition that is furthest behind.", "s",
              ("max by (pipeline) (tidemark_consumer_lag_seconds{$})", "{{pipeline}}")),
        WATERMARK_LAG]),
    ("How much goes through?", [
        panel("Records read", "Exact, a checkpoint late.", "ops", rate("tidemark_records_read_total", "pipeline")),
        panel("Rows emitted", "What sinks took.", "ops", rate("tidemark_records_emitted_total", "pipeline")),
        panel("Set aside", "Late records and dead letters.", "ops", rate("tidemark_records_late_total", "pipeline", legend="{{pipeline}} late"),
              rate("tidemark_records_dead_lettered_total", "pipeline", legend="{{pipeline}} dead letters"))]),
    ("Is it durable?", [CHECKPOINT_AGE, CHECKPOINTS, DISK]),
    ("What does it take?", [
        CPU, MEMORY,
        panel("Uptime", "Falls to 0 with each restart.", "s", ("time() - max by (instance) (process_start_time_seconds{@})", "{{instance}}"))]),
])

PIPELINE = ("pipeline", "Pipeline", "One pipeline, in the order of the walk: lag rises, and why?", [
    ("Is it behind, and does more come than before?", [
        LAG, LAG_SECONDS,
        panel("Written and read", "What producers write against what is read. Reading as ever while more is written: it needs more.",
              "ops", ("sum by (pipeline) (deriv(tidemark_log_end_offset{$}[$__rate_interval]))", "{{pipeline}} written"),
              rate("tidemark_records_read_total", "pipeline", legend="{{pipeline}} read")),
        panel("Not committed", "Records behind the last commit. Growing while lag does not: checkpoints fail.", "short",
              ("sum by (pipeline, topic, partition) (tidemark_committed_lag{$})", "{{pipeline}} {{topic}}/{{partition}}"), width=12),
        panel("Not committed, in seconds", "Age of the newest record that the last commit covers.", "s",
              ("max by (pipeline, topic, partition) (tidemark_committed_lag_seconds{$})", "{{pipeline}} {{topic}}/{{partition}}"), width=12)]),
    ("Is one partition stuck?", [
        panel("Watermarks behind the clock", "By partition. The one furthest behind holds all windows back, unless it is idle.", "s",
              ("time() - max by (pipeline, topic, partition) (tidemark_watermark_timestamp_seconds{$})",
               "{{pipeline}} {{topic}}/{{partition}}")),
        panel("Who holds the watermark", "1: this partition. One for minutes: look at it.", "bool",
              ("max by (pipeline, topic, partition) (tidemark_watermark_holder{$})", "{{pipeline}} {{topic}}/{{partition}}")),
        panel("Idle and held back", "Idle ones hold nobody; held back are those that are too far ahead.", "bool",
              ("max by (pipeline, topic, partition) (tidemark_partition_idle{$})", "{{pipeline}} {{topic}}/{{partition}} idle"),
              ("max by (pipeline, topic, partition) (tidemark_partition_paused{$})", "{{pipeline}} {{topic}}/{{partition}} held back")),
        panel("Positions and commits move", "Records a second, by partition. 0 with lag: nothing comes of it.", "ops",
              ("sum by (pipeline, topic, partition) (deriv(tidemark_position_offset{$}[$__rate_interval]))",
               "{{pipeline}} {{topic}}/{{partition}} read"),
              ("sum by (pipeline, topic, partition) (deriv(tidemark_committed_offset{$}[$__rate_interval]))",
               "{{pipeline}} {{topic}}/{{partition}} committed"), width=WIDTH)]),
    ("Is the sink slow?", [BUSY, TRANSACTIONS, ROUND_TRIP]),
    ("Is the state bloated?", [STATE, KEYS, WATERMARK_LAG]),
    ("Is one key hot, or is it out of CPU?", [
        panel("The hottest key", "Its share of the rows that reach a window step. More than one thread's share, with lag: more threads "
              "do not help.", "percentunit", ("max by (pipeline, step) (tidemark_hottest_key_ratio{$})", "{{pipeline}} {{step}}"), min=0, max=1),
        panel("Hot keys", "Each of at least 5%, by its hash.", "percentunit",
              ("max by (pipeline, step, key) (tidemark_hot_key_ratio{$})", "{{pipeline}} {{step}} {{key}}"), min=0, max=1),
        panel("The heaviest key", "Its share of what is written of a window step's state. Large, with state that grows: its lists or sets.",
              "percentunit", ("max by (pipeline, step) (tidemark_heaviest_key_ratio{$})", "{{pipeline}} {{step}}"), min=0, max=1),
        panel("Heavy keys", "Each of at least 5%, by its hash.", "percentunit",
              ("max by (pipeline, step, key) (tidemark_heavy_key_ratio{$})", "{{pipeline}} {{step}} {{key}}"), min=0, max=1),
        CPU, INPUT_PAUSE, panel("Rows through each step", "What reaches each step, as of the last checkpoint.", "ops",
                                rate("tidemark_ledger_records_total", "pipeline, step", ', entry="in"'), width=16)]),
    ("What becomes of records?", [
        LEDGER_OPEN,
        stat("Dead letters of what is read", "The budget is 0.1%.", "percentunit",
             ("sum(rate(tidemark_records_dead_lettered_total{$}[$__rate_interval])) / sum(rate(tidemark_records_read_total{$}[$__rate_interval]))",
              "dead letters"), decimals=3),
        stat("Late of what is read", "More than 1%: raise `max_delay`.", "percentunit",
             ("sum(rate(tidemark_records_late_total{$}[$__rate_interval])) / sum(rate(tidemark_records_read_total{$}[$__rate_interval]))", "late"),
             decimals=3),
        stat("Lost", "Offsets that were given up by --accept-loss.", "short",
             ("sum(increase(tidemark_records_lost_total{$}[$__range]))", "lost")),
        panel("The ledger", "Where records go, step by step.", "ops", rate("tidemark_ledger_records_total", "step, entry")),
        panel("Dead letters", "By step and reason; the header `tidemark.error` of a record says more.", "ops",
              rate("tidemark_records_dead_lettered_total", "step, reason")),
        panel("Late", "By step and reason.", "ops", rate("tidemark_records_late_total", "step, reason")),
        panel("Filtered and repeated", "Dropped on purpose, in front of windows and behind them.", "ops",
              rate("tidemark_records_filtered_total", "step", legend="{{step}} filtered"),
              rate("tidemark_results_filtered_total", "step", legend="{{step}} results filtered"),
              rate("tidemark_records_deduplicated_total", "step", legend="{{step}} repeated")),
        panel("Counted", "Rows that count in some window, and windows that they missed.", "ops",
              rate("tidemark_records_counted_total", "step", legend="{{step}} counted"),
              rate("tidemark_window_updates_missed_total", "step", legend="{{step}} windows missed")),
        panel("Errors in results", "Failed expressions behind a window, and keys that broke `partitioned_by`.", "ops",
              rate("tidemark_result_errors_total", "step", legend="{{step}} failed"),
              rate("tidemark_partitioning_violations_total", "step", legend="{{step}} in two partitions"))]),
    ("How fresh are results?", [LATENCY, panel("Rows emitted", "What sinks took.", "ops", rate("tidemark_records_emitted_total", "sink")),
                                CHECKPOINT_AGE]),
])

STORAGE = ("state", "State and checkpoints", "What is kept, how it is made durable, and what it stands on.", [
    ("Do checkpoints succeed, and in time?", [
        CHECKPOINT_AGE, CHECKPOINTS,
        quantiles("Duration of checkpoints", "From opening an epoch to its commit.", "tidemark_checkpoint_duration_seconds"),
        panel("Size of the last checkpoint", "What a restore reads.", "bytes",
              ("max by (pipeline) (tidemark_checkpoint_size_bytes{$})", "{{pipeline}}"), width=12),
        panel("State of pipelines", "Restoring reads the last checkpoint.", "short",
              ("sum by (state) (tidemark_pipeline_state{$}) > 0", "{{state}}"), width=12)]),
    ("Are transactions fast?", [
        TRANSACTIONS, ROUND_TRIP,
        panel("Queues of the clients", "Bytes that wait in librdkafka. The producer's full: brokers are slower than rows come.", "bytes",
              ("sum by (pipeline, client) (tidemark_kafka_queue_bytes{$})", "{{pipeline}} {{client}}")),
        panel("Messages in the queues", "As for bytes.", "short",
              ("sum by (pipeline, client) (tidemark_kafka_queue_messages{$})", "{{pipeline}} {{client}}"), width=6),
        panel("Sent and received", "Bytes a second, by client.", "Bps",
              rate("tidemark_kafka_sent_bytes_total", "pipeline, client", legend="{{pipeline}} {{client}} sent"),
              rate("tidemark_kafka_received_bytes_total", "pipeline, client", legend="{{pipeline}} {{client}} received"), width=6),
        panel("Failed requests", "A few at a broker's restart are ordinary.", "ops",
              rate("tidemark_kafka_request_errors_total", "pipeline, client"), width=6),
        panel("Brokers", "Brokers that the client is connected to.", "short",
              ("min by (pipeline, client) (tidemark_kafka_brokers_up{$})", "{{pipeline}} {{client}}"), width=6)]),
    ("How large is the state?", [STATE, KEYS, BUSY]),
    ("Does RocksDB keep up?", [
        panel("Still to be compacted", "Growing for hours: the disk or the CPU is too slow for what is written.", "bytes",
              ("sum by (pipeline) (tidemark_rocksdb_pending_compaction_bytes{$})", "{{pipeline}}")),
        panel("Memtables", "Part of the memory budget.", "bytes", ("sum by (pipeline) (tidemark_rocksdb_memtable_bytes{$})", "{{pipeline}}")),
        panel("Open tables", "Memory outside the block cache.", "bytes",
              ("sum by (pipeline) (tidemark_rocksdb_table_reader_bytes{$})", "{{pipeline}}"))]),
    ("Is there room?", [
        MEMORY, DISK,
        panel("File descriptors", "In use, of those that it may have.", "percentunit",
              ("max by (instance) (process_open_fds{@} / process_max_fds{@})", "{{instance}}"), min=0, max=1),
        panel("Virtual memory", "Says nothing of use.", "bytes", ("max by (instance) (process_virtual_memory_bytes{@})", "{{instance}}")),
        panel("Threads", "Constant for a running process.", "short", ("max by (instance) (process_threads{@})", "{{instance}}")),
        panel("Traces", "Spans that the collector took, and those that were dropped; 0 where traces are off.", "ops",
              ("sum by (instance) (rate(tidemark_trace_spans_exported_total{@}[$__rate_interval]))", "{{instance}} taken"),
              ("sum by (instance) (rate(tidemark_trace_spans_dropped_total{@}[$__rate_interval]))", "{{instance}} dropped"))]),
])


# ---- Grafana's JSON

def templating():
    def query(name, label, of):
        return {"name": name, "label": label, "type": "query", "datasource": SOURCE, "query": of, "definition": of, "refresh": 2,
                "multi": True, "includeAll": True, "allValue": ".+", "sort": 1, "current": {"text": "All", "value": "$__all"}}

    return {"list": [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        query("job", "Job", "label_values(tidemark_build_info, job)"),
        query("instance", "Instance", 'label_values(tidemark_build_info{job=~"$job"}, instance)'),
        query("pipeline", "Pipeline", f"label_values(tidemark_pipeline_state{{{OF_PROCESS}}}, pipeline)"),
        {"name": "runbook", "label": "Runbook", "type": "constant", "hide": 2, "query": "docs/runbook.md",
         "description": "where docs/runbook.md can be read"},
    ]}


def panel_json(number, one, x, y):
    height = 5 if one["kind"] == "stat" else 8
    options = {"timeseries": {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
                              "tooltip": {"mode": "multi", "sort": "desc"}},
               "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}}[one["kind"]]
    return {"id": number, "type": one["kind"], "title": one["title"], "description": one["description"], "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": one["width"], "h": height}, "options": options,
            "fieldConfig": {"defaults": {"unit": one["unit"], "min": 0, **one["defaults"]}, "overrides": []},
            "links": [{"title": "Runbook", "url": "${runbook}#lag-rises", "targetBlank": True}],
            "targets": [{"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expanded(query), "legendFormat": legend}
                        for index, (query, legend) in enumerate(one["queries"])]}


def dashboard(name, title, description, rows):
    panels, y = [], 0
    for heading, of_row in rows:
        panels.append({"id": len(panels) + 1, "type": "row", "title": heading, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        x, y, tallest = 0, y + 1, 0
        for one in of_row:
            if x + one["width"] > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            panels.append(panel_json(len(panels) + 1, one, x, y))
            x, tallest = x + one["width"], max(tallest, panels[-1]["gridPos"]["h"])
        y += tallest
    return {"uid": f"tidemark-{name}", "title": f"Tidemark / {title}", "description": description, "tags": ["tidemark"],
            "editable": False, "graphTooltip": 1, "schemaVersion": 39, "time": {"from": "now-1h", "to": "now"}, "refresh": "30s",
            "timezone": "browser", "templating": templating(), "annotations": {"list": [{
                "name": "Alerts", "datasource": SOURCE, "enable": True, "iconColor": "red", "titleFormat": "{{alertname}}",
                "expr": 'ALERTS{alertname=~"Tidemark.*", alertstate="firing", job=~"$job"}'}]},
            "links": [{"title": "Tidemark", "type": "dashboards", "tags": ["tidemark"], "asDropdown": True, "includeVars": True,
                       "keepTime": True},
                      {"title": "Runbook", "type": "link", "url": "${runbook}", "icon": "doc", "targetBlank": True}],
            "panels": panels}


def texts():
    """By file name."""
    return {f"{one[0]}.json": json.dumps(dashboard(*one), indent=1, ensure_ascii=False) + "\n" for one in (FLEET, PIPELINE, STORAGE)}


if __name__ == "__main__":
    for file, text in texts().items():
        (HERE / "dashboards" / file).write_text(text)
