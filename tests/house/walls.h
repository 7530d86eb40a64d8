// The walls of the house as a table: which room may include which, and which files may touch which part of the world
// outside. Reads includes and words, not meaning.
#pragma once

#include <string>
#include <vector>

namespace tidemark::house {

struct SourceFile {
  std::string path;  // from the root, such as "state/files.cc"
  std::string text;
};

// Every `FILE:LINE: why`, in the order of the files; empty when all walls stand.
std::vector<std::string> broken_walls(const std::vector<SourceFile>& files);

// All C++ files of the rooms and the tests below `root`, sorted by path.
std::vector<SourceFile> read_sources(const std::string& root);

}  // namespace tidemark::house
