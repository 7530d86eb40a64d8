// A temporary folder for state that nobody keeps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tidemark {

class ScratchDir {
 public:
  // Where temporary files lie; its name begins with `name`.
  static Result<ScratchDir> make(std::string_view name);
  // In memory, where there is such a file system and room in it.
  static Result<ScratchDir> make_in_memory(std::string_view name);
  ~ScratchDir();  // removes it
  ScratchDir(ScratchDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ScratchDir& operator=(ScratchDir&&) = delete;

  const std::string& path() const { return path_; }

 private:
  static Result<ScratchDir> make_in(const std::vector<std::string>& roots, std::string_view name);
  explicit ScratchDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace tidemark
