// Paths are compared as they are. JSON and metrics come whole from the status provider; the page for people is the same for
// all and asks for them.
#include "daemon/http_routes.h"

#include <fmt/format.h>

#include "base/safe_text.h"
#include "daemon/status_page.h"

namespace tidemark {

namespace {

constexpr std::string_view kPipelines = "/api/v1/pipelines";

HttpResponse yes_or_why(bool yes, const std::string& why) {
  if (yes) return {200, "text/plain; charset=utf-8", "ok\n"};
  return {503, "text/plain; charset=utf-8", why + "\n"};
}

HttpResponse json(int status, std::string body) { return {status, "application/json", std::move(body) + "\n"}; }

HttpResponse json_not_found(std::string_view message) {
  std::string body = R"({"error":)";
  append_quoted(message, body);
  return json(404, body + "}");
}

// `path` is what stands behind the list's own.
HttpResponse one_pipeline(StatusProvider& status, std::string_view path) {
  const std::string_view name = path.substr(0, path.find('/'));
  const std::string_view part = path.substr(name.size());
  if (part.empty()) {
    if (auto found = status.pipeline_json(name)) return json(200, std::move(*found));
  } else if (part == "/plan") {
    if (auto found = status.plan_json(name)) return json(200, std::move(*found));
  } else if (part == "/explain") {
    if (auto found = status.plan_text(name)) return {200, "text/plain; charset=utf-8", std::move(*found)};
  } else {
    return json_not_found("of a pipeline there are /plan and /explain");
  }
  return json_not_found(fmt::format("there is no pipeline `{}`; see {}", name, kPipelines));
}

}  // namespace

bool is_liveness_path(std::string_view path) { return path == "/livez"; }

HttpResponse answer_liveness(StatusProvider& status) {
  std::string why;
  const bool live = status.live(why);
  return yes_or_why(live, why);
}

HttpResponse answer(StatusProvider& status, std::string_view path) {
  if (path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", status.metrics_text()};
  if (path == "/readyz") {
    std::string why;
    const bool ready = status.ready(why);
    return yes_or_why(ready, why);
  }
  if (path == "/") return {200, "text/html; charset=utf-8", std::string(status_page())};
  if (path == kPipelines) return json(200, status.pipelines_json());
  if (path.starts_with(kPipelines) && path.substr(kPipelines.size()).starts_with('/')) {
    return one_pipeline(status, path.substr(kPipelines.size() + 1));
  }
  return json_not_found("no such page; there are /metrics, /livez, /readyz, /api/v1/pipelines and /");
}

}  // namespace tidemark
