// Three bytes at a time into four digits, and back through a table of all 256 bytes. A text that is refused (its
// length, a digit, bits left over at its end) leaves the output as it was.
#include "base/base64.h"

#include <array>
#include <cstdint>

namespace tidemark {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 0xFF;

constexpr std::array<uint8_t, 256> make_digits() {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (size_t i = 0; i < kAlphabet.size(); ++i) digits[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  return digits;
}
constexpr std::array<uint8_t, 256> kDigits = make_digits();

uint32_t byte_at(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

}  // namespace

void append_base64(std::string_view bytes, std::string& out) {
  const auto digit = [](uint32_t bits, int shift) { return kAlphabet[(bits >> shift) & 0x3F]; };
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t bits = byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    const char quad[] = {digit(bits, 18), digit(bits, 12), digit(bits, 6), digit(bits, 0)};
    out.append(quad, sizeof quad);
  }
  const size_t left = bytes.size() - i;
  if (left == 0) return;
  const uint32_t bits = byte_at(bytes, i) << 16 | (left == 2 ? byte_at(bytes, i + 1) << 8 : 0);
  const char quad[] = {digit(bits, 18), digit(bits, 12), left == 2 ? digit(bits, 6) : '=', '='};
  out.append(quad, sizeof quad);
}

bool append_decoded_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  const size_t padding = text.ends_with("==") ? 2 : (text.ends_with('=') ? 1 : 0);
  const std::string_view digits = text.substr(0, text.size() - padding);
  const size_t start = out.size();
  uint32_t bits = 0;
  int pending = 0;  // bits read and not yet written
  for (const char c : digits) {
    const uint8_t digit = kDigits[static_cast<uint8_t>(c)];
    if (digit == kNoDigit) {
      out.resize(start);
      return false;
    }
    bits = (bits << 6 | digit) & 0xFFFFFF;
    pending += 6;
    if (pending < 8) continue;
    pending -= 8;
    out.push_back(static_cast<char>(bits >> pending));
  }
  const bool tail_is_clean = (bits & ((1U << pending) - 1)) == 0;
  if (!tail_is_clean) out.resize(start);
  return tail_is_clean;
}

}  // namespace tidemark
