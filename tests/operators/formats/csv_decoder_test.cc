// The CSV format: how a record is cut into columns, what its values may be, and what is told of those that are none.
#include "operators/formats/csv_decoder.h"

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/operators/formats/decode_harness.h"
#include "tests/oracle/csv.h"

namespace tidemark {
namespace {

CsvDecoder csv_decoder(DecodeSpec spec, CsvLayout layout = {}) {
  auto decoder = CsvDecoder::create(std::move(spec), std::move(layout));
  REQUIRE(decoder);
  return std::move(*decoder);
}

// "ok a|b", or "REASON: message".
std::string csv(CsvDecoder& decoder, std::string_view record) {
  Batch batch;
  decoder.prepare(batch);
  const DecodeResult result = decoder.decode(record);
  if (!result.ok()) return std::string(to_string(*result.reason)) + ": " + decoder.message();
  decoder.push(batch);
  std::string text = "ok ";
  for (size_t i = 0; i < batch.columns.size(); ++i) text += (i == 0 ? "" : "|") + cell(batch.columns[i], 0);
  return text;
}

CsvLayout with_columns(std::vector<std::string> columns) {
  CsvLayout layout;
  layout.columns = std::move(columns);
  return layout;
}

DecodeSpec two_texts() { return spec_of({field("a", TypeKind::kString, true), field("b", TypeKind::kString, true)}); }

TEST_CASE("A CSV record is cut by RFC 4180") {
  auto d = csv_decoder(two_texts());
  CHECK(csv(d, "x,y") == "ok x|y");
  CHECK(csv(d, "x,y\n") == "ok x|y");
  CHECK(csv(d, "x,y\r\n") == "ok x|y");
  CHECK(csv(d, R"("x","y, ""z""")") == "ok x|y, \"z\"");
  CHECK(csv(d, "\"line\r\nbreak\",\"\"\"\"") == "ok line\r\nbreak|\"");
  CHECK(csv(d, " x , y") == "ok  x | y");
  CHECK(csv(d, "\xC3\xA5,") == "ok \xC3\xA5|null");
  CHECK(csv(d, ",\"\"") == "ok null|");
  CHECK(csv(d, "\"a\n\",b\n") == "ok a\n|b");
}

TEST_CASE("What is no CSV record is decode, and the message says where") {
  auto d = csv_decoder(two_texts());
  CHECK(csv(d, "") == "decode: the value is null or empty");
  CHECK(csv(d, "x") == "decode: the record has 1 column, not 2");
  CHECK(csv(d, "x,y,z") == "decode: the record has 3 columns, not 2");
  CHECK(csv(d, "x,\"y") == "decode: column 2: a quoted value that does not end");
  CHECK(csv(d, "\"x\"y,z") == "decode: column 1: something follows the closing quote");
  CHECK(csv(d, "\"x\" ,z") == "decode: column 1: something follows the closing quote");
  CHECK(csv(d, "x,y\"z\"") == "decode: column 2: a quote in a value that is not quoted");
  CHECK(csv(d, "x,y\nu,v") == "decode: column 2: a line break that is not quoted");
  CHECK(csv(d, "x,y\n\n") == "decode: column 2: a line break that is not quoted");
  CHECK(csv(d, "x\ry,z") == "decode: column 1: a line break that is not quoted");
  CHECK(csv(d, "x,\xFF") == "decode: the value is not UTF-8");
  CHECK(csv(d, "\xEF\xBB\xBFx,y") == "decode: the value begins with a byte-order mark");
}

TEST_CASE("The delimiter, the quote and the null text are the layout's") {
  auto tabs = csv_decoder(two_texts(), {.delimiter = '\t', .quote = '\'', .columns = {}, .null_text = "\\N", .trim = false});
  CHECK(csv(tabs, "x,\"\t'a''b'") == "ok x,\"|a'b");
  CHECK(csv(tabs, "\\N\t'\\N'") == "ok null|\\N");
  CHECK(csv(tabs, "\t") == "ok |");
  auto plain = csv_decoder(two_texts(), {.delimiter = ';', .quote = std::nullopt, .columns = {}, .null_text = "", .trim = false});
  CHECK(csv(plain, "\"x;y\"") == "ok \"x|y\"");
}

TEST_CASE("Trimming leaves out what surrounds values and quotes") {
  auto d = csv_decoder(two_texts(), {.delimiter = ',', .quote = '"', .columns = {}, .null_text = "NULL", .trim = true});
  CHECK(csv(d, " x\t, \" y \" ") == "ok x| y ");
  CHECK(csv(d, " NULL , ") == "ok null|");
  auto tabs = csv_decoder(two_texts(), {.delimiter = '\t', .quote = '"', .columns = {}, .null_text = "-", .trim = true});
  CHECK(csv(tabs, " x\t\t") == "decode: the record has 3 columns, not 2");
  CHECK(csv(tabs, " \t y") == "ok |y");
}

TEST_CASE("Columns are known by their names in the layout, else by the order of the fields") {
  auto named = field("b", TypeKind::kString, true, {"third"});
  auto d = csv_decoder(spec_of({named, field("first", TypeKind::kInt)}),
                       with_columns({"first", "second", "third"}));
  CHECK(csv(d, "1,\"any, thing\",x") == "ok x|1");
  CHECK(csv(d, "1,2") == "decode: the record has 2 columns, not 3");
  CHECK_FALSE(CsvDecoder::create(spec_of({field("a", TypeKind::kString)}), with_columns({"b"})));
  CHECK_FALSE(CsvDecoder::create(spec_of({field("a", TypeKind::kString, false, {"b", "c"})}), {}));
  CHECK_FALSE(CsvDecoder::create(spec_of({field("a", Type::list_of(TypeKind::kString))}), {}));
}

TEST_CASE("CSV values are written as in JSON, without its quotes") {
  const auto one = [](DeclaredField f, std::string_view text) {
    auto d = csv_decoder(spec_of({std::move(f)}));
    return csv(d, text);
  };
  CHECK(one(field("n", TypeKind::kInt), "-42") == "ok -42");
  CHECK(one(field("n", TypeKind::kInt), "\"7\"") == "ok 7");
  CHECK(one(field("n", TypeKind::kInt), "9223372036854775807") == "ok 9223372036854775807");
  CHECK(one(field("n", TypeKind::kInt), "9223372036854775808") == "type: field `n` is a number out of range, not int: '9223372036854775808' (column 1)");
  CHECK(one(field("n", TypeKind::kInt), "1.5") == "type: field `n` is a number with a fraction or an exponent, not int: '1.5' (column 1)");
  for (const char* bad : {"x", "007", "+1", " 1", "1 ", "0x1", "\"\"", "1,0", "nan"}) CHECK(!one(field("n", TypeKind::kInt), bad).starts_with("ok"));
  CHECK(one(field("n", TypeKind::kInt), "seven") == "type: field `n` is 'seven', not int (column 1)");
  CHECK(one(field("x", TypeKind::kDouble), "2.5e3") == "ok 2500.0");
  CHECK(one(field("x", TypeKind::kDouble), "3") == "ok 3.0");
  for (const char* bad : {"inf", "NaN", ".5", "5.", "1e999", "\"\""}) CHECK(one(field("x", TypeKind::kDouble), bad).starts_with("type: "));
  CHECK(one(field("b", TypeKind::kBool), "true") == "ok true");
  CHECK(one(field("b", TypeKind::kBool), "false") == "ok false");
  CHECK(one(field("b", TypeKind::kBool), "True") == "type: field `b` is 'True', not bool (column 1)");
  CHECK(one(field("b", TypeKind::kBytes), "AAEC/w==") == std::string("ok \0\x01\x02\xff", 7));
  CHECK(one(field("b", TypeKind::kBytes), "AA=") == "type: field `b` is a string that is not base64, not bytes: 'AA=' (column 1)");
  CHECK(one(time_field("t", TimestampUnit::kMillis), "1500") == "ok 1500000");
  CHECK(one(time_field("t", TimestampUnit::kSeconds), "1.5") == "ok 1500000");
  CHECK(one(time_field("t", TimestampUnit::kIso), "1970-01-01T00:00:01.5Z") == "ok 1500000");
  CHECK(one(time_field("t", TimestampUnit::kIso), "yesterday").starts_with("type: field `t` is a string that is not an RFC 3339 time"));
  const std::string lengthy(100, 'x');
  CHECK(one(field("n", TypeKind::kInt), lengthy) == "type: field `n` is '" + lengthy.substr(0, 40) + "...', not int (column 1)");
}

TEST_CASE("The reasons of a CSV record come in the contract's order") {
  auto d = csv_decoder(spec_of({field("a", TypeKind::kInt), time_field("ts", TimestampUnit::kMillis), field("n", TypeKind::kInt)}, 1));
  CHECK(csv(d, "x,y,\"z") == "decode: column 3: a quoted value that does not end");
  CHECK(csv(d, "x,y,") == "event_time: event time: field `ts` is 'y', not timestamp(ms) (column 2)");
  CHECK(csv(d, "x,,") == "event_time: event time: field `ts` is null (column 2)");
  CHECK(csv(d, "x,5,") == "missing_field: field `n` is null (column 3)");
  CHECK(csv(d, "x,5,6") == "type: field `a` is 'x', not int (column 1)");
  CHECK(d.decode("x,5,").event_time == Time{5'000});
  CHECK(csv(d, "1,5,6") == "ok 1|5000|6");
}

TEST_CASE("Two fields may read one column of base64") {
  auto d = csv_decoder(spec_of({field("a", TypeKind::kBytes, false, {"x"}), field("b", TypeKind::kBytes, false, {"x"})}), with_columns({"x"}));
  const std::string text(4000, 'A');
  CHECK(csv(d, text) == "ok " + std::string(3000, '\0') + "|" + std::string(3000, '\0'));
}

TEST_CASE("Random CSV is read as a reader of one character at a time reads it, and never beyond its end") {
  std::mt19937_64 random(20'260'101);
  const auto below = [&](size_t n) { return random() % n; };
  const std::vector<CsvLayout> layouts{{},
                                       {.delimiter = ';', .quote = '\'', .columns = {}, .null_text = "x", .trim = true},
                                       {.delimiter = '\t', .quote = '"', .columns = {}, .null_text = "", .trim = true},
                                       {.delimiter = '|', .quote = std::nullopt, .columns = {}, .null_text = "\"", .trim = false}};
  size_t good = 0;
  for (int i = 0; i < 200'000; ++i) {
    const CsvLayout& layout = layouts[below(layouts.size())];
    static const std::string kAlphabet = "x,;|\t \"'\n\rx\"\"'',;|\xC3";
    std::string text;
    for (size_t n = 1 + below(12); n > 0; --n) {
      const char c = kAlphabet[below(kAlphabet.size())];
      text += c;
      if (c == '\xC3') text += '\xA5';
    }
    const std::unique_ptr<char[]> exact(new char[text.size()]);
    std::memcpy(exact.get(), text.data(), text.size());
    const auto wanted = oracle::cut_csv(text, {layout.delimiter, layout.quote, {}, layout.null_text, layout.trim});
    std::vector<DeclaredField> fields;
    for (size_t n = wanted ? wanted->size() : 2; n > 0; --n) fields.push_back(field("f" + std::to_string(n), TypeKind::kString, true));
    auto decoder = csv_decoder(spec_of(std::move(fields)), layout);
    const std::string got = csv(decoder, {exact.get(), text.size()});
    std::string expected = "decode";
    if (wanted) {
      expected = "ok ";
      for (size_t n = 0; n < wanted->size(); ++n) expected += (n == 0 ? "" : "|") + (*wanted)[n].value_or("null");
      ++good;
    }
    if (got.substr(0, expected.size()) != expected || (wanted && got.size() != expected.size())) {
      FAIL_CHECK("'" << text << "': " << got << " instead of " << expected);
      return;
    }
  }
  CHECK(good > 20'000);
}

}  // namespace
}  // namespace tidemark
