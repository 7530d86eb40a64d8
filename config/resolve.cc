// Names and inputs first, then defaults, then the rules, each only over sections that are known in full. A step may
// only name what stands before it. Expressions are not looked at, brokers not asked.
#include "config/resolve.h"

#include <algorithm>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "config/kafka_properties.h"
#include "config/names.h"

namespace tidemark {
namespace {

constexpr Duration kMaxTransaction = Duration::minutes(15);  // transaction.max.timeout.ms of a usual broker
constexpr Duration kMinTransaction = Duration::minutes(1);
constexpr int64_t kIntervalsPerTransaction = 4;

std::string_view kind_word(const StepSpec& step) {
  struct Words {
    std::string_view operator()(const FilterSpec&) const { return "filter"; }
    std::string_view operator()(const MapSpec&) const { return "map"; }
    std::string_view operator()(const SelectSpec&) const { return "select"; }
    std::string_view operator()(const DedupeSpec&) const { return "dedupe"; }
    std::string_view operator()(const WindowSpec&) const { return "window"; }
    std::string_view operator()(const UnionSpec&) const { return "union"; }
  };
  return std::visit(Words{}, step.what);
}

std::string_view kind_word(const SinkSpec& sink) {
  struct Words {
    std::string_view operator()(const KafkaSinkSpec&) const { return "kafka"; }
    std::string_view operator()(const StdoutSinkSpec&) const { return "stdout"; }
    std::string_view operator()(const DropSinkSpec&) const { return "drop"; }
  };
  return std::visit(Words{}, sink.what);
}

template <class T>
void name_by_place(std::vector<T>& list) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].name.value.empty()) list[i].name = {fmt::format("{}-{}", kind_word(list[i]), i + 1), list[i].where};
  }
}

void place_default(Location& where, const Location& fallback) {
  if (where.line == 0) where = fallback;
}

class Resolver {
 public:
  Resolver(PipelineSpec& pipeline, Diagnostics& diagnostics) : pipeline_(pipeline), diagnostics_(diagnostics) {}

  void names_and_inputs() {
    name_by_place(pipeline_.steps);
    name_by_place(pipeline_.sinks);
    for (size_t i = 0; i < pipeline_.sources.size(); ++i) {
      claim(pipeline_.sources[i].name, {InputRef::Kind::kSource, i});
    }
    for (size_t i = 0; i < pipeline_.steps.size(); ++i) {
      StepSpec& step = pipeline_.steps[i];
      step.input = input_of(step, i);
      claim(step.name, {InputRef::Kind::kStep, i});
    }
    std::map<std::string, int> sink_names;
    for (SinkSpec& sink : pipeline_.sinks) {
      sink.input = sink.from ? find(*sink.from, true, pipeline_.steps.size(), sink.sound)
                             : before(pipeline_.steps.size(), "sink", sink.where, sink.sound);
      const auto [first, fresh] = sink_names.emplace(sink.name.value, sink.name.where.line);
      if (!fresh) repeated(sink.name, "sink", first->second);
    }
  }

  void defaults() {
    const Location& top = pipeline_.name.where;
    place_default(pipeline_.lanes.where, top);
    place_default(pipeline_.checkpoint.every.where, top);
    for (SourceSpec& source : pipeline_.sources) {
      place_default(source.format.where, source.where);
      place_default(source.event_time.where, source.where);
      Located<std::string>& group = std::get<KafkaSourceSpec>(source.from).group;
      if (group.value.empty()) group = pipeline_.name;
    }
    for (StepSpec& step : pipeline_.steps) {
      auto* window = std::get_if<WindowSpec>(&step.what);
      if (window) place_default(window->allowed_lateness.where, window->where);
    }
    for (SinkSpec& sink : pipeline_.sinks) complete(sink);
  }

  // Each only over sections that are known in full: what is missing elsewhere may be what was refused.
  void rules_between() {
    const bool inputs = pipeline_.sinks_sound && std::ranges::all_of(pipeline_.sinks, &SinkSpec::sound);
    if (inputs) no_sinks();
    if (pipeline_.checkpoint_sound) every();
    if (inputs && pipeline_.steps_sound && std::ranges::all_of(pipeline_.steps, &StepSpec::sound)) unread_steps();
    if (inputs) side_streams();
    if (pipeline_.sources_sound && pipeline_.sinks_sound) own_input();
    if (pipeline_.sources_sound && pipeline_.sinks_sound) one_transaction();
  }

