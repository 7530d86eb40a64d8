// Command lines in, commands or refusals out; refusals are compared as people read them.
#include "daemon/cli.h"

#include "tests/catch.h"

namespace tidemark {

namespace {

using Words = std::vector<std::string>;

std::expected<Command, CliExit> parse(const Words& words) { return parse_command_line(words, "/state"); }

template <class T>
T parsed(const Words& words) {
  const auto command = parse(words);
  if (!command) FAIL(command.error().err);
  REQUIRE(std::holds_alternative<T>(*command));
  return std::get<T>(*command);
}

// The first line of a refusal, which must go to standard error with exit code 2.
std::string refused(const Words& words) {
  const auto command = parse(words);
  REQUIRE_FALSE(command);
  CHECK(command.error().code == 2);
  CHECK(command.error().out.empty());
  return command.error().err.substr(0, command.error().err.find('\n'));
}

}  // namespace

TEST_CASE("run with nothing but a file has the documented defaults") {
  const auto run = parsed<RunCommand>({"run", "a.yaml"});
  CHECK(run.files == Words{"a.yaml"});
  CHECK(run.until_end == UntilEnd::kNo);
  CHECK(run.http == HttpAddress{true, "127.0.0.1", 9464});
  CHECK(run.state_dir == "/state");
  CHECK(run.instance == "0");
  CHECK_FALSE(run.memory_bytes);
  CHECK_FALSE(run.threads);
  CHECK(run.otlp == OtlpChoice{});
  CHECK(run.variables.empty());
  CHECK(run.log_format == LogFormat::kText);
  CHECK(run.log_level == LogLevel::kInfo);
  CHECK_FALSE(run.reset_state);
  CHECK_FALSE(run.accept_loss);
  CHECK_FALSE(run.reveal_keys);
  CHECK_FALSE(run.fail_fast);
}

TEST_CASE("run takes every option, between and after the files") {
  const auto run = parsed<RunCommand>({"run", "a.yaml", "--until-end", "b.yaml", "--http", "0.0.0.0:1", "--state-dir",
                                       "/d", "--instance", "i-1", "--memory", "512MiB", "--threads=3", "--set", "A=1",
                                       "c.yaml", "--set", "B=x=y, z", "--set=A=2", "--log-format", "json", "--log-level", "debug",
                                       "--reset-state", "--accept-loss", "--reveal-keys", "--fail-fast", "--admin",
                                       "localhost:2"});
  CHECK(run.files == Words{"a.yaml", "b.yaml", "c.yaml"});
  CHECK(run.until_end == UntilEnd::kClose);
  CHECK(run.http == HttpAddress{true, "0.0.0.0", 1});
  CHECK(run.admin == HttpAddress{true, "localhost", 2});
  CHECK(run.state_dir == "/d");
  CHECK(run.instance == "i-1");
  CHECK(run.memory_bytes == 512u << 20);
  CHECK(run.threads == 3);
  CHECK(run.variables == Variables{{"A", "2"}, {"B", "x=y, z"}});
  CHECK(run.log_format == LogFormat::kJson);
  CHECK(run.log_level == LogLevel::kDebug);
  CHECK(run.reset_state);
  CHECK(run.accept_loss);
  CHECK(run.fail_fast);
}

TEST_CASE("run sends traces to a collector, or to nobody whatever the environment says") {
  CHECK(parsed<RunCommand>({"run", "a", "--otlp", "http://c:4318"}).otlp == OtlpChoice{false, OtlpEndpoint{{true, "c", 4318}, "/v1/traces"}});
  CHECK(parsed<RunCommand>({"run", "a", "--otlp=off"}).otlp == OtlpChoice{false, std::nullopt});
  CHECK(refused({"run", "a", "--otlp", "c:4318"}) == "tidemark: --otlp: `c:4318` is no URL such as http://collector:4318");
}

TEST_CASE("until-end in its forms") {
  CHECK(parsed<RunCommand>({"run", "--until-end", "a"}).files == Words{"a"});
  CHECK(parsed<RunCommand>({"run", "--until-end=keep-open", "a"}).until_end == UntilEnd::kKeepOpen);
  CHECK(refused({"run", "a", "--until-end=open"}) ==
        "tidemark: --until-end: `open` is not known; write --until-end or --until-end=keep-open");
}

TEST_CASE("files may be called like commands or come after --") {
  CHECK(parsed<RunCommand>({"run", "test", "demo"}).files == Words{"test", "demo"});
  CHECK(parsed<RunCommand>({"run", "--", "--odd"}).files == Words{"--odd"});
}

TEST_CASE("set may be given an empty value") {
  CHECK(parsed<ValidateCommand>({"validate", "a", "--set", "A="}).variables == Variables{{"A", ""}});
}

TEST_CASE("the other commands") {
  CHECK(parsed<ValidateCommand>({"validate", "a", "b"}).files == Words{"a", "b"});
  const auto explain = parsed<ExplainCommand>({"explain", "a", "--set", "K=v"});
  CHECK(explain.file == "a");
  CHECK(explain.variables == Variables{{"K", "v"}});
  CHECK_FALSE(explain.json);
  CHECK(parsed<ExplainCommand>({"explain", "a", "--json"}).json);
  CHECK(parsed<DemoCommand>({"demo", "--http", ":0"}).http.port == 0);
  CHECK_FALSE(parsed<DemoCommand>({"demo", "--http", "off"}).http.on);
  CHECK_FALSE(parsed<DemoCommand>({"demo"}).seconds);
  CHECK(parsed<DemoCommand>({"demo", "--seconds", "20"}).seconds == Duration::seconds(20));
  CHECK_FALSE(parsed<DemoCommand>({"demo"}).print);
  CHECK(parsed<DemoCommand>({"demo", "--print"}).print);
  CHECK(parsed<HealthCommand>({"health"}).http == HttpAddress{true, "127.0.0.1", 9464});
  CHECK_FALSE(parsed<HealthCommand>({"health"}).ready);
  const auto health = parsed<HealthCommand>({"health", "--ready", "--http", "tidemark-0:8080"});
  CHECK(health.ready);
  CHECK(health.http == HttpAddress{true, "tidemark-0", 8080});
  CHECK(refused({"health", "--http", "off"}) == "tidemark: --http: `off` cannot be asked");
  parsed<SchemaCommand>({"schema"});
  parsed<VersionCommand>({"version"});
  parsed<VersionCommand>({"--version"});
}

TEST_CASE("eval takes expressions of every look") {
  for (const char* text : {"1 + 2", "[1, 2]", "-1 + 2", "!a", "{\"a\": 1}", "'run'", "run", "a == \"-x\"", "5"}) {
    INFO(text);
    CHECK(parsed<EvalCommand>({"eval", text}).expression == text);
  }
  CHECK(parsed<EvalCommand>({"eval", "--", "-a"}).expression == "-a");
  const auto eval = parsed<EvalCommand>({"eval", "a", "--vars", "{\"a\": [1, 2]}"});
  CHECK(eval.vars_json == "{\"a\": [1, 2]}");
  CHECK(parsed<EvalCommand>({"eval", "a", "--vars", "[1]"}).vars_json == "[1]");
  CHECK(parsed<EvalCommand>({"eval", "--lines"}).lines);
  CHECK(refused({"eval"}).find("needs an expression") != std::string::npos);
  CHECK(refused({"eval", "-(1)"}).find("write tidemark eval -- '-(1)'") != std::string::npos);
  CHECK(refused({"eval", "a", "--lines"}).find("standard input") != std::string::npos);
}

TEST_CASE("wrong words are refused with the nearest right one") {
  CHECK(refused({"rnu", "a.yaml"}) == "tidemark: there is no command `rnu`; did you mean `run`?");
  CHECK(refused({"frobnicate"}) == "tidemark: there is no command `frobnicate`");
  CHECK(refused({"run", "a", "--memroy", "1GiB"}) ==
        "tidemark: `tidemark run` has no option `--memroy`; did you mean `--memory`?");
  CHECK(refused({"run", "a", "--memroy=1GiB"}) ==
        "tidemark: `tidemark run` has no option `--memroy`; did you mean `--memory`?");
  CHECK(refused({"run", "a", "--zzzzzzzz"}) == "tidemark: `tidemark run` has no option `--zzzzzzzz`");
  CHECK(refused({"validate", "a", "--fail-fast"}).find("has no option `--fail-fast`") != std::string::npos);
  CHECK(refused({"--http", ":1", "run", "a"}).find("`--http` is no option before the command") != std::string::npos);
  CHECK(refused({"schema", "x"}) == "tidemark: `tidemark schema` has no use for `x`");
  CHECK(refused({"explain", "a", "b"}) == "tidemark: `tidemark explain` takes one FILE; `b` is one too many");
}

TEST_CASE("a refusal says where to read on") {
  CHECK(parse({"run", "a", "--nope"}).error().err.ends_with("\nsee tidemark run --help\n"));
  CHECK(parse({"nope"}).error().err.ends_with("\nsee tidemark --help\n"));
}

TEST_CASE("wrong values are refused with what is wanted") {
  CHECK(refused({"run"}) == "tidemark: `tidemark run` needs a FILE");
  CHECK(refused({"validate"}) == "tidemark: `tidemark validate` needs a FILE");
  CHECK(refused({"explain"}) == "tidemark: `tidemark explain` needs a FILE");
  CHECK(refused({"run", "a", "--http", "x"}).starts_with("tidemark: --http: `x` is no address"));
  CHECK(refused({"demo", "--http", "x"}).starts_with("tidemark: --http: `x` is no address"));
  for (const char* seconds : {"0", "-1", "ten", "1.5", "86401"}) {
    CHECK(refused({"demo", "--seconds", seconds}).find("is no number from 1 to 86400") != std::string::npos);
  }
  CHECK(refused({"run", "a", "--memory", "lots"}) ==
        "tidemark: --memory: `lots` is no size; write it as 512MiB or 4GiB");
  CHECK(refused({"run", "a", "--memory", "1MiB"}) == "tidemark: --memory: 1MiB is too little; 16MiB is the least");
  for (const char* threads : {"0", "-1", "two", "1.5", "257"}) {
    CHECK(refused({"run", "a", "--threads", threads}).find("is no number from 1 to 256") != std::string::npos);
  }
  for (const char* instance : {"", "a/b", "-a", "a b"}) {
    CHECK(refused({"run", "a", std::string("--instance=") + instance}).find("--instance") != std::string::npos);
  }
  CHECK(refused({"run", "a", "--instance", std::string(65, 'x')}).find("--instance") != std::string::npos);
  CHECK(refused({"run", "a", "--set", "A"}) == "tidemark: --set: `A` is not KEY=VALUE");
  CHECK(refused({"run", "a", "--set", "=1"}) == "tidemark: --set: `=1` is not KEY=VALUE");
  CHECK(refused({"run", "a", "--set", "1A=1"}).find("cannot be the name in ${NAME}") != std::string::npos);
  CHECK(refused({"run", "a", "--log-level", "loud"}) ==
        "tidemark: --log-level: `loud` is not known; write debug, info, warn or error");
  CHECK(refused({"run", "a", "--log-format", "xml"}) ==
        "tidemark: --log-format: `xml` is not known; write text or json");
  CHECK(refused({"run", "a", "--state-dir", ""}).find("--state-dir") != std::string::npos);
}

TEST_CASE("an option without its value, or given twice, is refused by name") {
  CHECK(refused({"run", "a", "--http"}).find("--http") != std::string::npos);
  CHECK(refused({"run", "a", "--http", ":1", "--http", ":2"}).find("--http") != std::string::npos);
  CHECK(refused({"help", "rum"}) == "tidemark: there is no command `rum`; did you mean `run`?");
  CHECK(refused({"run", "a", "--fail-fast=maybe"}).find("--fail-fast") != std::string::npos);
}

TEST_CASE("test takes files, and where its results go") {
  const auto command = parse({"test", "a.yaml", "b.yaml", "--update", "--junit", "r.xml", "--set", "A=1"});
  REQUIRE(command);
  const auto& test = std::get<TestCommand>(*command);
  CHECK(test.files == Words{"a.yaml", "b.yaml"});
  CHECK(test.update);
  CHECK(test.junit == "r.xml");
  CHECK(test.variables.at("A") == "1");
  const auto plain = parse({"test", "a.yaml"});
  REQUIRE(plain);
  CHECK_FALSE(std::get<TestCommand>(*plain).update);
  CHECK(std::get<TestCommand>(*plain).junit.empty());
  CHECK(refused({"test"}) == "tidemark: `tidemark test` needs a FILE");
  CHECK(refused({"test", "a", "--junt=x"}) == "tidemark: `tidemark test` has no option `--junt`; did you mean `--junit`?");
}

TEST_CASE("the admin port is off unless asked for, and on this machine alone") {
  CHECK_FALSE(parsed<RunCommand>({"run", "a"}).admin.on);
  CHECK_FALSE(parsed<RunCommand>({"run", "a", "--admin", "off"}).admin.on);
  CHECK(parsed<RunCommand>({"run", "a", "--admin", ":0"}).admin == HttpAddress{true, "127.0.0.1", 0});
  CHECK(refused({"run", "a", "--admin", "0.0.0.0:9465"}) ==
        "tidemark: --admin: 0.0.0.0:9465 can be reached from other machines; write 127.0.0.1:9465, and come to it from "
        "elsewhere by ssh -L or kubectl port-forward");
  CHECK(refused({"run", "a", "--admin", "on"}) ==
        "tidemark: --admin: `on` is no address: write 127.0.0.1:PORT, :PORT, or off");
}

TEST_CASE("help goes to standard output and exits 0") {
  for (const Words& words : {Words{"--help"}, Words{"-h"}, Words{"help"}}) {
    const auto command = parse(words);
    REQUIRE_FALSE(command);
    CHECK(command.error().code == 0);
    CHECK(command.error().err.empty());
    for (const char* verb : {"run", "validate", "explain", "test", "demo", "eval", "health", "schema", "version", "Examples:"}) {
      INFO(verb);
      CHECK(command.error().out.find(verb) != std::string::npos);
    }
  }
  for (const Words& words : {Words{"run", "--help"}, Words{"help", "run"}, Words{"run", "a", "-h"}}) {
    const auto command = parse(words);
    REQUIRE_FALSE(command);
    CHECK(command.error().code == 0);
    for (const char* option : {"--until-end[=keep-open]", "--http", "--admin", "--state-dir", "--instance", "--memory",
                               "--threads", "--set", "--log-format", "--log-level", "--reset-state", "--accept-loss", "--fail-fast"}) {
      INFO(option);
      CHECK(command.error().out.find(option) != std::string::npos);
    }
  }
}

TEST_CASE("nothing at all shows the help as a refusal") { CHECK(refused({}).find("Tidemark") != std::string::npos); }

TEST_CASE("the state folder follows the home") {
  CHECK(default_state_dir("/x", "/h") == "/x/tidemark");
  CHECK(default_state_dir(nullptr, "/h") == "/h/.local/state/tidemark");
  CHECK(default_state_dir("", "") == "./tidemark-state");
}

}  // namespace tidemark
