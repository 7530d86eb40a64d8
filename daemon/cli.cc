// One table of commands: CLI11 splits the words and writes the help, and values, messages and exit codes are judged
// here. What a value refers to is not looked at.
#include "daemon/cli.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/diagnostic.h"
#include "base/error.h"

namespace tidemark {

namespace {

constexpr int64_t kLeastMemory = int64_t{16} << 20;
constexpr int kMostThreads = 256;  // each has a fetch queue of its own
constexpr int kMostSeconds = 86'400;
constexpr size_t kLongestInstance = 64;

constexpr const char* kExamples = R"(
Examples:
  tidemark demo                                  windows on the terminal in a minute, no Kafka needed
  tidemark validate purchases.yaml               everything that is wrong with it, at once
  tidemark test purchases.yaml                   runs its tests, no Kafka needed
  tidemark run purchases.yaml                    until SIGTERM; metrics on http://127.0.0.1:9464/metrics
  tidemark run purchases.yaml --until-end        read what is there, close every window, exit
  tidemark run *.yaml --http 0.0.0.0:9464 --state-dir /var/lib/tidemark --memory 2GiB
  tidemark eval 'a + 1 > 3' --vars '{"a": 3}'

`tidemark COMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 refused.)";

constexpr const char* kRunExamples = R"(
Examples:
  tidemark run purchases.yaml                    until SIGTERM, which drains; SIGKILL loses nothing
  tidemark run purchases.yaml --until-end        backfill or test: close every window, commit, exit 0
  tidemark run purchases.yaml --set KAFKA_BROKERS=kafka:9092 --log-format json
  tidemark run *.yaml --http 0.0.0.0:9464 --state-dir /var/lib/tidemark --memory 2GiB)";

constexpr const char* kTestExamples = R"(
Examples:
  tidemark test purchases.yaml                   its `tests:`, on the real engine, in milliseconds each
  tidemark test *.yaml --junit report.xml        in CI; exit 1 if a test fails, 2 if a file is wrong
  tidemark test purchases.yaml --update          take the rows that come for those that are expected)";

constexpr const char* kDemoExamples = R"(
Examples:
  tidemark demo                                  until Ctrl-C
  tidemark demo --seconds 20 > rows.jsonl        rows into a file, the rest stays on standard error
  tidemark demo --print > demo.yaml              the pipeline file; the next line runs it on your Kafka
  tidemark run demo.yaml --set KAFKA_BROKERS=kafka:9092)";

constexpr const char* kHealthExamples = R"(
Examples:
  tidemark health                                exit 0 while every pipeline's loop moves, as /livez says
  tidemark health --ready --http tidemark-0:9464 exit 0 when every pipeline is assigned, restored and running

Exit codes: 0 yes, 1 no or no answer.)";

constexpr const char* kEvalExamples = R"(
Examples:
  tidemark eval 'a + 1 > 3' --vars '{"a": 3}'
  tidemark eval -- '-a' --vars '{"a": 3}'
  echo '{"expr": "a + 1", "vars": {"a": 3}}' | tidemark eval --lines)";

// What the options say, as text: the library only splits; meaning is given below, with our own messages.
struct Raw {
  std::vector<std::string> files;
  std::string until_end;
  std::string http = to_string(HttpAddress{});
  std::string admin = "off";
  std::string state_dir;
  std::string instance = "0";
  std::string memory;
  std::string threads;
  std::string seconds;
  std::vector<std::string> set;
  std::string log_format = "text";
  std::string log_level = "info";
  std::string otlp;
  bool print = false;
  bool ready = false;
  bool json = false;
  bool reset_state = false;
  bool accept_loss = false;
  bool reveal_keys = false;
  bool fail_fast = false;
  std::string expression;
  std::string vars;
  bool lines = false;
  bool update = false;
  std::string junit;
  bool version = false;
};

bool is_word(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string_view nearest = nearest_word(word, candidates);
  return nearest.empty() ? "" : fmt::format("; did you mean `{}`?", nearest);
}

Result<UntilEnd> parse_until_end(const std::string& text) {
  if (text.empty()) return UntilEnd::kNo;
  if (text == "close") return UntilEnd::kClose;
  if (text == "keep-open") return UntilEnd::kKeepOpen;
  return user_error(fmt::format("--until-end: `{}` is not known; write --until-end or --until-end=keep-open", text));
}

Result<std::optional<uint64_t>> parse_memory(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::optional<int64_t> bytes = parse_size(text);
  if (!bytes) return user_error(fmt::format("--memory: `{}` is no size; write it as 512MiB or 4GiB", text));
  if (*bytes < kLeastMemory) {
    return user_error(fmt::format("--memory: {} is too little; {} is the least", text, format_size(kLeastMemory)));
  }
  return static_cast<uint64_t>(*bytes);
}

Result<std::optional<int>> parse_threads(const std::string& text) {
  if (text.empty()) return std::nullopt;
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n < 1 || n > kMostThreads) {
    return user_error(fmt::format("--threads: `{}` is no number from 1 to {}", text, kMostThreads));
  }
  return n;
}

Result<std::optional<Duration>> parse_seconds(const std::string& text) {
  if (text.empty()) return std::nullopt;
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n < 1 || n > kMostSeconds) {
    return user_error(fmt::format("--seconds: `{}` is no number from 1 to {}", text, kMostSeconds));
  }
  return Duration::seconds(n);
}

Result<LogFormat> check_log_format(const std::string& text) {
  if (const auto format = parse_log_format(text)) return *format;
  return user_error(fmt::format("--log-format: `{}` is not known; write text or json", text));
}

Result<LogLevel> check_log_level(const std::string& text) {
  if (const auto level = parse_log_level(text)) return *level;
  return user_error(fmt::format("--log-level: `{}` is not known; write debug, info, warn or error", text));
}

// The name goes into transactional ids, group instance ids and paths.
Result<std::string> check_instance(const std::string& text) {
  const bool fits = !text.empty() && text.size() <= kLongestInstance;
  if (fits && is_word(text, "._-") && is_word(text.substr(0, 1), "")) return text;
  return user_error(fmt::format("--instance: `{}` is no instance id; it is 1 to {} letters, digits, `.`, `_` and `-`, "
                                "and begins with a letter or digit", text, kLongestInstance));
}

Result<HttpAddress> check_http(const std::string& text) {
  Result<HttpAddress> address = parse_http_address(text);
  if (!address) address.error().message.insert(0, "--http: ");
  return address;
}

Result<OtlpChoice> check_otlp(const std::string& text) {
  if (text.empty()) return OtlpChoice{};
  Result<OtlpChoice> choice = parse_otlp_choice(text);
  if (!choice) choice.error().message.insert(0, "--otlp: ");
  return choice;
}

// Whoever reaches the port may stop pipelines, and nobody is asked who he is.
Result<HttpAddress> check_admin(const std::string& text) {
  Result<HttpAddress> address = parse_http_address(text);
  if (!address) {
    return user_error(fmt::format("--admin: `{}` is no address: write 127.0.0.1:PORT, :PORT, or off", text));
  }
  if (!address->on) return HttpAddress{false, "127.0.0.1", 0};
  if (is_loopback(*address)) return address;
  return user_error(fmt::format("--admin: {} can be reached from other machines; write 127.0.0.1:{}, and come to it from "
                                "elsewhere by ssh -L or kubectl port-forward", to_string(*address), address->port));
}

Result<Variables> check_variables(const std::vector<std::string>& settings) {
  Variables variables;
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    const std::string key = setting.substr(0, equals);
    if (equals == std::string::npos || key.empty()) {
      return user_error(fmt::format("--set: `{}` is not KEY=VALUE", setting));
    }
    if (!is_word(key, "_") || (key[0] >= '0' && key[0] <= '9')) {
      return user_error(fmt::format("--set: `{}` cannot be the name in ${{NAME}}; it is made of letters, digits and "
                                    "`_` and does not begin with a digit", key));
    }
    variables[key] = setting.substr(equals + 1);
  }
  return variables;
}

// Takes the value, or keeps the error where none came before.
template <class T>
void take(Result<T> from, T& to, Status& status) {
  if (from) {
    to = std::move(*from);
  } else if (status) {
    status = std::unexpected(std::move(from.error()));
  }
}

template <class T>
Result<Command> unless_refused(T command, const Status& status) {
  if (!status) return std::unexpected(status.error());
  return command;
}

Result<Command> make_run(const Raw& raw) {
  RunCommand run;
  run.files = raw.files;
  run.state_dir = raw.state_dir;
  run.reset_state = raw.reset_state;
  run.accept_loss = raw.accept_loss;
  run.reveal_keys = raw.reveal_keys;
  run.fail_fast = raw.fail_fast;
  Status status;
  take(parse_until_end(raw.until_end), run.until_end, status);
  take(check_http(raw.http), run.http, status);
  take(check_admin(raw.admin), run.admin, status);
  take(check_instance(raw.instance), run.instance, status);
  take(parse_memory(raw.memory), run.memory_bytes, status);
  take(parse_threads(raw.threads), run.threads, status);
  take(check_variables(raw.set), run.variables, status);
  take(check_log_format(raw.log_format), run.log_format, status);
  take(check_log_level(raw.log_level), run.log_level, status);
  take(check_otlp(raw.otlp), run.otlp, status);
  if (status && run.state_dir.empty()) status = user_error("--state-dir: the folder's name is empty");
  return unless_refused(std::move(run), status);
}

Result<Command> make_validate(const Raw& raw) {
  ValidateCommand validate{raw.files, {}};
  Status status;
  take(check_variables(raw.set), validate.variables, status);
  return unless_refused(std::move(validate), status);
}

Result<Command> make_explain(const Raw& raw) {
  if (raw.files.size() > 1) {
    return user_error(fmt::format("`tidemark explain` takes one FILE; `{}` is one too many", raw.files[1]));
  }
  ExplainCommand explain{raw.files[0], {}, raw.json};
  Status status;
  take(check_variables(raw.set), explain.variables, status);
  return unless_refused(std::move(explain), status);
}

Result<Command> make_test(const Raw& raw) {
  TestCommand test{raw.files, {}, raw.update, raw.junit};
  Status status;
  take(check_variables(raw.set), test.variables, status);
  return unless_refused(std::move(test), status);
}

Result<Command> make_demo(const Raw& raw) {
  DemoCommand demo;
  demo.print = raw.print;
  Status status;
  take(check_http(raw.http), demo.http, status);
  take(parse_seconds(raw.seconds), demo.seconds, status);
  return unless_refused(std::move(demo), status);
}

Result<Command> make_eval(const Raw& raw) {
  if (raw.lines && !(raw.expression.empty() && raw.vars.empty())) {
    return user_error("--lines reads expressions and variables from standard input: leave EXPR and --vars out");
  }
  if (!raw.lines && raw.expression.empty()) {
    return user_error("`tidemark eval` needs an expression, such as tidemark eval '1 + 2', or --lines");
  }
  return EvalCommand{raw.expression, raw.vars, raw.lines};
}

Result<Command> make_health(const Raw& raw) {
  HealthCommand health{{}, raw.ready};
  Status status;
  take(check_http(raw.http), health.http, status);
  if (status && !health.http.on) status = user_error("--http: `off` cannot be asked");
  return unless_refused(std::move(health), status);
}

Result<Command> make_schema(const Raw&) { return SchemaCommand{}; }
Result<Command> make_version(const Raw&) { return VersionCommand{}; }

void add_files(CLI::App& command, Raw& raw, const char* what) {
  command.add_option("FILE", raw.files, what)->type_name("");
}

void add_set(CLI::App& command, Raw& raw) {
  command.add_option("--set", raw.set, "What ${KEY} in the file stands for, before the environment; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_http(CLI::App& command, Raw& raw) {
  command
      .add_option("--http", raw.http,
                  "Where /metrics, /livez, /readyz and the API listen: HOST:PORT, :PORT (on loopback; 0 picks one), "
                  "or off")
      ->type_name("ADDR")
      ->capture_default_str();
}

void add_run_options(CLI::App& run, Raw& raw) {
  add_files(run, raw, "Pipeline files, each a pipeline of its own");
  run.add_flag("--until-end{close}", raw.until_end,
               "Read until the ends that the topics have now, close every window, commit and exit 0; with =keep-open "
               "unfinished windows stay open for a later run");
  add_http(run, raw);
  run.add_option("--admin", raw.admin,
                 "Where pipelines are told to pause, resume, checkpoint and drain: an address of this machine alone, such "
                 "as 127.0.0.1:9465, or off")
      ->type_name("ADDR")
      ->capture_default_str();
  run.add_option("--state-dir", raw.state_dir, "Where state and checkpoints live")
      ->type_name("DIR")
      ->capture_default_str();
  run.add_option("--instance", raw.instance, "Which of several instances of these pipelines this is")
      ->type_name("ID")
      ->capture_default_str();
  run.add_option("--memory", raw.memory,
                 "Budget for state, caches and queues of all pipelines, such as 512MiB; default: 60% of the cgroup's "
                 "limit or of the machine")
      ->type_name("SIZE");
  run.add_option("--threads", raw.threads, "Worker threads; default: all cores")->type_name("N");
  add_set(run, raw);
  run.add_option("--log-format", raw.log_format, "text or json, on standard error")
      ->type_name("FORMAT")
      ->capture_default_str();
  run.add_option("--log-level", raw.log_level, "The least that is told: debug, info, warn or error")
      ->type_name("LEVEL")
      ->capture_default_str();
  run.add_option("--otlp", raw.otlp,
                 "Send traces of checkpoints to this collector (OTLP over HTTP), such as http://localhost:4318, or off; default: "
                 "what OTEL_EXPORTER_OTLP_ENDPOINT says")
      ->type_name("URL");
  run.add_flag("--reset-state", raw.reset_state, "Forget state and committed positions, and begin anew");
  run.add_flag("--accept-loss", raw.accept_loss,
               "Go on where records or a checkpoint are gone, and count what was lost");
  run.add_flag("--reveal-keys", raw.reveal_keys,
               "Show hot keys over the API and on the page in plain text; without it, and in metrics and logs, there are only "
               "their hashes");
  run.add_flag("--fail-fast", raw.fail_fast, "Exit as soon as one pipeline fails for good");
  run.footer(kRunExamples);
}

void add_explain_options(CLI::App& explain, Raw& raw) {
  add_files(explain, raw, "A pipeline file");
  explain.add_flag("--json", raw.json, "The same as JSON, for programs");
  add_set(explain, raw);
}

void add_test_options(CLI::App& test, Raw& raw) {
  add_files(test, raw, "Pipeline files with `tests:`");
  test.add_flag("--update", raw.update, "Write the rows that came into the files, where others were expected");
  test.add_option("--junit", raw.junit, "Write the results as JUnit XML, too")->type_name("FILE");
  add_set(test, raw);
  test.footer(kTestExamples);
}

void add_demo_options(CLI::App& demo, Raw& raw) {
  add_http(demo, raw);
  demo.add_option("--seconds", raw.seconds, "End by itself after so many seconds; default: at Ctrl-C")->type_name("N");
  demo.add_flag("--print", raw.print, "Print the pipeline file that the demo runs, and exit");
  demo.footer(kDemoExamples);
}

void add_eval_options(CLI::App& eval, Raw& raw) {
  eval.add_option("EXPR", raw.expression, "A CEL expression; after `--` if it begins with `-`")->type_name("");
  eval.add_option("--vars", raw.vars, "Its variables, as a JSON object")->type_name("JSON");
  eval.add_flag("--lines", raw.lines, R"(A stream of {"expr":..., "vars":{...}} on standard input, one answer a line)");
  eval.footer(kEvalExamples);
}

void add_health_options(CLI::App& health, Raw& raw) {
  health.add_option("--http", raw.http, "Where the process listens, as its own --http says")
      ->type_name("ADDR")
      ->capture_default_str();
  health.add_flag("--ready", raw.ready, "Whether it is ready, and not only alive");
  health.footer(kHealthExamples);
}

// Writes an optional value as people write it, not as it was declared.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    const std::string name = CLI::Formatter::make_option_name(option, is_positional);
    return name == "--until-end{close}" ? "--until-end[=keep-open]" : name;
  }
};

// A command: its word, what it is for, its options, and what becomes of them.
struct Verb {
  const char* name;
  const char* summary;
  bool needs_file;
  void (*add_options)(CLI::App&, Raw&);
  Result<Command> (*make)(const Raw&);
};

constexpr Verb kVerbs[] = {
    {"run", "Run pipelines until SIGTERM, or until the end of their topics", true, add_run_options, make_run},
    {"validate", "Check pipeline files and show all errors at once", true,
     [](CLI::App& app, Raw& raw) { add_files(app, raw, "Pipeline files"), add_set(app, raw); }, make_validate},
    {"explain", "Draw the plan of a pipeline: stages, keys, state, lanes, guarantees, what restarts cost", true,
     add_explain_options, make_explain},
    {"test", "Run the tests in pipeline files, without a broker", true, add_test_options, make_test},
    {"demo", "An embedded broker, a generator, a pipeline and its results on the terminal", false, add_demo_options,
     make_demo},
    {"eval", "Evaluate one expression: its type and value as JSON", false, add_eval_options, make_eval},
    {"health", "Ask a running process whether it is alive, or ready", false, add_health_options, make_health},
    {"schema", "Print the JSON Schema of the pipeline file, for editors", false, [](CLI::App&, Raw&) {}, make_schema},
    {"version", "Print the version", false, [](CLI::App&, Raw&) {}, make_version},
};

std::vector<std::string_view> verb_names() {
  std::vector<std::string_view> names;
  for (const Verb& verb : kVerbs) names.emplace_back(verb.name);
  return names;
}

CliExit refusal(std::string_view message, std::string_view command = {}) {
  const std::string help = command.empty() ? "tidemark --help" : fmt::format("tidemark {} --help", command);
  return {2, "", fmt::format("tidemark: {}\nsee {}\n", message, help)};
}

CliExit unknown_word(const std::string& word) {
  if (word.starts_with('-')) {
    return refusal(fmt::format("`{}` is no option before the command; write tidemark COMMAND [OPTIONS]", word));
  }
  return refusal(fmt::format("there is no command `{}`{}", word, did_you_mean(word, verb_names())));
}

// What a command did not take: an option that it does not have, or a word too many.
CliExit unknown_argument(const CLI::App& command, const std::string& argument) {
  if (!argument.starts_with('-')) {
    return refusal(fmt::format("`tidemark {}` has no use for `{}`", command.get_name(), argument), command.get_name());
  }
  const std::string word = argument.substr(0, argument.find('='));
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) names.push_back(option->get_name());
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string name = command.get_name(), meant = did_you_mean(word, candidates);
  if (name == "eval" && meant.empty()) {
    return refusal(fmt::format("`tidemark eval` has no option `{0}`; where that is an expression, write "
                               "tidemark eval -- '{0}'", argument), name);
  }
  if (std::ranges::find(names, word) != names.end()) {
    return refusal(fmt::format("`{}` stands behind `--`, where options end; write it before", word), name);
  }
  return refusal(fmt::format("`tidemark {}` has no option `{}`{}", name, word, meant), name);
}

// The first word that nothing took. The library counts the mark in front of positionals among them.
std::optional<std::string> first_left_over(const CLI::App& app) {
  for (const std::string& word : app.remaining()) {
    if (word != "--") return word;
  }
  return std::nullopt;
}

// `help` and `help COMMAND` are what people try first.
std::vector<std::string> without_help_word(std::span<const std::string> arguments) {
  std::vector<std::string> words(arguments.begin(), arguments.end());
  if (!words.empty() && words[0] == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  return words;
}

void add_commands(CLI::App& app, Raw& raw) {
  app.require_subcommand(0, 1);
  app.allow_extras();
  const auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(32);
  formatter->label("SUBCOMMAND", "COMMAND");
  app.formatter(formatter);
  app.footer(kExamples);
  app.add_flag("--version", raw.version, "Print the version");
  for (const Verb& verb : kVerbs) {
    CLI::App* command = app.add_subcommand(verb.name, verb.summary);
    command->allow_extras();
    command->footer("");  // not the one above
    command->group("Commands");
    verb.add_options(*command, raw);
  }
}

// After the split: the command that was named, with all that it needs and nothing else.
std::expected<Command, CliExit> interpret(const CLI::App& app, const Raw& raw) {
  if (raw.version) return VersionCommand{};
  if (const auto word = first_left_over(app)) return std::unexpected(unknown_word(*word));
  if (app.get_subcommands().empty()) return std::unexpected(CliExit{2, "", app.help()});
  const CLI::App& command = *app.get_subcommands().front();
  if (const auto word = first_left_over(command)) return std::unexpected(unknown_argument(command, *word));
  const std::string name = command.get_name();
  const Verb& verb = *std::find_if(std::begin(kVerbs), std::end(kVerbs), [&](const Verb& v) { return v.name == name; });
  if (verb.needs_file && raw.files.empty()) {
    return std::unexpected(refusal(fmt::format("`tidemark {}` needs a FILE", name), name));
  }
  Result<Command> made = verb.make(raw);
  if (!made) return std::unexpected(refusal(made.error().message, name));
  return std::move(*made);
}

}  // namespace

std::expected<Command, CliExit> parse_command_line(std::span<const std::string> arguments,
                                                   const std::string& default_state_dir) {
  Raw raw;
  raw.state_dir = default_state_dir;
  try {
    CLI::App app("Tidemark turns Kafka topics into exact, event-time aggregates.", "tidemark");
    add_commands(app, raw);
    std::vector<std::string> words = without_help_word(arguments);
    std::reverse(words.begin(), words.end());  // as the library wants them
    try {
      app.parse(std::move(words));
    } catch (const CLI::CallForHelp&) {
      if (const auto word = first_left_over(app)) return std::unexpected(unknown_word(*word));
      return std::unexpected(CliExit{0, app.help(), ""});
    } catch (const CLI::ParseError& error) {
      const auto commands = app.get_subcommands();
      return std::unexpected(refusal(error.what(), commands.empty() ? "" : commands.front()->get_name()));
    }
    return interpret(app, raw);
  } catch (const CLI::Error& error) {
    return std::unexpected(CliExit{2, "", fmt::format("tidemark: {}\n", error.what())});
  }
}

std::string default_state_dir(const char* xdg_state_home, const char* home) {
  const auto is_set = [](const char* text) { return text != nullptr && *text != '\0'; };
  if (is_set(xdg_state_home)) return std::string(xdg_state_home) + "/tidemark";
  if (is_set(home)) return std::string(home) + "/.local/state/tidemark";
  return "./tidemark-state";
}

}  // namespace tidemark