 private:
  void repeated(const Located<std::string>& name, std::string_view what, int line) {
    diagnostics_.error(name.where, fmt::format("a second {} is called `{}`", what, name.value),
                       fmt::format("the first stands in line {}; give one of them another `name`", line));
  }

  // Makes `name` known to the steps and sinks that follow.
  void claim(const Located<std::string>& name, InputRef ref) {
    if (name.value == kLateStream || name.value == kDeadLetterStream) {
      diagnostics_.error(name.where, fmt::format("`{}` is the name of a built-in stream", name.value),
                         "give it another name");
      return;
    }
    const auto [first, fresh] = known_.emplace(name.value, Known{ref, name.where.line});
    first->second.repeated = !fresh;
    if (!fresh) repeated(name, ref.kind == InputRef::Kind::kSource ? "source" : "step or source", first->second.line);
  }

  InputRef input_of(StepSpec& step, size_t place) {
    if (auto* all = std::get_if<UnionSpec>(&step.what)) return unite(*all, step);
    return step.from ? find(*step.from, false, place, step.sound) : before(place, "step", step.where, step.sound);
  }

  // What comes before the step of that number, for those that do not say what they take.
  InputRef before(size_t place, std::string_view taker, const Location& where, bool& sound) {
    if (place > 0) return {InputRef::Kind::kStep, place - 1};
    // Where there are no steps, they may be what was refused.
    if (pipeline_.sources.size() > 1 && sound && (pipeline_.steps_sound || !pipeline_.steps.empty())) {
      std::string names;
      for (const SourceSpec& source : pipeline_.sources) names += (names.empty() ? "" : ", ") + source.name.value;
      diagnostics_.error(where, fmt::format("it is not said which of the sources this {} takes", taker),
                         fmt::format("begin the steps with `- union: [{}]`, or write `from: {}` here", names,
                                     pipeline_.sources.front().name.value));
      sound = false;
    }
    return {};
  }

  InputRef unite(UnionSpec& all, StepSpec& step) {
    if (step.from) {
      diagnostics_.error(step.from->where, "a union has no `from`", "it takes the sources that it names");
      step.sound = false;
    }
    for (const Located<std::string>& name : all.of) {
      const auto found = known_.find(name.value);
      if (found != known_.end() && found->second.ref.kind == InputRef::Kind::kSource) {
        step.sound &= !found->second.repeated;
        all.sources.push_back(found->second.ref.index);
        continue;
      }
      step.sound = false;
      if (found != known_.end()) {
        diagnostics_.error(name.where, fmt::format("`{}` is a step, and a union takes sources", name.value),
                           "let the union come first, and the steps behind it");
      } else {
        no_source(name);
      }
    }
    return {InputRef::Kind::kSource, all.sources.empty() ? 0 : all.sources.front()};
  }

  void no_source(const Located<std::string>& name) {
    std::vector<std::string_view> candidates;
    for (const SourceSpec& source : pipeline_.sources) candidates.push_back(source.name.value);
    const std::string_view nearest = nearest_word(name.value, candidates);
    diagnostics_.error(name.where, fmt::format("there is no source called `{}`", name.value), did_you_mean(nearest));
  }

  // What `from` names; clears `sound` when that is nothing, or several.
  InputRef find(const Located<std::string>& from, bool is_sink, size_t steps_before, bool& sound) {
    if (from.value.empty()) return sound = false, InputRef{};  // refused as it was read
    if (from.value == kLateStream || from.value == kDeadLetterStream) {
      if (is_sink) return {from.value == kLateStream ? InputRef::Kind::kLate : InputRef::Kind::kDeadLetter, 0};
    } else if (const auto found = known_.find(from.value); found != known_.end()) {
      sound &= !found->second.repeated;
      return found->second.ref;
    }
    sound = false;
    not_found(from, is_sink, steps_before);
    return {};
  }

  void not_found(const Located<std::string>& from, bool is_sink, size_t steps_before) {
    if (from.value == kLateStream || from.value == kDeadLetterStream) {
      diagnostics_.error(from.where, fmt::format("a step cannot take its rows from `{}`", from.value),
                         "only sinks may say `from: late` or `from: dead_letter`");
      return;
    }
    for (size_t i = steps_before; i < pipeline_.steps.size(); ++i) {
      if (pipeline_.steps[i].name.value != from.value) continue;
      diagnostics_.error(from.where, fmt::format("the step `{}` does not come before this one", from.value),
                         "a step takes its rows from an earlier one");
      return;
    }
    std::vector<std::string_view> candidates;
    for (const auto& [name, known] : known_) candidates.push_back(name);
    if (is_sink) candidates.insert(candidates.end(), {kLateStream, kDeadLetterStream});
    const std::string_view nearest = nearest_word(from.value, candidates);
    diagnostics_.error(from.where, fmt::format("there is no source or step called `{}`", from.value),
                       did_you_mean(nearest));
  }

