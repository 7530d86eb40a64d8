// What the admin port answers to whom. The server around it is tested with the ordinary port.
#include "daemon/admin_routes.h"

#include <optional>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace tidemark {

namespace {

struct FakeControl final : PipelineControl {
  std::optional<ActionAnswer> ask(std::string_view pipeline, PipelineAction action) override {
    asked.push_back(std::string(to_string(action)) + " " + std::string(pipeline));
    if (pipeline != "shop") return std::nullopt;
    return ActionAnswer{ruling, R"({"name":"shop","state":"draining"})"};
  }
  Ruling ruling{Ruling::Kind::kUnderWay, Wish::kPaused, ""};
  std::vector<std::string> asked;
};

using Values = std::vector<std::optional<std::string>>;

HttpRequest post(const std::string& path) {
  return {"POST", path, "127.0.0.1:9465", std::nullopt, "application/json"};
}

struct Fixture {
  FakeControl control;
  AdminRoutes routes{control};

  // As the server asks.
  HttpResponse ask(const HttpRequest& request) {
    if (auto answer = routes.answer_at_once(request)) return *answer;
    return routes.answer(request);
  }
};

}  // namespace

TEST_CASE("each action is asked of its pipeline, and answered with the pipeline's status") {
  Fixture f;
  for (const std::string action : {"pause", "resume", "checkpoint", "drain"}) {
    const HttpResponse answer = f.ask(post("/api/v1/pipelines/shop/" + action));
    CHECK(answer.status == 202);
    CHECK(answer.content_type == "application/json");
    CHECK(answer.body == "{\"name\":\"shop\",\"state\":\"draining\"}\n");
    CHECK(f.control.asked.back() == action + " shop");
  }
  f.control.ruling.kind = Ruling::Kind::kDone;
  CHECK(f.ask(post("/api/v1/pipelines/shop/pause")).status == 200);
  f.control.ruling = {Ruling::Kind::kRefused, Wish::kRunning, "is ended"};
  const HttpResponse refused = f.ask(post("/api/v1/pipelines/shop/pause"));
  CHECK(refused.status == 409);
  CHECK(refused.body == "{\"error\":\"shop is ended\"}\n");
}

TEST_CASE("what is not there, and what is not asked in the right way, is refused and done to nobody") {
  Fixture f;
  for (const char* path : {"/", "/api/v1/pipelines", "/api/v1/pipelines/", "/api/v1/pipelines/shop",
                           "/api/v1/pipelines/shop/", "/api/v1/pipelines/shop/stop", "/api/v1/pipelines/shop/pause/now",
                           "/api/v1/pipelines//pause", "/metrics"}) {
    INFO(path);
    CHECK(f.ask(post(path)).status == 404);
  }
  for (const char* method : {"GET", "HEAD", "PUT", "OPTIONS", "DELETE", "post"}) {
    HttpRequest request = post("/api/v1/pipelines/shop/pause");
    request.method = method;
    const HttpResponse refused = f.ask(request);
    CHECK(refused.status == 405);
    CHECK(refused.allow == "POST");
  }
  CHECK(f.control.asked.empty());
  const HttpResponse unknown = f.ask(post("/api/v1/pipelines/nobody/pause"));
  CHECK(unknown.status == 404);
  CHECK(unknown.body == "{\"error\":\"there is no pipeline `nobody`\"}\n");
}

TEST_CASE("pages in browsers get nowhere, whatever name they give this machine") {
  Fixture f;
  const HttpRequest good = post("/api/v1/pipelines/shop/drain");
  const Values hosts = {std::nullopt, "evil.example", "evil.example:9465", "10.0.0.7:9465", ""};
  for (const auto& host : hosts) {
    HttpRequest request = good;
    request.host = host;
    CHECK(f.ask(request).status == 403);
  }
  for (const char* origin : {"http://evil.example", "null", "", "http://127.0.0.1:9465"}) {
    HttpRequest request = good;
    request.origin = origin;
    CHECK(f.ask(request).status == 403);
  }
  const Values types = {std::nullopt, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                        "text/plain; application/json"};
  for (const auto& type : types) {
    HttpRequest request = good;
    request.content_type = type;
    CHECK(f.ask(request).status == 415);
  }
  CHECK(f.control.asked.empty());
  for (const char* type : {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ; x"}) {
    HttpRequest request = good;
    request.content_type = type;
    CHECK(f.ask(request).status == 202);
  }
}

}  // namespace tidemark
