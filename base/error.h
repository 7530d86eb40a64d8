// Errors as values. An Error says whose fault it is, whether trying again can help, and what happened.
// It deliberately does not know what to do about it: that is decided in one place per task (see daemon/).
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace tidemark {

// Whose fault an error is, which decides the reaction:
enum class Fault {
  kUser,      // a wrong file, flag or permission: refuse to start
  kData,      // one bad record: dead letter and count
  kExternal,  // broker, disk, network: bounded backoff, then rewind
  kInternal,  // a broken invariant of ours: stop and resume from the checkpoint
};

struct [[nodiscard]] Error {
  Fault fault = Fault::kInternal;
  bool retriable = false;
  std::string message;  // one line, for people
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> user_error(std::string message) {
  return std::unexpected(Error{Fault::kUser, false, std::move(message)});
}
inline std::unexpected<Error> data_error(std::string message) {
  return std::unexpected(Error{Fault::kData, false, std::move(message)});
}
inline std::unexpected<Error> external_error(std::string message, bool retriable = true) {
  return std::unexpected(Error{Fault::kExternal, retriable, std::move(message)});
}
inline std::unexpected<Error> internal_error(std::string message) {
  return std::unexpected(Error{Fault::kInternal, false, std::move(message)});
}

}  // namespace tidemark
