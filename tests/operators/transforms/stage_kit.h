// Records through a source's decoder and the steps before a window, without Kafka: what rows and refusals become of them,
// in lines. Knows no lanes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark {

struct Sent {
  std::optional<std::string> value;
  std::optional<std::string> key = std::nullopt;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers = {};
  int64_t timestamp_ms = 1'767'225'600'000;  // -1: none
};

// One line for each record, all of them in one batch of partition 3 of the topic `in`, from offset 7: the row as the
// stdout sink writes it, "REASON STEP: message" of a dead letter, "filtered". `source` are the keys beside `kafka` and
// `steps` the list, both in flow style; fails the test where the file is refused.
std::vector<std::string> rows_of(const std::string& source, const std::string& steps, const std::vector<Sent>& records);

// What is said of such a file, a line each, but for the warnings that no sink takes dead letters.
std::string said_of_file(const std::string& source, const std::string& steps);

}  // namespace tidemark
