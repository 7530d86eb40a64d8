// A job: the small JSON description of a pipeline by which the kit judges it, and the topics that it reads and writes.
// Turns the description into the oracle's Pipeline; knows only the conditions that tests use.
//
// {"name", "source": "events", "topics": [..], "results": topic, "late": topic, "dead_letters": topic,
//  "schema": [{"name", "type": "string?", "path": "a.b"}],
//  "csv": {"delimiter", "quote", "columns": [..], "null_text", "trim"},    absent: records are JSON
//  "event_time": {"field", "max_delay_ms", "max_future_ms"}, "tombstones": "skip",
//  "union": name, "more_sources": [{"source", "topics", "schema", "csv", "event_time", "tombstones"}],  brought together
//  "steps": [{"name", "filter": [[field, op, literal], ..]},            all of which must hold; op: == != < <= > >= has exists
//            {"name", "map": {"out": {"field": f} | {"kafka": "key" | "offset" | "headers.NAME" | ..} | {"literal": v} | {"has": f} | {"coalesce": [f, literal]}}}],
//  "window": {"name", "kind": "sliding" | "cumulative" | "calendar", "unit", "timezone", "size_ms", "step_ms", "offset_ms", "by": [..], "allowed_lateness_ms",
//             "aggregates": [{"name", "kind", "field", "by", "numbers": [..], "where": [conditions]}], "having": [conditions]},
//  "over": [{"steps": [..], "window": {..}}],                           windows over that one
//  "lanes": "one" | "partition", "close": "all" | "watermark", "at_least_once": false}
#pragma once

#include <string>
#include <vector>

#include "tests/oracle/oracle.h"

namespace tidemark::testkit {

struct Job {
  oracle::Pipeline pipeline;
  std::vector<std::string> topics;
  std::string results;       // empty: not judged
  std::string late;          // empty: not judged
  std::string dead_letters;  // empty: not judged
  bool repeats_allowed = false;  // at least once
};

// Throws Failure where the file cannot be read or makes no sense.
Job load_job(const std::string& file);

}  // namespace tidemark::testkit
