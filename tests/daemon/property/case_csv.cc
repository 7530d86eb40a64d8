// Quotes where they have to be, and at times where they need not be.
#include "tests/daemon/property/case_csv.h"

namespace tidemark::property {

void choose_csv(Random& random, oracle::Source& source) {
  for (oracle::Field& field : source.schema) field.path.clear();  // columns have nothing inside
  oracle::Csv& csv = source.csv.emplace();
  csv.delimiter = random.one_of({',', ';', '\t', '|'});
  csv.quote = random.one_of({'"', '\''});
  csv.null_text = random.one_of<std::string>({"", "", "NULL", "-"});
  csv.trim = random.percent(40);
  if (random.percent(50)) return;
  csv.columns = {"of no field"};
  for (const oracle::Field& field : source.schema) csv.columns.push_back(field.name);
  for (size_t i = csv.columns.size(); i > 1; --i) {
    std::swap(csv.columns[i - 1], csv.columns[static_cast<size_t>(random.in(0, static_cast<int64_t>(i) - 1))]);
  }
}

std::string csv_format(const oracle::Csv& csv) {
  std::string columns;
  for (const std::string& column : csv.columns) columns += (columns.empty() ? "" : ", ") + column;
  return "{csv: {delimiter: " + oracle::quote_json(std::string(1, csv.delimiter)) + ", quote: " +
         oracle::quote_json(std::string(1, *csv.quote)) + ", null_text: " + oracle::quote_json(csv.null_text) +
         ", trim: " + (csv.trim ? "true" : "false") + (columns.empty() ? "" : ", columns: [" + columns + "]") + "}}";
}

std::string csv_cell(Random& random, const oracle::Csv& csv, const std::optional<std::string>& value) {
  std::string text = value.value_or(csv.null_text);
  const std::string special = std::string("\r\n \t") + csv.delimiter + *csv.quote;
  const bool must = value && (*value == csv.null_text || value->find_first_of(special) != std::string::npos);
  if (value && (must || random.percent(20))) {
    std::string inside;
    for (const char c : text) inside += c == *csv.quote ? std::string(2, c) : std::string(1, c);
    text = *csv.quote + inside + *csv.quote;
  }
  return csv.trim && random.percent(30) ? " " + text + "  " : text;
}

void poison_line(Random& random, const oracle::Csv& csv, std::string& line) {
  const auto at = static_cast<size_t>(random.in(0, static_cast<int64_t>(line.size())));
  line.insert(at, 1, random.one_of({csv.delimiter, *csv.quote, '\n', '\xff', ' '}));
}

}  // namespace tidemark::property
