// The build hands the versions in; nothing is asked of the libraries that are loaded.
#include "daemon/version.h"

namespace tidemark {

BuildInfo build_info() { return {TIDEMARK_VERSION, TIDEMARK_RDKAFKA_VERSION, TIDEMARK_ROCKSDB_VERSION}; }

}  // namespace tidemark
