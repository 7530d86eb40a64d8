// The command line, read into plain structs. It starts nothing and opens nothing: whether a file exists or a pipeline
// is right is for those who run the command.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "daemon/http_address.h"
#include "daemon/otlp_settings.h"

namespace tidemark {

enum class UntilEnd {
  kNo,
  kClose,     // close every window; a later run of that name is refused
  kKeepOpen,  // leave unfinished windows open; a later run goes on
};

// `--set KEY=VALUE`: what ${KEY} in a pipeline file stands for; goes before the environment. The last of a KEY counts.
using Variables = std::map<std::string, std::string>;

struct RunCommand {
  std::vector<std::string> files;  // at least one
  UntilEnd until_end = UntilEnd::kNo;
  HttpAddress http;
  HttpAddress admin{false, "127.0.0.1", 0};  // on loopback, or off
  std::string state_dir;
  std::string instance = "0";            // 1 to 64 of [A-Za-z0-9._-], beginning with a letter or digit
  std::optional<uint64_t> memory_bytes;  // nothing: default_memory_budget
  std::optional<int> threads;            // nothing: all cores
  Variables variables;
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  OtlpChoice otlp;                       // where traces go
  bool reset_state = false;
  bool accept_loss = false;
  bool reveal_keys = false;
  bool fail_fast = false;
};

struct ValidateCommand {
  std::vector<std::string> files;  // at least one
  Variables variables;
};

struct ExplainCommand {
  std::string file;
  Variables variables;
  bool json = false;
};

struct TestCommand {
  std::vector<std::string> files;  // at least one
  Variables variables;
  bool update = false;             // write the rows that came into the files
  std::string junit;               // a file for the results as JUnit's XML; empty: none
};

struct DemoCommand {
  HttpAddress http;                 // where its port is taken, another one
  std::optional<Duration> seconds;  // nothing: until a signal
  bool print = false;               // the pipeline file, and nothing else
};

struct EvalCommand {
  std::string expression;  // empty only with `lines`
  std::string vars_json;   // empty if not given
  bool lines = false;      // expressions and variables come as JSON lines on standard input
};

struct HealthCommand {
  HttpAddress http;    // where the process listens; never off
  bool ready = false;  // whether it is ready, too, and not only alive
};

struct SchemaCommand {};
struct VersionCommand {};

using Command = std::variant<RunCommand, ValidateCommand, ExplainCommand, TestCommand, DemoCommand, EvalCommand,
                             HealthCommand, SchemaCommand, VersionCommand>;

// What to print and how to exit where there is nothing to run: help (0), or a refusal (2).
struct CliExit {
  int code = 0;
  std::string out;  // for standard output
  std::string err;  // for standard error
};

// `arguments` without the program's name. `default_state_dir` is what `--state-dir` is when it is not given.
std::expected<Command, CliExit> parse_command_line(std::span<const std::string> arguments,
                                                   const std::string& default_state_dir);

// $XDG_STATE_HOME/tidemark, or ~/.local/state/tidemark, or ./tidemark-state where there is no home. Null: not set.
std::string default_state_dir(const char* xdg_state_home, const char* home);

}  // namespace tidemark