  void complete(SinkSpec& sink) {
    if (sink.format_written) sink.format = *sink.format_written;
    place_default(sink.format.where, sink.where);
    sink.delivery = Delivery::kNone;
    if (std::holds_alternative<StdoutSinkSpec>(sink.what)) sink.delivery = Delivery::kAtLeastOnce;
    auto* kafka = std::get_if<KafkaSinkSpec>(&sink.what);
    if (!kafka) return;
    sink.delivery = sink.delivery_written ? sink.delivery_written->value : Delivery::kExactlyOnce;
    if (kafka->brokers.value.empty() && !pipeline_.sources.empty()) inherit(*kafka, pipeline_.sources.front().kafka());
  }

  // A sink on the source's cluster logs in as the source does.
  void inherit(KafkaSinkSpec& sink, const KafkaSourceSpec& source) {
    sink.brokers = source.brokers;
    std::vector<Property> properties;
    for (const Property& property : source.properties) {
      const auto same = [&](const Property& own) { return own.name.value == property.name.value; };
      if (is_connection_property(property.name.value) && std::ranges::none_of(sink.properties, same)) {
        properties.push_back(property);
      }
    }
    properties.insert(properties.end(), sink.properties.begin(), sink.properties.end());
    sink.properties = std::move(properties);
  }

  void no_sinks() {
    const auto is_row_sink = [](const SinkSpec& sink) {
      return sink.input.kind == InputRef::Kind::kSource || sink.input.kind == InputRef::Kind::kStep;
    };
    if (std::ranges::any_of(pipeline_.sinks, is_row_sink)) return;
    diagnostics_.error(pipeline_.sinks.empty() ? pipeline_.name.where : pipeline_.sinks.front().where,
                       "no sink takes the pipeline's rows",
                       "add one, such as `- stdout: {}`; `- drop: {}` only counts");
  }

  void every() {
    const auto transactional = [](const SinkSpec& sink) {
      return sink.delivery_sound && sink.delivery == Delivery::kExactlyOnce;
    };
    if (std::ranges::none_of(pipeline_.sinks, transactional)) return;
    if (pipeline_.transaction_timeout() <= kMaxTransaction) return;
    const Duration longest{kMaxTransaction.us / kIntervalsPerTransaction};
    diagnostics_.error(
        pipeline_.checkpoint.every.where,
        fmt::format("`every` may be at most {} with an exactly_once sink, not {}", format_duration(longest),
                    format_duration(pipeline_.checkpoint.every.value)),
        "a transaction stays open for one checkpoint and may last 4 times that, and brokers end it after 15m");
  }

  // One transaction has one producer, and a producer one set of properties. How other addresses are reached is theirs.
  void one_transaction() {
    const SinkSpec* first = nullptr;
    for (const SinkSpec& sink : pipeline_.sinks) {
      const auto* kafka = std::get_if<KafkaSinkSpec>(&sink.what);
      if (!kafka || !sink.delivery_sound || sink.delivery != Delivery::kExactlyOnce) continue;
      if (!first) first = &sink;
      const KafkaSinkSpec& other = std::get<KafkaSinkSpec>(first->what);
      const bool same_way = kafka->brokers.value == other.brokers.value;
      const Property* differs = only_in(kafka->properties, other.properties, same_way);
      if (!differs) differs = only_in(other.properties, kafka->properties, same_way);
      if (!differs) continue;
      diagnostics_.error(kafka->where,
                         fmt::format("the property `{}` of the sinks `{}` and `{}` differs", differs->name.value,
                                     first->name.value, sink.name.value),
                         "exactly_once sinks write in one transaction with one producer; give all of them the same "
                         "`properties`, or write `delivery: at_least_once`");
    }
  }

  // A property that `in` does not have, or has with another value; null: none.
  static const Property* only_in(const std::vector<Property>& of, const std::vector<Property>& in, bool same_way) {
    for (const Property& property : of) {
      if (!same_way && is_connection_property(property.name.value)) continue;
      const auto same = [&](const Property& other) {
        return other.name.value == property.name.value && other.value.value == property.value.value;
      };
      if (std::ranges::none_of(in, same)) return &property;
    }
    return nullptr;
  }

