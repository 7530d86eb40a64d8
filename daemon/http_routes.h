// What each path of the ordinary port answers, from what the daemon says about itself: to read and no more. It knows no
// sockets and no threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/http_protocol.h"

namespace tidemark {

// What the daemon says about itself. live() and ready() answer at once, as HttpHandler::answer_at_once() has to; the others
// may take their time. `why` is one line, filled when the answer is no.
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

// `status` outlives it.
class StatusRoutes final : public HttpHandler {
 public:
  explicit StatusRoutes(StatusProvider& status) : status_(status) {}
  // Probes and refusals: nothing that others ask for is in their way.
  std::optional<HttpResponse> answer_at_once(const HttpRequest& request) override;
  HttpResponse answer(const HttpRequest& request) override;

 private:
  StatusProvider& status_;
};

}  // namespace tidemark
