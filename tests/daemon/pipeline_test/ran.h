// Runs `tidemark test` over a text, for its tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "daemon/scratch_dir.h"
#include "daemon/pipeline_test/test_command.h"

namespace tidemark {

inline std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

struct Ran {
  int code = 0;
  std::string out;   // without the folder's name, and with every time as 0 ms
  std::string err;
  std::string text;  // of the file, afterwards
  std::string junit;
};

inline std::string without(std::string text, const std::string& word) {
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos;) text.erase(at, word.size());
  return text;
}

inline std::string timeless(std::string text) {
  for (size_t at = 0; (at = text.find(" ms)", at)) != std::string::npos; at += 4) {
    const size_t open = text.rfind('(', at);
    text.replace(open + 1, at - open - 1, "0");
    at = open;
  }
  return text;
}

inline Ran ran(const std::string& text, bool update = false) {
  const auto dir = ScratchDir::make("tidemark-test");
  if (!dir) throw std::runtime_error(dir.error().message);
  const std::string path = dir->path() + "/p.yaml";
  std::ofstream(path, std::ios::binary) << text;
  std::ostringstream out, err;
  Ran ran;
  ran.code = test_command({{path}, {}, update, dir->path() + "/junit.xml"}, out, err);
  ran.out = timeless(without(out.str(), dir->path() + "/"));
  ran.err = without(err.str(), dir->path() + "/");
  ran.text = file_text(path);
  ran.junit = without(file_text(dir->path() + "/junit.xml"), dir->path() + "/");
  return ran;
}

}  // namespace tidemark