  void unread_steps() {
    std::vector<bool> read(pipeline_.steps.size());
    std::vector<bool> read_sources(pipeline_.sources.size());
    const auto mark = [&](const InputRef& input) {
      if (input.kind == InputRef::Kind::kStep) read[input.index] = true;
      if (input.kind == InputRef::Kind::kSource && input.index < read_sources.size()) read_sources[input.index] = true;
    };
    for (const StepSpec& step : pipeline_.steps) {
      mark(step.input);
      const auto* all = std::get_if<UnionSpec>(&step.what);
      for (const size_t source : all ? all->sources : std::vector<size_t>{}) read_sources[source] = true;
    }
    for (const SinkSpec& sink : pipeline_.sinks) mark(sink.input);
    for (size_t i = 0; i < read_sources.size(); ++i) {
      if (read_sources[i] || !pipeline_.sources_sound) continue;
      diagnostics_.warn(pipeline_.sources[i].name.where,
                        fmt::format("nothing takes the records of `{}`", pipeline_.sources[i].name.value),
                        "name it in a `union`, or leave it out");
    }
    for (size_t i = 0; i < read.size(); ++i) {
      if (read[i]) continue;
      diagnostics_.warn(pipeline_.steps[i].name.where,
                        fmt::format("nothing takes the rows of `{}`", pipeline_.steps[i].name.value),
                        "add a sink with `from: " + pipeline_.steps[i].name.value + "`");
    }
  }

  void side_streams() {
    const Location& where = pipeline_.sinks.front().where;
    const auto judges_time = [](const StepSpec& step) {
      return std::holds_alternative<WindowSpec>(step.what) || std::holds_alternative<DedupeSpec>(step.what);
    };
    if (std::ranges::any_of(pipeline_.steps, judges_time) && !pipeline_.has_sink_from(InputRef::Kind::kLate)) {
      diagnostics_.warn(where, "no sink takes `late`: late records are counted and not kept",
                        "add one, such as `- from: late` with `kafka: {topic: ...}`");
    }
    if (!pipeline_.has_sink_from(InputRef::Kind::kDeadLetter)) {
      diagnostics_.warn(where, "no sink takes `dead_letter`: records that cannot be processed are counted and not kept",
                        "add one, such as `- from: dead_letter` with `kafka: {topic: ...}`");
    }
  }

  // Writing into a topic that is read makes a loop.
  void own_input() {
    for (const SinkSpec& sink : pipeline_.sinks) {
      const auto* kafka = std::get_if<KafkaSinkSpec>(&sink.what);
      if (!kafka) continue;
      const auto same = [&](const Located<std::string>& topic) { return topic.value == kafka->topic.value; };
      const auto reads = [&](const SourceSpec& source) {
        return kafka->brokers.value == source.kafka().brokers.value && std::ranges::any_of(source.kafka().topics, same);
      };
      if (std::ranges::none_of(pipeline_.sources, reads)) continue;
      diagnostics_.warn(kafka->topic.where,
                        fmt::format("the sink writes to `{}`, which the source reads", kafka->topic.value),
                        "its own rows come in again, without end");
    }
  }

  struct Known {
    InputRef ref;
    int line = 0;
    bool repeated = false;
  };
  PipelineSpec& pipeline_;
  Diagnostics& diagnostics_;
  std::map<std::string, Known> known_;
};

}  // namespace

Duration PipelineSpec::transaction_timeout() const {
  const int64_t us = checkpoint.every.value.us;
  const int64_t most = std::numeric_limits<int64_t>::max() / kIntervalsPerTransaction;
  return std::max(kMinTransaction, Duration{std::min(us, most) * kIntervalsPerTransaction});
}

namespace {

template <class Named>
std::optional<size_t> number_of(const std::vector<Named>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, [](const Named& one) -> const std::string& { return one.name.value; });
  return found == all.end() ? std::nullopt : std::optional(static_cast<size_t>(found - all.begin()));
}

}  // namespace

std::optional<size_t> PipelineSpec::source_number(std::string_view source) const { return number_of(sources, source); }
std::optional<size_t> PipelineSpec::step_number(std::string_view step) const { return number_of(steps, step); }

bool PipelineSpec::has_sink_from(InputRef::Kind kind) const {
  return std::ranges::any_of(sinks, [kind](const SinkSpec& sink) { return sink.input.kind == kind; });
}

void resolve(PipelineSpec& pipeline, Diagnostics& diagnostics) {
  Resolver resolver(pipeline, diagnostics);
  resolver.names_and_inputs();
  resolver.defaults();
  resolver.rules_between();
}

}  // namespace tidemark
