// A sink that keeps traces, and what holds of every trace whatever it tells of.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "daemon/trace.h"

namespace tidemark {

struct KeepingTraces final : TraceSink {
  void take(Trace trace) override {
    const std::lock_guard lock(mutex);
    all.push_back(std::move(trace));
  }

  std::mutex mutex;  // guards `all` while threads run
  std::vector<Trace> all;
};

// The first of that name; an empty one where there is none.
inline const Span& span_of(const Trace& trace, const std::string& name) {
  static const Span kNone;
  for (const Span& span : trace.spans) {
    if (span.name == name) return span;
  }
  return kNone;
}

// What is wrong with it as a tree in time, for people.
inline std::vector<std::string> faults_of(const Trace& trace) {
  std::vector<std::string> faults;
  if (trace.id[0] == 0 && trace.id[1] == 0) faults.push_back("the trace has no id");
  if (trace.spans.empty() || trace.spans[0].parent != 0) faults.push_back("the first span is no root");
  std::map<uint64_t, const Span*> known;
  for (const Span& span : trace.spans) {
    if (span.end < span.start) faults.push_back(span.name + " ends before it begins");
    if (span.id == 0 || !known.emplace(span.id, &span).second) faults.push_back(span.name + " has no id of its own");
    if (&span == trace.spans.data()) continue;
    const auto parent = known.find(span.parent);
    if (parent == known.end() || parent->second == &span) {
      faults.push_back(span.name + " has no parent before it");
    } else if (span.start < parent->second->start || span.end > parent->second->end) {
      faults.push_back(span.name + " reaches beyond " + parent->second->name);
    }
    if (parent != known.end() && span.error && !parent->second->error) faults.push_back(span.name + " failed, and what holds it did not");
  }
  return faults;
}

}  // namespace tidemark
