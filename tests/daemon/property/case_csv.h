// Cases whose records are lines of CSV: how they are written, and the writing. For cases.cc and case_logs.cc only.
#pragma once

#include <optional>
#include <string>

#include "tests/daemon/property/random.h"
#include "tests/oracle/oracle.h"

namespace tidemark::property {

// Makes the records of a source, whose schema is described, lines of CSV.
void choose_csv(Random& random, oracle::Source& source);
// What `format:` says of it.
std::string csv_format(const oracle::Csv& csv);

// A value as such a line holds it; nothing stands for null.
std::string csv_cell(Random& random, const oracle::Csv& csv, const std::optional<std::string>& value);
// Spoils a line, mostly.
void poison_line(Random& random, const oracle::Csv& csv, std::string& line);

}  // namespace tidemark::property
