// Paths are compared as they are. JSON and metrics come whole from the status provider; only the front page is put
// together here, from names that are escaped.
#include "daemon/http_routes.h"

#include <fmt/format.h>

#include "base/safe_text.h"

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

HttpResponse one_pipeline(StatusProvider& status, std::string_view name) {
  std::optional<std::string> found = status.pipeline_json(name);
  if (!found) return json_not_found(fmt::format("there is no pipeline `{}`; see {}", name, kPipelines));
  return json(200, std::move(*found));
}

HttpResponse front_page(StatusProvider& status) {
  std::string rows;
  for (const StatusProvider::Pipeline& pipeline : status.pipelines()) {
    rows += fmt::format("<tr><td><a href=\"{}/{}\">{}</a></td><td>{}</td></tr>\n", kPipelines,
                        percent_encode(pipeline.name), escape_html(pipeline.name), escape_html(pipeline.state));
  }
  return {200, "text/html; charset=utf-8",
          fmt::format("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tidemark</title>\n"
                      "<style>body{{font:16px sans-serif;margin:2em}}td,th{{text-align:left;padding:.2em 1em .2em 0}}"
                      "</style></head><body>\n<h1>Tidemark</h1>\n<table>\n<tr><th>Pipeline</th><th>State</th></tr>\n"
                      "{}</table>\n<p><a href=\"/metrics\">metrics</a> · <a href=\"{}\">pipelines as JSON</a> · "
                      "<a href=\"/readyz\">ready?</a> · <a href=\"/livez\">live?</a></p>\n</body></html>\n",
                      rows, kPipelines)};
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
  if (path == "/") return front_page(status);
  if (path == kPipelines) return json(200, status.pipelines_json());
  if (path.starts_with(kPipelines) && path.substr(kPipelines.size()).starts_with('/')) {
    return one_pipeline(status, path.substr(kPipelines.size() + 1));
  }
  return json_not_found("no such page; there are /metrics, /livez, /readyz, /api/v1/pipelines and /");
}

}  // namespace tidemark
