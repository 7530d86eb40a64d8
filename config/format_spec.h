// The formats that sources read, as the file chooses them. Knows no bytes.
#pragma once

#include "config/pipeline.h"
#include "config/spec.h"

namespace tidemark {

Kind<SourceFormatSpec> source_format_kind();
// Reports what the source's schema asks of its format in vain.
void check_format(const SourceSpec& source, Diagnostics& diagnostics);

}  // namespace tidemark
