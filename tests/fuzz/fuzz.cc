// A fuzzer without a compiler's help: mutates pipeline files, records and expressions for a while and holds each answer to
// its contract. Meant for a build with the address sanitizer; a failure names the seed and iteration that repeat it.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "config/pipeline.h"
#include "operators/expr/expr.h"
#include "operators/formats/decoder.h"
#include "operators/plan/plan.h"

namespace tidemark {
namespace {

using Random = std::mt19937_64;
using Corpus = std::vector<std::string>;

// Where we are, for the handler that runs when the process dies.
struct Place {
  std::atomic<uint64_t> seed{0};
  std::atomic<uint64_t> iteration{0};
};
Place place;

void say_place(int signal_number) {
  char text[128];
  const int size = snprintf(text, sizeof text, "\nfuzz: died; --seed %llu, iteration %llu\n",
                            static_cast<unsigned long long>(place.seed), static_cast<unsigned long long>(place.iteration));
  (void)!write(STDERR_FILENO, text, static_cast<size_t>(size));
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

size_t below(Random& random, size_t n) { return random() % n; }

// A few edits: bytes that mean something, bytes that do not, pieces moved, doubled, cut, or taken from another text.
std::string mutate(const Corpus& corpus, Random& random) {
  static constexpr std::string_view kSpecial = "{}[]():,?.-+*/%&|!<>='\"\\@`#$~_ \n\t0189aeE\x01\x7f\x80\xc3\xff";
  std::string text = corpus[below(random, corpus.size())];
  for (size_t edits = 1 + below(random, 8); edits > 0 && !text.empty(); --edits) {
    const size_t at = below(random, text.size());
    const size_t length = std::min(below(random, 60), text.size() - at);
    switch (below(random, 7)) {
      case 0: text[at] = kSpecial[below(random, kSpecial.size())]; break;
      case 1: text.insert(at, 1, kSpecial[below(random, kSpecial.size())]); break;
      case 2: text.erase(at, length); break;
      case 3: text.insert(below(random, text.size()), text.substr(at, length)); break;
      case 4: text[at] = static_cast<char>(random()); break;
      case 5: text.resize(at); break;
      default: {
        const std::string& other = corpus[below(random, corpus.size())];
        const size_t from = below(random, other.size());
        text.insert(at, other, from, 1 + below(random, 60));
      }
    }
  }
  return text;
}

// What a target says about one input: empty where its contract holds.
using Target = std::function<std::string(const std::string&)>;

std::string fuzz_pipeline(const std::string& text) {
  Diagnostics diagnostics;
  const auto spec = draft_pipeline(text, "fuzz.yaml", {}, diagnostics);
  if ((spec && spec->sound) == diagnostics.has_errors()) return "loaded and refused at once, or neither";
  if (spec) {
    const auto plan = make_plan(*spec, diagnostics);
    if (plan.has_value() == diagnostics.has_errors()) return "planned and refused at once, or neither";
    if (plan && explain(*plan).empty()) return "nothing to explain";
  }
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.message.empty() || d.where.line < 1 || d.where.column < 1) return "a refusal without a place or a reason";
  }
  return {};
}

DeclaredField field(const char* name, Type type, bool nullable, std::vector<std::string> path = {}) {
  DeclaredField f;
  f.name = name;
  f.type = std::move(type);
  f.nullable = nullable;
  f.path = std::move(path);
  return f;
}

Result<Decoder> make_decoder() {
  DecodeSpec spec;
  spec.fields = {field("event_id", TypeKind::kString, false), field("user_id", TypeKind::kString, false),
                 field("amount", TypeKind::kDouble, true),    field("quantity", TypeKind::kInt, true),
                 field("ts", TypeKind::kTimestamp, false),    field("city", TypeKind::kString, true, {"address", "city"}),
                 field("photo", TypeKind::kBytes, true),      field("big", TypeKind::kBool, true)};
  for (uint32_t i = 0; i < spec.fields.size(); ++i) spec.fields[i].slot = i;
  spec.event_time = 4;
  return Decoder::create("json", std::move(spec));
}

Result<Decoder> make_csv_decoder() {
  DecodeSpec spec;
  spec.fields = {field("event_id", TypeKind::kString, false), field("amount", TypeKind::kDouble, true), field("quantity", TypeKind::kInt, true),
                 field("ts", TypeKind::kTimestamp, false),    field("photo", TypeKind::kBytes, true),   field("big", TypeKind::kBool, true)};
  for (uint32_t i = 0; i < spec.fields.size(); ++i) spec.fields[i].slot = i;
  spec.event_time = 3;
  return Decoder::create("csv", std::move(spec));
}

Corpus lines() {
  return {"e1,19.9,2,1767225605000,AAEC/w==,true\n", "\"a \"\"quoted\"\"\nline\",,,0,,\r\n", "\"\",-1.5e-7,-9223372036854775808,\"1\",\"\",false",
          "Ume\xC3\xA5,1,1,1,QQ==,true"};
}

Corpus records() {
  return {R"({"event_id":"e1","user_id":"ada","amount":19.9,"quantity":2,"ts":1767225605000,"address":{"city":"Umeå"}})",
          R"({"ts":"2026-01-01T00:00:00.123456Z","event_id":"\u00e5\ud83d\ude00\n","user_id":"","amount":null,"big":true})",
          R"({"a":[1,{"b":[[]]},"x"],"event_id":"e","user_id":"u","ts":0,"photo":"AAEC/w==","amount":-1.5e-7})",
          R"({"event_id":"e","event_id":"f","user_id":"u","ts":1,"quantity":9223372036854775807,"address":[{"city":1}]} )"};
}

bool same_cell(const Column& a, const Column& b) {
  return a.valid == b.valid && a.bools == b.bools && a.ints == b.ints && a.strings == b.strings &&
         a.doubles.size() == b.doubles.size() &&
         (a.doubles.empty() || memcmp(a.doubles.data(), b.doubles.data(), sizeof(double) * a.doubles.size()) == 0);
}

// The verdict on a record depends on its bytes alone: a decoder that has seen others says what a fresh one says. `used`
// has seen everything; one that has just seen the records which this one was made of is sure to know their shapes.
std::string fuzz_record(Decoder& used, const std::function<Result<Decoder>()>& make, const Corpus& corpus, const std::string& text) {
  const std::unique_ptr<char[]> exact(new char[text.size()]);  // so that a read behind the end is seen
  memcpy(exact.get(), text.data(), text.size());
  const std::string_view value(exact.get(), text.size());
  auto fresh = make();
  auto primed = make();
  if (!fresh || !primed) return "no decoder";
  for (const std::string& record : corpus) primed->decode(record);
  Batch expected_row;
  fresh->prepare(expected_row);
  const DecodeResult expected = fresh->decode(value);
  if (expected.ok()) fresh->push(expected_row);
  if (!expected.ok() && fresh->message().empty()) return "a refusal without a reason";
  for (Decoder* one : {&used, &*primed}) {
    Batch row;
    one->prepare(row);
    const DecodeResult found = one->decode(value);
    if (found.reason != expected.reason || found.event_time != expected.event_time ||
        (!found.ok() && one->message() != fresh->message())) {
      return "the verdict depends on earlier records";
    }
    if (!found.ok()) continue;
    one->push(row);
    for (size_t i = 0; i < row.columns.size(); ++i) {
      if (!same_cell(row.columns[i], expected_row.columns[i])) return "the row depends on earlier records";
    }
  }
  return {};
}

std::string fuzz_expression(const std::string& text) {
  const std::string answer = expr::eval_to_json(text, R"({"a": 3, "b": 2.5, "s": "tide", "l": [1, 2], "n": null})");
  const auto parsed = nlohmann::json::parse(answer, nullptr, false);
  if (parsed.is_discarded() || answer.find('\n') != std::string::npos) return "the answer is no line of JSON: " + answer;
  return {};
}

// ---- Corpora

Corpus read_examples(const std::string& folder) {
  Corpus corpus;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    std::ifstream in(entry.path());
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

Corpus expressions() {
  return {"a + 1 > 3 && !(b < 2.0 || s == 'x') ? s + \"y\" : 'z'", "size(s) in l || s.matches('^t.*e$') && has(n)",
          "timestamp('2026-01-01T00:00:00Z') + duration('1h30m') > timestamp(0)", "coalesce(n, -9223372036854775808)",
          "double(a) / b * -1.5e300 % 2.0", "bytes(s) == b'tide' || uint(a) + 3u == 0x10u", "[1, 2, 3][a - 3] == int('42')",
          "{'k': l}.k.all(x, x > 0) && type(a) == int", "s.startsWith('t') && s.contains('id') && !s.endsWith(r'\\e')",
          "l.filter(x, x > 1).map(y, {'y': y, s: [y]})[0].y + cel.bind(z, a, z * z)", "{1: s, 2u: b, true: n}[a - 2] in [s, b, n]",
          "s.replace('i', '\u00e9').split('').join('-').substring(1, 4).upperAscii().charAt(a - 3) + '%s %.2f %x'.format([l, b, a])",
          "math.greatest(a, b, 2u) >= math.least(l) || math.bitShiftLeft(1, a) == -8", "{?'k': optional.of(l)}.?k[?0].orValue(7)",
          "timestamp(a).getHours('Europe/Stockholm') + timestamp(0).getFullYear('-09:30')", "cidr('10.0.0.0/8').containsIP(ip('10.1.2.3'))",
          "[[1, 2], l].exists(x, x.all(i, v, v > i)) ? dyn(s) : dyn(a)", "l.transformMap(i, v, v > 1, string(v)).transformList(k, v, v)"};
}

struct Named {
  const char* name;
  Corpus corpus;
  Target target;
};

// Whether the target kept its contract until its time was over.
bool run_target(const Named& one, uint64_t seed, std::chrono::duration<double> at_most) {
  const auto begin = std::chrono::steady_clock::now();
  place.seed = seed;
  uint64_t iteration = 0;
  for (; std::chrono::steady_clock::now() - begin < at_most; ++iteration) {
    place.iteration = iteration;
    Random random(seed * 1'000'003 + iteration);
    const std::string text = mutate(one.corpus, random);
    if (const std::string why = one.target(text); !why.empty()) {
      printf("%s: FAILED at --seed %llu, iteration %llu: %s\n%s\n", one.name, static_cast<unsigned long long>(seed),
             static_cast<unsigned long long>(iteration), why.c_str(), text.c_str());
      return false;
    }
  }
  printf("%s: %llu inputs\n", one.name, static_cast<unsigned long long>(iteration));
  fflush(stdout);
  return iteration > 100;
}

int fuzz(double seconds, uint64_t seed, const std::string& examples) {
  auto used = make_decoder();
  auto used_csv = make_csv_decoder();
  const Corpus json_records = records();
  const Corpus csv_records = lines();
  const Named targets[] = {
      {"pipeline files", read_examples(examples), fuzz_pipeline},
      {"records", json_records, [&](const std::string& text) { return fuzz_record(*used, make_decoder, json_records, text); }},
      {"CSV records", csv_records, [&](const std::string& text) { return fuzz_record(*used_csv, make_csv_decoder, csv_records, text); }},
      {"expressions", expressions(), fuzz_expression},
  };
  if (!used || !used_csv || targets[0].corpus.empty()) {
    fprintf(stderr, "fuzz: no decoder, or no examples in %s\n", examples.c_str());
    return 2;
  }
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) signal(number, say_place);
  int failed = 0;
  for (const Named& one : targets) failed += !run_target(one, seed, std::chrono::duration<double>(seconds));
  printf("%zu passed, %d failed\n", std::size(targets) - static_cast<size_t>(failed), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  double seconds = 10;
  uint64_t seed = std::random_device{}();
  std::string examples = std::string(TIDEMARK_SOURCE_DIR) + "/examples";
  CLI::App app("Mutates pipeline files, records and expressions, and holds each answer to its contract.");
  app.add_option("--seconds", seconds, "for each target")->capture_default_str();
  app.add_option("--seed", seed, "repeats a run");
  app.add_option("--examples", examples, "the folder of pipeline files to begin with")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  printf("seed %llu\n", static_cast<unsigned long long>(seed));
  fflush(stdout);
  return tidemark::fuzz(seconds, seed, examples);
}
