// What each path answers, from what the daemon says about itself. It knows no sockets and no threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/http_protocol.h"

namespace tidemark {

// What the daemon says about itself. live() is called by the thread that serves all connections, so it must answer at
// once from atomics: no lock that is held across work, no I/O, never Kafka. The others are called by one other thread
// and may take their time. `why` is one line, filled when the answer is no.
class StatusProvider {
 public:
  virtual ~StatusProvider() = default;
  virtual bool live(std::string& why) = 0;
  virtual bool ready(std::string& why) = 0;
  virtual std::string metrics_text() = 0;  // Prometheus text format
  virtual std::string pipelines_json() = 0;
  // Of one pipeline; nothing where there is none of that name. The plan is what `tidemark explain` says: no secrets.
  virtual std::optional<std::string> pipeline_json(std::string_view name) = 0;
  virtual std::optional<std::string> plan_json(std::string_view name) = 0;
  virtual std::optional<std::string> plan_text(std::string_view name) = 0;
};

// `/livez` alone.
bool is_liveness_path(std::string_view path);
HttpResponse answer_liveness(StatusProvider& status);

// Every other path, for GET and HEAD.
HttpResponse answer(StatusProvider& status, std::string_view path);

}  // namespace tidemark
