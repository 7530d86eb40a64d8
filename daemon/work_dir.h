// WorkDir: a folder of this process alone for what need not survive it: live stores and checkpoints in the making. Two
// processes with one identity may run side by side for a moment; they must not share these.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "state/files.h"

namespace tidemark {

class WorkDir {
 public:
  // Makes a fresh folder below `root` and removes those that dead processes left there.
  static Result<std::unique_ptr<WorkDir>> make(Files& files, const std::string& root);
  ~WorkDir();  // removes it
  WorkDir(const WorkDir&) = delete;
  WorkDir& operator=(const WorkDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  WorkDir(Files& files, std::string path, int lock) : files_(files), path_(std::move(path)), lock_(lock) {}
  Files& files_;
  std::string path_;
  int lock_;  // descriptor of the locked file; the kernel lets go of it when the process dies
};

}  // namespace tidemark
