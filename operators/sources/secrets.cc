// Whole values and their parts, longest first, so that what holds another is hidden whole.
#include "operators/sources/secrets.h"

#include <algorithm>

#include "config/kafka_properties.h"

namespace tidemark {
namespace {

constexpr size_t kLeastValue = 3;
constexpr size_t kLeastPart = 10;  // of a value: shorter words are found in ordinary text

}  // namespace

Secrets::Secrets(const std::vector<std::pair<std::string, std::string>>& properties) {
  for (const auto& [name, value] : properties) {
    if (holds_secret(name)) add(value);
  }
  std::ranges::sort(pieces_, [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

// librdkafka also tells what is left of a value from where it could not read on.
void Secrets::add(std::string_view value) {
  keep(value, kLeastValue);
  constexpr std::string_view kBetween = " \t\r\n,";
  for (size_t at = 0; at < value.size();) {
    const size_t begin = std::min(value.find_first_not_of(kBetween, at), value.size());
    const size_t end = std::min(value.find_first_of(kBetween, begin), value.size());
    const std::string_view part = value.substr(begin, end - begin);
    at = end + 1;
    const size_t equals = part.find('=');
    const bool setting = equals != part.npos && part.find_first_not_of('=', equals) != part.npos;
    if (setting) keep(part.substr(equals + 1), kLeastValue);
    else if (!part.starts_with('-') && !part.ends_with('-')) keep(part, kLeastPart);
  }
}

void Secrets::keep(std::string_view piece, size_t least) {
  if (piece.size() >= least && std::ranges::find(pieces_, piece) == pieces_.end()) pieces_.emplace_back(piece);
}

std::string Secrets::hidden(std::string_view text) const {
  constexpr std::string_view kInstead = "***";
  std::string out(text);
  for (const std::string& piece : pieces_) {
    for (size_t at = 0; (at = out.find(piece, at)) != std::string::npos; at += kInstead.size()) {
      out.replace(at, piece.size(), kInstead);
    }
  }
  return out;
}

}  // namespace tidemark
