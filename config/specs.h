// The specs of the pipeline file, each in a file of its own: what the maps may hold, word by word. They check what one
// map can know of itself; what needs two of them is checked in config/pipeline.cc.
#pragma once

#include "config/pipeline.h"
#include "config/spec.h"

namespace tidemark {

Kind<SourceSpec> source_kind();
Kind<StepSpec> step_kind();
Kind<WindowSpec> window_kind();
Kind<SinkSpec> sink_kind();
Kind<TestSpec> test_kind();
Kind<PipelineSpec> pipeline_kind();

// Broker addresses: text with commas, or a list.
Kind<std::string> brokers_kind();
// `name` and `from` of steps and sinks.
Kind<std::string> name_kind();
// A list of names without repeats; one alone may stand without brackets.
Kind<std::vector<Located<std::string>>> names_kind(kinds::TextRules rules);
// The same of fields.
Kind<std::vector<Located<std::string>>> field_names_kind();

}  // namespace tidemark
