// A state for each place that a character can stand in.
#include "tests/oracle/csv.h"

#include "tests/oracle/json.h"

namespace tidemark::oracle {
namespace {

enum class Place { kBefore, kPlain, kQuoted, kAfterQuote, kBehind };

class Cutter {
 public:
  explicit Cutter(const Csv& csv) : csv_(csv) {}

  // False: no character may stand here.
  bool take(char c) {
    const bool quote = csv_.quote == c;
    if (place_ == Place::kQuoted) {
      if (quote) place_ = Place::kAfterQuote;
      else value_ += c;
      return true;
    }
    if (place_ == Place::kAfterQuote && quote) {
      value_ += c;
      place_ = Place::kQuoted;
      return true;
    }
    if (place_ == Place::kAfterQuote) place_ = Place::kBehind;
    if (c == csv_.delimiter) return end_cell(), true;
    if (place_ == Place::kBehind) return is_blank(c);
    if (place_ == Place::kBefore && is_blank(c)) return true;
    if (place_ == Place::kBefore && quote) {
      place_ = Place::kQuoted;
      quoted_ = true;
      return true;
    }
    place_ = Place::kPlain;
    value_ += c;
    return !quote && c != '\n' && c != '\r';
  }

  std::optional<std::vector<std::optional<std::string>>> finish() {
    if (place_ == Place::kQuoted) return std::nullopt;
    end_cell();
    return std::move(cells_);
  }

 private:
  bool is_blank(char c) const { return csv_.trim && (c == ' ' || c == '\t') && c != csv_.delimiter; }

  void end_cell() {
    while (!quoted_ && !value_.empty() && is_blank(value_.back())) value_.pop_back();
    if (!quoted_ && value_ == csv_.null_text) {
      cells_.emplace_back();
    } else {
      cells_.emplace_back(value_);
    }
    value_.clear();
    quoted_ = false;
    place_ = Place::kBefore;
  }

  const Csv& csv_;
  Place place_ = Place::kBefore;
  bool quoted_ = false;
  std::string value_;
  std::vector<std::optional<std::string>> cells_;
};

}  // namespace

std::optional<std::vector<std::optional<std::string>>> cut_csv(std::string text, const Csv& csv) {
  if (text.empty() || !is_utf8(text) || text.starts_with("\xEF\xBB\xBF")) return std::nullopt;
  if (text.ends_with("\r\n")) {
    text.resize(text.size() - 2);
  } else if (text.ends_with("\n")) {
    text.pop_back();
  }
  Cutter cutter(csv);
  for (const char c : text) {
    if (!cutter.take(c)) return std::nullopt;
  }
  return cutter.finish();
}

}  // namespace tidemark::oracle
