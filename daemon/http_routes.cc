// Paths are compared as they are. JSON and metrics come whole from the status provider; the page for people is the same for
// all and asks for them.
#include "daemon/http_routes.h"

#include <fmt/format.h>

#include "daemon/status_page.h"

namespace tidemark {

namespace {

constexpr std::string_view kPipelines = "/api/v1/pipelines";
constexpr const char* kText = "text/plain; charset=utf-8";

HttpResponse yes_or_why(bool yes, const std::string& why) {
  if (yes) return {200, kText, "ok\n", ""};
  return {503, kText, why + "\n", ""};
}

// `path` is what stands behind the list's own.
HttpResponse one_pipeline(StatusProvider& status, std::string_view path) {
  const std::string_view name = path.substr(0, path.find('/'));
  const std::string_view part = path.substr(name.size());
  if (part.empty()) {
    if (auto found = status.pipeline_json(name)) return json_answer(200, std::move(*found));
  } else if (part == "/plan") {
    if (auto found = status.plan_json(name)) return json_answer(200, std::move(*found));
  } else if (part == "/explain") {
    if (auto found = status.plan_text(name)) return {200, kText, std::move(*found), ""};
  } else {
    return json_error(404, "of a pipeline there are /plan and /explain");
  }
  return json_error(404, fmt::format("there is no pipeline `{}`; see {}", name, kPipelines));
}

}  // namespace

std::optional<HttpResponse> StatusRoutes::answer_at_once(const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return HttpResponse{405, kText, "only GET and HEAD\n", "GET, HEAD"};
  }
  std::string why;
  if (request.path == "/livez") return yes_or_why(status_.live(why), why);
  if (request.path == "/readyz") return yes_or_why(status_.ready(why), why);
  return std::nullopt;
}

HttpResponse StatusRoutes::answer(const HttpRequest& request) {
  const std::string_view path = request.path;
  if (path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", status_.metrics_text(), ""};
  if (path == "/") return {200, "text/html; charset=utf-8", std::string(status_page()), ""};
  if (path == kPipelines) return json_answer(200, status_.pipelines_json());
  if (path.starts_with(kPipelines) && path.substr(kPipelines.size()).starts_with('/')) {
    return one_pipeline(status_, path.substr(kPipelines.size() + 1));
  }
  return json_error(404, "no such page; there are /metrics, /livez, /readyz, /api/v1/pipelines and /");
}

}  // namespace tidemark
