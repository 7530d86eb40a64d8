// The checksum is XXH3. Sizes are read in binary and decimal units and written in the largest binary one that divides
// them. Writers and readers of durable bytes lie in the header, where they can be inlined.
#include "base/bytes.h"

#define XXH_INLINE_ALL  // keys are so short that a call through the dynamic linker would cost as much as their hash
#include <xxhash.h>

#include <array>
#include <charconv>

namespace tidemark {
namespace {

struct SizeUnit {
  std::string_view name;
  int64_t bytes;
};
constexpr std::array<SizeUnit, 14> kSizeUnits{{{"TiB", int64_t{1} << 40}, {"GiB", int64_t{1} << 30}, {"MiB", int64_t{1} << 20},
                                               {"KiB", int64_t{1} << 10}, {"TB", 1'000'000'000'000}, {"GB", 1'000'000'000},
                                               {"MB", 1'000'000}, {"kB", 1'000}, {"B", 1}, {"", 1},
                                               {"Ti", int64_t{1} << 40}, {"Gi", int64_t{1} << 30}, {"Mi", int64_t{1} << 20},
                                               {"Ki", int64_t{1} << 10}}};

}  // namespace

uint64_t checksum64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::optional<int64_t> parse_size(std::string_view text) {
  int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || number < 0) return std::nullopt;
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  while (!unit.empty() && unit[0] == ' ') unit.remove_prefix(1);
  for (const SizeUnit& u : kSizeUnits) {
    int64_t bytes = 0;
    if (u.name != unit) continue;
    if (__builtin_mul_overflow(number, u.bytes, &bytes)) return std::nullopt;
    return bytes;
  }
  return std::nullopt;
}

std::string format_size(int64_t bytes) {
  for (const SizeUnit& u : {kSizeUnits[0], kSizeUnits[1], kSizeUnits[2], kSizeUnits[3]}) {
    if (bytes >= u.bytes && bytes % u.bytes == 0) return std::to_string(bytes / u.bytes) + std::string(u.name);
  }
  return std::to_string(bytes) + "B";
}

}  // namespace tidemark
