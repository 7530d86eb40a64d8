// What is wrong with a store that gives back what no lane wrote: the fault is the disk's, and a checkpoint may still be whole.
#pragma once

#include "base/error.h"

namespace tidemark {

inline Error foreign_key() { return {Fault::kExternal, true, "the store holds a window key that cannot be read"}; }
inline Error foreign_value() { return {Fault::kExternal, true, "the store holds a window state that cannot be read"}; }

}  // namespace tidemark
