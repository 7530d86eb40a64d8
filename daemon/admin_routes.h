// What the admin port answers: POST actions on pipelines, for who is on this machine, and for no page in a browser. It
// knows no sockets, and of pipelines only what judges and does the actions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/http_protocol.h"
#include "daemon/pipeline_actions.h"

namespace tidemark {

struct ActionAnswer {
  Ruling ruling;
  std::string status;  // of the pipeline, as the API tells it: a JSON object
};

class PipelineControl {
 public:
  virtual ~PipelineControl() = default;
  // Nothing where there is no pipeline of that name. What is granted may take its time; the answer does not.
  virtual std::optional<ActionAnswer> ask(std::string_view pipeline, PipelineAction action) = 0;
};

// `POST /api/v1/pipelines/NAME/ACTION`, answered with the pipeline's status: 200 where it is so already, 202 where it is
// being done, 409 where its state does not allow it.
//
// The port is open to all that runs on this machine, browsers included, and those run what any page says. So it takes no
// request that names an origin or a host that is not loopback (a name that was made to point here), and none without a
// content type that a page can send to strangers only after asking, which is refused here.
class AdminRoutes final : public HttpHandler {
 public:
  // `control` outlives it, and is called from one thread.
  explicit AdminRoutes(PipelineControl& control) : control_(control) {}
  std::optional<HttpResponse> answer_at_once(const HttpRequest& request) override;
  HttpResponse answer(const HttpRequest& request) override;

 private:
  PipelineControl& control_;
};

}  // namespace tidemark
