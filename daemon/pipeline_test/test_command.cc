// All files are read and checked before the first test runs. With --update, what failed is written into its file once
// all tests of the file have run, and read again to see that it holds.
#include "daemon/pipeline_test/test_command.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/safe_text.h"
#include "daemon/pipeline_test/expectation.h"
#include "daemon/pipeline_test/junit.h"
#include "daemon/pipeline_test/test_input.h"
#include "daemon/pipeline_test/test_run.h"
#include "daemon/pipeline_test/update.h"
#include "daemon/service.h"

namespace tidemark {
namespace {

std::string described(const Mismatch& mismatch, const std::string& stream) {
  std::string out = fmt::format("{}: {}: {}", to_string(mismatch.where), stream, mismatch.what);
  if (!mismatch.expected.empty()) out += "\n  expected  " + mismatch.expected;
  for (const std::string& row : mismatch.got) out += "\n  got       " + row;
  if (!mismatch.differs.empty()) out += "\n  differs   " + mismatch.differs;
  return out;
}

// A file, and what is expected in it.
struct TestFile {
  LoadedFile loaded;
  std::vector<TestInput> inputs;  // by test
};

// One test as it went.
struct Judged {
  std::vector<std::vector<ObservedRow>> rows;  // by expectation
  std::vector<Comparison> comparisons;
  std::optional<std::string> stopped;  // the pipeline did
};

Judged judge(const TestFile& file, size_t number) {
  const PipelineSpec& spec = file.loaded.spec;
  const TestSpec& test = spec.tests[number];
  Judged out;
  const auto written = run_test(spec, test, file.inputs[number]);
  if (!written) {
    out.stopped = fmt::format("{}: {}", to_string(written.error().where), written.error().message);
    return out;
  }
  for (const TestExpectSpec& expect : test.expect) {
    out.rows.push_back(observed_rows(spec, file.loaded.plan, expect.of.value, *written));
    out.comparisons.push_back(compare(expect, out.rows.back()));
  }
  return out;
}

std::optional<std::string> failure_of(const Judged& judged, const TestSpec& test) {
  if (judged.stopped) return judged.stopped;
  std::string out;
  for (size_t e = 0; e < test.expect.size(); ++e) {
    for (const Mismatch& mismatch : judged.comparisons[e].mismatches) {
      out += (out.empty() ? "" : "\n") + described(mismatch, test.expect[e].of.value);
    }
  }
  return out.empty() ? std::nullopt : std::optional(valid_utf8(out));
}

std::vector<FailedExpectation> failed_expectations(const TestSpec& test, const Judged& judged) {
  std::vector<FailedExpectation> failed;
  for (size_t e = 0; e < judged.comparisons.size(); ++e) {
    if (!judged.comparisons[e].good()) failed.push_back({&test.expect[e], &judged.rows[e], &judged.comparisons[e]});
  }
  return failed;
}

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return {};
  return external_error(path + " cannot be written: " + std::generic_category().message(errno));
}

// The new file takes the old one's place in one step, also behind a link.
Status replace_file(const std::string& path, const std::string& text) {
  std::error_code error;
  const std::string target = std::filesystem::canonical(path, error).string();
  const std::string fresh = target + ".new";
  if (Status written = write_file(fresh, text); !written) return written;
  std::filesystem::permissions(fresh, std::filesystem::status(target).permissions(), error);
  if (!error) std::filesystem::rename(fresh, target, error);
  if (error) return external_error(path + " cannot be written: " + error.message());
  return {};
}

class TestSession {
 public:
  TestSession(const TestCommand& command, std::ostream& out, std::ostream& err)
      : command_(command), out_(out), err_(err) {}

  int run() {
    if (!load()) return 2;
    for (TestFile& file : files_) run_file(file);
    summarize();
    if (!command_.junit.empty()) {
      if (Status written = write_file(command_.junit, junit_xml(results_)); !written) refuse(written.error().message);
    }
    return refused_ ? 2 : failed_ > 0 ? 1 : 0;
  }

 private:
  bool load() {
    Diagnostics diagnostics;
    for (const std::string& path : command_.files) {
      auto loaded = load_file(path, command_.variables, diagnostics);
      if (!loaded) continue;
      TestFile& file = files_.emplace_back(TestFile{std::move(*loaded), {}});
      for (const TestSpec& test : file.loaded.spec.tests) {
        file.inputs.push_back(test_input(file.loaded.spec, file.loaded.plan, test, diagnostics));
      }
    }
    for (const Diagnostic& d : diagnostics.all()) {
      if (d.severity == Severity::kError) err_ << to_string(d) << "\n";
    }
    return !diagnostics.has_errors();
  }

