// A CSV reader for the oracle: one character after the other. Written from RFC 4180 and the contract alone, and sharing no
// code with the engine; knows no types.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tidemark::oracle {

struct Csv {
  char delimiter = ',';
  std::optional<char> quote = '"';
  std::vector<std::string> columns;  // in the order of a record; empty: the schema's fields
  std::string null_text;
  bool trim = false;
};

// The cells of a record; one without a value is null. None where it is no CSV record.
std::optional<std::vector<std::optional<std::string>>> cut_csv(std::string text, const Csv& csv);

}  // namespace tidemark::oracle
