// A temporary folder for state that nobody keeps; in memory, where there is such a file system.
#pragma once

#include <string>

#include "base/error.h"

namespace tidemark {

class ScratchDir {
 public:
  static Result<ScratchDir> make();
  ~ScratchDir();  // removes it
  ScratchDir(ScratchDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ScratchDir& operator=(ScratchDir&&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit ScratchDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace tidemark
