// Catch2, whichever major version the system has.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#include <string>
namespace tidemark {
// What version 3 calls Contains is for ranges.
inline auto Contains(const std::string& part) { return Catch::Matchers::ContainsSubstring(part); }
}  // namespace tidemark
#else
#include <catch2/catch.hpp>
namespace tidemark {
using Catch::Matchers::Contains;
}
#endif
