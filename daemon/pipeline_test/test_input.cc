// Topics are given as many partitions as the test names of any topic of their source: promises about partitions hold
// over all of them, and the promise of `partitioned_by` over all sources. The event time is asked of the very decoder
// that the pipeline uses.
#include "daemon/pipeline_test/test_input.h"

#include <algorithm>
#include <map>
#include <optional>

#include "daemon/pipeline_test/input_record.h"
#include "operators/formats/decoder.h"

namespace tidemark {
namespace {

// A name that the pattern matches, as far as it begins with plain characters.
std::string topic_matching(const std::string& pattern, const std::string& source) {
  std::string name;
  for (size_t i = pattern.starts_with('^') ? 1 : 0; i < pattern.size(); ++i) {
    const bool dot = pattern[i] == '\\' && i + 1 < pattern.size() && pattern[i + 1] == '.';
    const bool word = std::isalnum(static_cast<unsigned char>(pattern[i])) || pattern[i] == '-' || pattern[i] == '_';
    if (!dot && !word) break;
    name += dot ? pattern[++i] : pattern[i];
  }
  return name + source;
}

class Reader {
 public:
  Reader(const PipelineSpec& pipeline, const Plan& plan, Diagnostics& diagnostics)
      : pipeline_(pipeline), plan_(plan), diagnostics_(diagnostics) {
    for (const PlannedSource& source : plan.sources) {
      std::optional<Decoder>& decoder = decoders_.emplace_back();
      if (!source.decode.event_time) continue;
      if (auto made = Decoder::create(source.format, source.decode, source.csv)) decoder.emplace(std::move(*made));
    }
  }

  TestInput run(const TestSpec& test) {
    make_partitions(test);
    for (const TestInputSpec& input : test.input) {
      for (const TestActionSpec& action : input.actions) take(source_of(input), action);
    }
    date_undated();
    return std::move(out_);
  }

 private:
  size_t source_of(const TestInputSpec& input) const { return pipeline_.source_number(input.source.value).value(); }

  std::vector<std::string> topics_of(size_t source, const TestSpec& test) const {
    const KafkaSourceSpec& kafka = pipeline_.sources[source].kafka();
    std::vector<std::string> topics;
    for (const auto& topic : kafka.topics) topics.push_back(topic.value);
    if (kafka.topic_pattern) topics.push_back(invented_topic(source));
    each_record(source, test, [&](const TestRecordSpec& record) {
      if (!record.topic || std::ranges::find(topics, record.topic->value) != topics.end()) return;
      topics.push_back(record.topic->value);
    });
    return topics;
  }

  // No source names it: topics that one does are not the pattern's.
  std::string invented_topic(size_t source) const {
    const SourceSpec& spec = pipeline_.sources[source];
    std::string topic = topic_matching(spec.kafka().topic_pattern->value, spec.name.value);
    while (plan_.source_of(topic) != source) topic += "-1";
    return topic;
  }

  template <class F>
  void each_record(size_t source, const TestSpec& test, F f) const {
    for (const TestInputSpec& input : test.input) {
      if (source_of(input) != source) continue;
      for (const TestActionSpec& action : input.actions) {
        if (const auto* record = std::get_if<TestRecordSpec>(&action.what)) f(*record);
      }
    }
  }

  void make_partitions(const TestSpec& test) {
    std::vector<int64_t> highest(pipeline_.sources.size());
    for (size_t source = 0; source < highest.size(); ++source) {
      each_record(source, test, [&](const TestRecordSpec& record) {
        if (record.partition) highest[source] = std::max(highest[source], record.partition->value);
      });
    }
    if (plan_.partitioned_by) std::ranges::fill(highest, std::ranges::max(highest));
    for (size_t source = 0; source < highest.size(); ++source) {
      topics_.push_back(topics_of(source, test));
      for (const std::string& topic : topics_.back()) {
        for (int32_t p = 0; p <= highest[source]; ++p) {
          const bool fresh = index_.emplace(TopicPartition{topic, p}, out_.partitions.size()).second;
          if (fresh) out_.partitions.push_back({{topic, p}, source});
        }
      }
    }
    ends_.resize(out_.partitions.size());
  }

  void take(size_t source, const TestActionSpec& action) {
    const auto add = [&](auto what) { out_.events.push_back({action.where, std::move(what)}); };
    if (const auto* record = std::get_if<TestRecordSpec>(&action.what)) return add(read(source, *record));
    if (const auto* advance = std::get_if<TestAdvance>(&action.what)) return add(*advance);
    add(std::get<TestWord>(action.what));
  }

  TestInput::Read read(size_t source, const TestRecordSpec& spec) {
    TestInput::Read read;
    const std::string& topic = spec.topic ? spec.topic->value : topics_[source].front();
    read.partition = index_.at({topic, static_cast<int32_t>(spec.partition ? spec.partition->value : 0)});
    read.record = input_record(spec, pipeline_.sources[source], diagnostics_);
    read.record.offset = ends_[read.partition]++;
    if (!spec.timestamp) read.record.timestamp = event_time_of(source, read.record);
    if (read.record.timestamp != Time::min()) {
      out_.newest = dated_ ? std::max(out_.newest, read.record.timestamp) : read.record.timestamp;
      dated_ = true;
    }
    return read;
  }

  // Time::min() where the record tells none.
  Time event_time_of(size_t source, const MemoryRecord& record) {
    std::optional<Decoder>& decoder = decoders_[source];
    if (!decoder || !record.value) return Time::min();
    const DecodeResult verdict = decoder->decode(*record.value);
    return verdict.event_time ? Time::from_millis(verdict.event_time->to_millis()) : Time::min();
  }

  // Records that tell no time came when the one before them did, and the first ones with the first that does.
  void date_undated() {
    Time last = Time::min();
    const auto each = [&](auto&& f) {
      for (TestInput::Event& event : out_.events) {
        if (auto* read = std::get_if<TestInput::Read>(&event.what)) f(read->record.timestamp);
      }
    };
    each([&](Time& t) { last = last == Time::min() ? t : last; });
    each([&](Time& t) { last = t = t == Time::min() ? (last == Time::min() ? Time{} : last) : t; });
  }

  const PipelineSpec& pipeline_;
  const Plan& plan_;
  Diagnostics& diagnostics_;
  TestInput out_;
  bool dated_ = false;
  std::vector<std::optional<Decoder>> decoders_;  // by source, where records tell their event time
  std::vector<std::vector<std::string>> topics_;  // by source
  std::map<TopicPartition, size_t> index_;
  std::vector<int64_t> ends_;  // by partition
};

}  // namespace

TestInput test_input(const PipelineSpec& pipeline, const Plan& plan, const TestSpec& test, Diagnostics& diagnostics) {
  return Reader(pipeline, plan, diagnostics).run(test);
}

}  // namespace tidemark
