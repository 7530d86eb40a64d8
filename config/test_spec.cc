// The specs of tests: records and control words of the input, and the rows that are expected. Fields are kept as they
// are written: their types are the schema's to say.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "config/names.h"
#include "config/specs.h"

namespace tidemark {
namespace {

constexpr int64_t kMostPartitions = 1'000;

// Text, or a written null.
Kind<std::optional<std::string>> bytes_kind() {
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kExpression;
  shape->name = "text";
  Kind<std::optional<std::string>> kind{shape, nullptr, nullptr};
  kind.read = [](const Node& node, std::string_view what, std::optional<std::string>& out, Diagnostics& diagnostics) {
    out.reset();
    if (!node.bad && node.kind == Node::Kind::kNull && !node.text.value.empty()) return true;
    if (node.bad || node.kind != Node::Kind::kScalar) return wrong_kind(node, what, "text or null", diagnostics);
    out = node.text.value;
    return true;
  };
  return kind;
}

// RFC 3339, or milliseconds since the epoch.
Kind<Time> kafka_time_kind() {
  const Kind<Time> text = kinds::time();
  auto number = std::make_shared<Shape>();
  number->form = Shape::Form::kInt;
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kEither;
  shape->choices = {text.shape, number};
  Kind<Time> kind{shape, nullptr, nullptr};
  kind.read = [text](const Node& node, std::string_view what, Time& out, Diagnostics& diagnostics) {
    const std::string& word = node.text.value;
    int64_t ms = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), ms);
    if (node.kind != Node::Kind::kScalar || node.bad || error != std::errc{} || end != word.data() + word.size()) {
      return text.read(node, what, out, diagnostics);
    }
    out = Time::from_millis(ms);
    return true;
  };
  return kind;
}

struct Header {
  Located<std::string> name;
  std::optional<std::string> value;
};

using Headers = std::vector<std::pair<std::string, std::optional<std::string>>>;

Kind<Headers> headers_kind() {
  const auto map = kinds::map(&Header::name, &Header::value, bytes_kind());
  Kind<Headers> kind{map.shape, nullptr, nullptr};
  kind.read = [map](const Node& node, std::string_view what, Headers& out, Diagnostics& diagnostics) {
    std::vector<Header> read;
    if (!map.read(node, what, read, diagnostics)) return false;
    for (Header& header : read) out.emplace_back(std::move(header.name.value), std::move(header.value));
    return true;
  };
  return kind;
}

// A map whose words that begin with `$` are read by `words`; the rest of it are fields.
template <class T>
Kind<T> with_fields(const Kind<T>& words, std::string doc, std::vector<Node::Entry> T::*fields) {
  auto shape = std::make_shared<Shape>(*words.shape);
  auto field = std::make_shared<Shape>();
  field->doc = std::move(doc);
  shape->element = std::move(field);
  Kind<T> kind{shape, nullptr, nullptr};
  kind.read = [words, fields](const Node& node, std::string_view what, T& out, Diagnostics& diagnostics) {
    if (node.bad || node.kind != Node::Kind::kMap) return wrong_kind(node, what, "a map of fields", diagnostics);
    Node rest = node;
    rest.entries.clear();
    for (const Node::Entry& entry : node.entries) {
      auto& to = entry.key.value.starts_with('$') ? rest.entries : out.*fields;
      to.push_back(entry);
    }
    return words.read(rest, what, out, diagnostics);
  };
  return kind;
}

Kind<TestRecordSpec> record_kind() {
  auto words =
      Spec<TestRecordSpec>("test record",
                           "A record of a test's input. Values become the bytes of the source's format, as the "
                           "schema says: a timestamp may be written in RFC 3339 whatever its form, and what is "
                           "quoted stays text. What is not of the field's type is written as it stands, and the "
                           "pipeline will refuse it.",
                           "{event_id: a, user_id: u1, ts: 2026-01-01T00:00:01Z, $partition: 1}")
          .field("$partition", &TestRecordSpec::partition, kinds::integer(0, kMostPartitions - 1),
                 "The partition, by default 0. A topic has as many as the highest that the test names, plus one.")
          .field("$timestamp", &TestRecordSpec::timestamp, kafka_time_kind(),
                 "The Kafka timestamp, in RFC 3339 or milliseconds. By default the event time, and where there is none "
                 "that of the record before it.")
          .field("$key", &TestRecordSpec::key, bytes_kind(), "The key, by default null.")
          .field("$headers", &TestRecordSpec::headers, headers_kind(), "The headers.")
          .field("$raw", &TestRecordSpec::raw, bytes_kind(),
                 "The value as it is, in place of fields; null is a tombstone.")
          .field("$topic", &TestRecordSpec::topic, kinds::text(topic_rules()),
                 "One of the source's topics, by default the first.")
          .place(&TestRecordSpec::where)
          .check([](const TestRecordSpec& record, Diagnostics& diagnostics) {
            if (!record.raw || record.fields.empty()) return;
            diagnostics.error(record.fields.front().key.where,
                              "`$raw` is the whole value, and a field stands beside it",
                              "write the field into the text, or leave `$raw` out");
          })
          .kind();
  return with_fields(words, "a field of the schema; others are written into the record too", &TestRecordSpec::fields);
}

Kind<TestAdvance> advance_kind() {
  return Spec<TestAdvance>("test advance", "Lets processing time pass.", "advance: 5m")
      .required("advance", &TestAdvance::by, kinds::positive_duration(), "how long")
      .kind();
}

Kind<TestWord> word_kind() {
  return kinds::words<TestWord>(
      {{"checkpoint", TestWord::kCheckpoint}, {"crash", TestWord::kCrash}, {"end", TestWord::kEnd}});
}