  void run_file(const TestFile& file) {
    const PipelineSpec& spec = file.loaded.spec;
    TestFileResult& result = results_.emplace_back(TestFileResult{spec.file, {}});
    if (spec.tests.empty()) err_ << spec.file << ": has no tests\n";
    std::vector<Judged> judged;
    for (size_t number = 0; number < spec.tests.size(); ++number) {
      const TestSpec& test = spec.tests[number];
      const Duration begin = clock_.elapsed();
      judged.push_back(judge(file, number));
      TestCaseResult one{test.name.value, test.where.line, clock_.elapsed() - begin, failure_of(judged.back(), test)};
      tell(spec.file, one, command_.update && !judged.back().stopped);
      result.cases.push_back(std::move(one));
    }
    if (command_.update) update(file, judged, result);
    for (const TestCaseResult& one : result.cases) (one.failure ? failed_ : passed_) += 1;
  }

  void tell(const std::string& file, const TestCaseResult& one, bool will_update) {
    const std::string took = fmt::format("({} ms)", one.took.to_millis());
    const char* verdict = !one.failure ? "ok    " : will_update ? "update" : "FAIL  ";
    out_ << verdict << " " << file << ": " << one.name << " " << took << "\n";
    if (!one.failure) return;
    std::string indented = "    " + *one.failure;
    for (size_t at = 0; (at = indented.find('\n', at)) != std::string::npos; at += 5) indented.insert(at + 1, "    ");
    out_ << indented << "\n" << std::flush;
  }

  // A test whose expectations are those that came has not failed.
  void update(const TestFile& file, const std::vector<Judged>& judged, TestFileResult& result) {
    const PipelineSpec& spec = file.loaded.spec;
    std::vector<FailedExpectation> failed;
    for (size_t t = 0; t < judged.size(); ++t) {
      const auto more = failed_expectations(spec.tests[t], judged[t]);
      failed.insert(failed.end(), more.begin(), more.end());
    }
    if (failed.empty()) return;
    const auto text = with_actual_rows(file.loaded.text, failed);
    if (!text) return refuse("--update: " + text.error().message);
    if (!holds(*text, spec.file, judged)) {
      return refuse("--update: " + spec.file + ": the rows cannot be written in the way in which this file is written");
    }
    if (Status written = replace_file(spec.file, *text); !written) {
      return refuse("--update: " + written.error().message);
    }
    const char* what = failed.size() == 1 ? " expectation" : " expectations";
    out_ << spec.file << ": " << failed.size() << what << " updated\n";
    for (size_t t = 0; t < judged.size(); ++t) {
      if (!judged[t].stopped) result.cases[t].failure.reset();
    }
  }

  bool holds(const std::string& text, const std::string& path, const std::vector<Judged>& judged) const {
    Diagnostics diagnostics;
    const auto fresh = load_text(text, path, command_.variables, diagnostics);
    if (!fresh || fresh->spec.tests.size() != judged.size()) return false;
    for (size_t t = 0; t < judged.size(); ++t) {
      const auto& expect = fresh->spec.tests[t].expect;
      for (size_t e = 0; e < judged[t].rows.size(); ++e) {
        if (e >= expect.size() || !compare(expect[e], judged[t].rows[e]).good()) return false;
      }
    }
    return true;
  }

  void summarize() {
    const size_t all = passed_ + failed_;
    const char* tests = all == 1 ? "test" : "tests";
    out_ << fmt::format("{} {}: {} passed, {} failed\n", all, tests, passed_, failed_) << std::flush;
  }

  void refuse(const std::string& why) {
    err_ << "tidemark: " << why << "\n";
    refused_ = true;
  }

  const TestCommand& command_;
  std::ostream& out_;
  std::ostream& err_;
  const SystemClock clock_;
  std::vector<TestFile> files_;
  std::vector<TestFileResult> results_;
  size_t passed_ = 0;
  size_t failed_ = 0;
  bool refused_ = false;
};

}  // namespace

int test_command(const TestCommand& command, std::ostream& out, std::ostream& err) {
  return TestSession(command, out, err).run();
}

}  // namespace tidemark
