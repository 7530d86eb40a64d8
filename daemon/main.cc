// The entry point: reads the command line and hands over to whoever carries the command out.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "config/reference.h"
#include "daemon/cli.h"
#include "daemon/demo.h"
#include "daemon/eval_command.h"
#include "daemon/health_command.h"
#include "daemon/pipeline_test/test_command.h"
#include "daemon/service.h"
#include "daemon/version.h"

namespace tidemark {
namespace {

void print(const Diagnostics& diagnostics) {
  for (const Diagnostic& d : diagnostics.all()) std::cerr << to_string(d) << "\n";
}

int carry_out(const RunCommand& command) { return run_service(command); }

int carry_out(const ValidateCommand& command) {
  Diagnostics diagnostics;
  const auto plans = load_plans(command.files, command.variables, diagnostics);
  print(diagnostics);
  if (!plans) return 2;
  for (const Plan& plan : *plans) std::cout << plan.file << ": pipeline " << plan.name << " is valid\n";
  return 0;
}

int carry_out(const ExplainCommand& command) {
  Diagnostics diagnostics;
  const auto plans = load_plans({command.file}, command.variables, diagnostics);
  print(diagnostics);
  if (!plans) return 2;
  for (const Plan& plan : *plans) std::cout << (command.json ? explain_json(plan) : explain(plan));
  return 0;
}

int carry_out(const TestCommand& command) { return test_command(command, std::cout, std::cerr); }

int carry_out(const DemoCommand& command) { return run_demo(command); }

int carry_out(const EvalCommand& command) { return eval_command(command, std::cin, std::cout); }

int carry_out(const HealthCommand& command) { return health_command(command, std::cout, std::cerr); }

int carry_out(const SchemaCommand&) {
  std::cout << json_schema() << "\n";
  return 0;
}

int carry_out(const VersionCommand&) {
  const BuildInfo build = build_info();
  std::cout << "tidemark " << build.version << " (librdkafka " << build.librdkafka << ", RocksDB " << build.rocksdb << ")\n";
  return 0;
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto command = tidemark::parse_command_line(
      arguments, tidemark::default_state_dir(std::getenv("XDG_STATE_HOME"), std::getenv("HOME")));
  if (!command) {
    std::cout << command.error().out;
    std::cerr << command.error().err;
    return command.error().code;
  }
  return std::visit([](const auto& c) { return tidemark::carry_out(c); }, *command);
}