Kind<TestActionSpec> action_kind() {
  const auto record = record_kind();
  const auto advance = advance_kind();
  const auto word = word_kind();
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kEither;
  shape->choices = {record.shape, word.shape, advance.shape};
  Kind<TestActionSpec> kind{shape, nullptr, nullptr};
  kind.read = [=](const Node& node, std::string_view, TestActionSpec& out, Diagnostics& diagnostics) {
    out.where = node.where();
    if (node.kind == Node::Kind::kScalar) {
      return word.read(node, "a word of the input", out.what.emplace<TestWord>(), diagnostics);
    }
    const bool lone_entry = node.kind == Node::Kind::kMap && node.entries.size() == 1;
    const bool is_advance = lone_entry && node.entries[0].key.value == "advance";
    if (is_advance) return advance.read(node, "`advance`", out.what.emplace<TestAdvance>(), diagnostics);
    if (node.bad || node.kind != Node::Kind::kMap) {
      return wrong_kind(node, "a record", "a map of fields, or one of `checkpoint`, `crash`, `advance: 5m` and `end`",
                        diagnostics);
    }
    return record.read(node, "the record", out.what.emplace<TestRecordSpec>(), diagnostics);
  };
  return kind;
}

struct ExpectedRow {
  std::vector<Node::Entry> fields;
  Node partition, timestamp, key, headers, raw, reason;
};

Kind<ExpectedRow> row_kind() {
  auto words =
      Spec<ExpectedRow>("expected row",
                        "A row that must come out. Only what is named is compared. Rows of steps bear their "
                        "fields; late records and dead letters those that were read, and the words below.",
                        "{user_id: u1, window_end: 2026-01-01T00:01:00Z, purchases: 1}")
          .field("$reason", &ExpectedRow::reason, kinds::any(), "Why it was refused; of `late` and `dead_letter`.")
          .field("$partition", &ExpectedRow::partition, kinds::any(), "Where it was read; of `late` and `dead_letter`.")
          .field("$timestamp", &ExpectedRow::timestamp, kinds::any(),
                 "The Kafka timestamp, in RFC 3339 or milliseconds.")
          .field("$key", &ExpectedRow::key, kinds::any(), "The Kafka key of a record, or of a row by its window.")
          .field("$headers", &ExpectedRow::headers, kinds::any(), "Some of the headers.")
          .field("$raw", &ExpectedRow::raw, kinds::any(), "The bytes of the value.")
          .kind();
  return with_fields(words, "a field of the row", &ExpectedRow::fields);
}

// The rows are kept as the nodes that they are, so that they can be written anew.
Kind<Node> rows_kind() {
  const auto rows = kinds::list(row_kind());
  Kind<Node> kind{rows.shape, nullptr, nullptr};
  kind.read = [rows](const Node& node, std::string_view what, Node& out, Diagnostics& diagnostics) {
    std::vector<ExpectedRow> read;
    out = node;
    return rows.read(node, what, read, diagnostics);
  };
  return kind;
}

Kind<TestExpectSpec> expect_kind() {
  const auto rows = rows_kind();
  const auto exactly = Spec<TestExpectSpec>("exactly", "These rows in this order, and no others.",
                                            "{exactly: [{user_id: u1}, {user_id: u2}]}")
                           .required("exactly", &TestExpectSpec::rows, rows, "all rows, in their order")
                           .kind();
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kEither;
  shape->choices = {rows.shape, exactly.shape};
  Kind<TestExpectSpec> kind{shape, nullptr, nullptr};
  kind.read = [=](const Node& node, std::string_view what, TestExpectSpec& out, Diagnostics& diagnostics) {
    out.exactly = node.kind == Node::Kind::kMap;
    return out.exactly ? exactly.read(node, what, out, diagnostics) : rows.read(node, what, out.rows, diagnostics);
  };
  return kind;
}

}  // namespace

Kind<TestSpec> test_kind() {
  const auto inputs = kinds::map(&TestInputSpec::source, &TestInputSpec::actions, kinds::list(action_kind()));
  return Spec<TestSpec>("test",
                        "A case for `tidemark test`: what comes in, and what must come out. The input is read in the "
                        "order in which it is written, one source after the other. Between records may stand "
                        "`checkpoint` (one completes), `crash` (what came since the last checkpoint is lost and read "
                        "again), `advance: 5m` (processing time passes) and, as the last word, `end` (every window "
                        "closes). Rows that are not named are allowed, but for `exactly` and `[]`, which says that "
                        "there are none.",
                        "tests:\n  - name: two purchases are counted\n    input:\n      in:\n"
                        "        - {user_id: u1, event_type: purchase, amount: 5.0, ts: 2026-01-01T00:00:01Z}\n"
                        "        - {user_id: u1, event_type: purchase, amount: 7.0, ts: 2026-01-01T00:00:02Z}\n"
                        "        - end\n    expect:\n"
                        "      per_user: [{user_id: u1, window_end: 2026-01-01T00:01:00Z, n: 2}]\n      late: []")
      .field("name", &TestSpec::name, kinds::text(), "What the test shows. Default: `test N` by its place.")
      .required("input", &TestSpec::input, inputs,
                "a map from sources to lists of records and control words")
      .required("expect", &TestSpec::expect, kinds::keyed(&TestExpectSpec::of, expect_kind()),
                "a map from steps, sources, `late` and `dead_letter` to the rows that are expected of them")
      .foreign({"given", "inputs", "records", "events", "when", "source", "sources"}, "input")
      .foreign({"then", "output", "outputs", "expected", "expects", "want", "assert"}, "expect")
      .foreign({"title", "description", "id", "case"}, "name")
      .place(&TestSpec::where)
      .kind();
}

}  // namespace tidemark
