// What is wrong with the request goes before what is wrong with its wish: a stranger learns nothing of the pipelines.
#include "daemon/admin_routes.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "daemon/http_address.h"

namespace tidemark {

namespace {

constexpr std::string_view kPipelines = "/api/v1/pipelines/";

struct Target {
  std::string_view pipeline;
  PipelineAction action;
};

std::optional<Target> target_of(std::string_view path) {
  if (!path.starts_with(kPipelines)) return std::nullopt;
  path.remove_prefix(kPipelines.size());
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  const auto action = parse_pipeline_action(path.substr(slash + 1));
  if (!action) return std::nullopt;
  return Target{path.substr(0, slash), *action};
}

bool is_json(const std::optional<std::string>& content_type) {
  if (!content_type) return false;
  std::string type = content_type->substr(0, content_type->find(';'));
  while (type.ends_with(' ')) type.pop_back();
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type == "application/json";
}

std::optional<HttpResponse> refuse_stranger(const HttpRequest& request) {
  if (!request.host || !is_loopback_host(*request.host)) {
    return json_error(403, "the Host of this request is not this machine: ask 127.0.0.1, [::1] or localhost");
  }
  if (request.origin) return json_error(403, "pages in browsers have no business here");
  return std::nullopt;
}

int status_of(Ruling::Kind kind) {
  switch (kind) {
    case Ruling::Kind::kDone: return 200;
    case Ruling::Kind::kUnderWay: return 202;
    case Ruling::Kind::kRefused: return 409;
  }
  __builtin_unreachable();
}

}  // namespace

std::optional<HttpResponse> AdminRoutes::answer_at_once(const HttpRequest& request) {
  if (auto refused = refuse_stranger(request)) return refused;
  if (!target_of(request.path)) {
    return json_error(404, "there are POST /api/v1/pipelines/NAME/pause, /resume, /checkpoint and /drain");
  }
  if (request.method != "POST") {
    HttpResponse refused = json_error(405, "only POST");
    refused.allow = "POST";
    return refused;
  }
  if (!is_json(request.content_type)) return json_error(415, "send the header Content-Type: application/json");
  return std::nullopt;
}

HttpResponse AdminRoutes::answer(const HttpRequest& request) {
  const Target target = *target_of(request.path);
  const auto asked = control_.ask(target.pipeline, target.action);
  if (!asked) return json_error(404, fmt::format("there is no pipeline `{}`", target.pipeline));
  const Ruling& ruling = asked->ruling;
  if (ruling.kind == Ruling::Kind::kRefused) return json_error(409, fmt::format("{} {}", target.pipeline, ruling.why));
  return json_answer(status_of(ruling.kind), asked->status);
}

}  // namespace tidemark
