// Answers come line by line, each flushed, so that another program can hold a conversation. Takes JSON apart and
// chooses the exit code; evaluating is the expressions' own.
#include "daemon/eval_command.h"

#include <istream>
#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

#include "operators/expr/expr.h"

namespace tidemark {
namespace {

// One {"expr": ..., "vars": {...}}; nothing when it is not that.
std::optional<std::string> answer_line(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("expr") || !json["expr"].is_string()) return std::nullopt;
  const std::string vars = json.contains("vars") ? json["vars"].dump() : "{}";
  return expr::eval_to_json(json["expr"].get<std::string>(), vars);
}

}  // namespace

int eval_command(const EvalCommand& command, std::istream& in, std::ostream& out) {
  if (!command.lines) {
    const std::string answer = expr::eval_to_json(command.expression, command.vars_json.empty() ? "{}" : command.vars_json);
    out << answer << "\n";
    return nlohmann::json::parse(answer).contains("error") ? 1 : 0;
  }
  int code = 0;
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty()) continue;
    const auto answer = answer_line(line);
    if (!answer) code = 1;
    out << answer.value_or(R"({"error":"the line is no JSON object with an \"expr\""})") << "\n" << std::flush;
  }
  return code;
}

}  // namespace tidemark
