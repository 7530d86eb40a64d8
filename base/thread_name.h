// The name of a thread, as `top -H`, debuggers and profiles show it.
#pragma once

#include <pthread.h>

namespace tidemark {

// Names the calling thread; Linux keeps 15 characters.
inline void name_this_thread(const char* name) { (void)pthread_setname_np(pthread_self(), name); }

}  // namespace tidemark
