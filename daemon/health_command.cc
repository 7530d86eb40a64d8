// One request, and what was answered as an exit code. How it is asked is not known here.
#include "daemon/health_command.h"

#include <ostream>

#include "daemon/http_client.h"

namespace tidemark {

int health_command(const HealthCommand& command, std::ostream& out, std::ostream& err, Duration within) {
  const auto answer = ask_http(command.http, {.path = command.ready ? "/readyz" : "/livez"}, within);
  if (!answer) return err << "tidemark: " << answer.error().message << "\n", 1;
  if (answer->status == 200) return out << answer->body, 0;
  return err << "tidemark: " << to_string(command.http) << " answers " << answer->status << ": " << answer->body, 1;
}

}  // namespace tidemark
