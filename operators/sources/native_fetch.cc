// What is asked for runs ahead of what is handed over by one answer: its batches' headers say where the next begins. Each
// question remembers the partition's turn, so that a pause, a new leader or a corrupt batch needs only to begin another
// turn for what is under way to be passed over; a new assignment closes the connections.
#include "operators/sources/native_fetch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <thread>

#include <fmt/core.h>

#include "base/check.h"

namespace tidemark {

namespace {

// Kafka's error codes that mean something of their own here.
constexpr int kOffsetOutOfRange = 1;
constexpr int kUnknownTopic = 3;
constexpr int kNoLeader = 5;
constexpr int kNotLeader = 6;
constexpr int kReplicaNotThere = 9;
constexpr int kStorageError = 56;
constexpr int kFencedEpoch = 74;
constexpr int kUnknownEpoch = 75;
constexpr int kOffsetNotThere = 78;
// And of librdkafka's own codes.
constexpr int kCorrupt = -199;   // __BAD_MSG
constexpr int kTransport = -195;  // __TRANSPORT

constexpr auto kPartitionBackoff = std::chrono::milliseconds(250);
constexpr auto kLongestSleep = std::chrono::milliseconds(1);

bool is_lost_leader(int code) {
  switch (code) {
    case kUnknownTopic:
    case kNoLeader:
    case kNotLeader:
    case kReplicaNotThere:
    case kStorageError:
    case kFencedEpoch:
    case kUnknownEpoch:
    case kOffsetNotThere: return true;
    default: return false;
  }
}

Time to_time(int64_t timestamp_ms) { return timestamp_ms < 0 ? Time::min() : Time::from_millis(timestamp_ms); }

void read_headers(const void* native, Arena& arena, RawRecord& record) {
  append_walked_headers(static_cast<const WalkedRecord*>(native)->headers, arena, record);
}

}  // namespace

struct NativeFetch::Queue {
  explicit Queue(bool check_sums) : records(check_sums), woken(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    CHECK_OR_DIE(woken >= 0, "there are descriptors enough for a queue");
  }
  ~Queue() { close(woken); }
  std::vector<uint32_t> parts;
  std::map<int32_t, Link> links;  // by broker; nodes stay where they are
  Walk walk;
  RecordWalk records;
  int woken;  // an eventfd
  int32_t served_last = -1;  // which broker
  std::vector<pollfd> polled;
};

// What a drain hands over to.
struct NativeFetch::Hand {
  NativeFetch& fetch;
  MessageHandler& handler;
  size_t handled = 0;
  bool stopped = false;

  bool give(const KafkaMessage& message) {
    ++handled;
    stopped = !handler.on_message(message) || fetch.gate_.wanted();
    return !stopped;
  }
};

NativeFetch::NativeFetch(NativeFetchOptions options) : options_(std::move(options)) {}
NativeFetch::~NativeFetch() = default;

// ---- Draining

size_t NativeFetch::drain(uint32_t number, Duration timeout, MessageHandler& handler) {
  const auto until = Clock::now() + std::chrono::microseconds(timeout.us);
  if (gate_.wanted() || number >= queue_count_.load(std::memory_order_acquire)) {
    std::this_thread::sleep_for(std::min<Clock::duration>(until - Clock::now(), kLongestSleep));
    return 0;
  }
  const auto lock = gate_.enter();
  Queue& queue = *queues_[number];
  Hand hand{*this, handler};
  // Goes on as long as answers are there, so that batches fill; waits only where nothing has come.
  while (walk(queue, hand) && !gate_.wanted()) {
    if (serve_links(queue)) continue;
    if (hand.handled > 0 || Clock::now() >= until) break;
    if (wait(queue, until)) break;
  }
  return hand.handled;
}

// Hands over what is left of the answer; false where the handler wants no more.
bool NativeFetch::walk(Queue& queue, Hand& hand) {
  Walk& walk = queue.walk;
  if (walk.link == nullptr) return true;
  for (; walk.next < walk.partitions.size(); ++walk.next, walk.open = false) {
    Fetched& fetched = walk.partitions[walk.next];
    if (!is_wanted(fetched) || (!walk.open && !open_partition(queue, fetched))) continue;
    walk.open = true;
    Part& part = *parts_[fetched.asked.part];
    WalkedRecord record;
    KafkaMessage message;
    message.assignment = part.number;
    message.native = &record;
    message.read_headers = read_headers;
    RecordWalk::Step step;
    while ((step = queue.records.next(record)) == RecordWalk::Step::kRecord) {
      message.offset = record.offset;
      message.timestamp = to_time(record.timestamp_ms);
      message.key = record.key;
      message.value = record.value;
      message.key_is_null = record.key_is_null;
      message.value_is_null = record.value_is_null;
      part.position.store(record.offset + 1, std::memory_order_relaxed);
      if (!hand.give(message)) return false;
    }
    if (close_partition(queue, hand, step == RecordWalk::Step::kEnd)) continue;
    ++walk.next;
    walk.open = false;
    return false;
  }
  std::exchange(walk.link, nullptr)->connection.drop_answer();
  return true;
}

bool NativeFetch::is_wanted(const Fetched& fetched) const {
  return fetched.asked.turn == parts_[fetched.asked.part]->turn;
}

// False where there is nothing to walk.
bool NativeFetch::open_partition(Queue& queue, Fetched& fetched) {
  Part& part = *parts_[fetched.asked.part];
  if (fetched.answer.error != 0) {
    on_partition_error(part, fetched.answer.error);
    return false;
  }
  part.last_error = 0;
  queue.records.begin(fetched.answer.records, fetched.asked.offset, std::move(fetched.answer.aborted));
  return true;
}

// `whole`: its records were walked to their end. False where the handler wants no more.
bool NativeFetch::close_partition(Queue& queue, Hand& hand, bool whole) {
  const Fetched& fetched = queue.walk.partitions[queue.walk.next];
  Part& part = *parts_[fetched.asked.part];
  const int64_t behind = queue.records.next_offset();
  part.position.store(behind, std::memory_order_relaxed);
  if (!whole) {
    tell({part.where, kCorrupt, fmt::format("offset {}: {}", behind, queue.records.error())});
    restart(part);
    part.not_before = Clock::now() + 4 * kPartitionBackoff;
    return true;
  }
  const int64_t end = fetched.answer.last_stable >= 0 ? fetched.answer.last_stable : fetched.answer.high_watermark;
  part.log_end.store(fetched.answer.high_watermark, std::memory_order_relaxed);
  part.answered.store(true, std::memory_order_release);
  if (behind < end || part.told_end == behind) return true;
  part.told_end = behind;
  KafkaMessage message;
  message.assignment = part.number;
  message.offset = behind;
  message.at_end = true;
  return hand.give(message);
}

// Another turn, from where it stands: what is under way is not wanted any more.
void NativeFetch::restart(Part& part) {
  ++part.turn;
  part.ahead = part.position.load(std::memory_order_relaxed);
}

void NativeFetch::on_partition_error(Part& part, int code) {
  restart(part);
  part.not_before = Clock::now() + kPartitionBackoff;
  if (is_lost_leader(code)) {
    part.leader_lost.store(true, std::memory_order_relaxed);
    return;
  }
  part.failed = code == kOffsetOutOfRange;
  if (std::exchange(part.last_error, code) == code) return;
  tell({part.where, code, fmt::format("fetch from offset {}", part.ahead)});
}

// ---- Connections

// Sends what may be asked for and takes in what is there. True when an answer is ready to be walked. Brokers take turns.
bool NativeFetch::serve_links(Queue& queue) {
  auto at = queue.links.upper_bound(queue.served_last);
  for (size_t left = queue.links.size(); left > 0; --left, ++at) {
    if (at == queue.links.end()) at = queue.links.begin();
    queue.served_last = at->first;
    if (serve(queue, at->second)) return true;
  }
  return false;
}

bool NativeFetch::serve(Queue& queue, Link& link) {
  const auto now = Clock::now();
  if (!link.connection.is_open()) {
    if (now < link.not_before || !leads_any(queue, link)) return false;
    if (const auto opened = link.connection.open(link.address.host, link.address.port); !opened) {
      return fail(queue, link, opened.error().message), false;
    }
    send(link, api_versions_request(next_correlation(link), options_.client_id));
  }
  if (!link.waiting) ask(queue, link);
  const auto ready = link.connection.progress();
  // A broker that is slow, or that nobody listened to, is not silent.
  if (count(link) > 0) link.deadline = std::max(link.deadline, now + options_.patience);
  if (!ready) return fail(queue, link, ready.error().message), false;
  if (*ready) return take_answer(queue, link), queue.walk.link != nullptr;
  if (link.waiting && now > link.deadline) fail(queue, link, "no answer in time");
  return false;
}

void NativeFetch::take_answer(Queue& queue, Link& link) {
  const std::string_view bytes = link.connection.answer();
  link.waiting = false;
  if (correlation_of(bytes) != link.correlation) return fail(queue, link, "an answer to another question");
  if (link.version == 0) {
    const auto version = fetch_version_of(bytes);
    if (!version) return fail(queue, link, "the broker speaks no version of Fetch that is known here");
    link.version = *version;
    link.connection.drop_answer();
    return ask_at_once(queue, link);
  }
  auto answer = read_fetch_answer(link.version, bytes);
  if (!answer || answer->error != 0) return fail(queue, link, "not an answer to a fetch");
  link.failures = 0;
  if (answer->throttle_ms > 0) link.not_before = Clock::now() + std::chrono::milliseconds(answer->throttle_ms);
  queue.walk = {&link, matched(std::exchange(link.asked, {}), std::move(answer->partitions)), 0, false};
  // Where each goes on, before any of its records was looked at.
  for (const Fetched& one : queue.walk.partitions) {
    if (!is_wanted(one) || one.answer.error != 0) continue;
    parts_[one.asked.part]->ahead = end_of_batches(one.answer.records, one.asked.offset);
  }
  ask_at_once(queue, link);
}

void NativeFetch::ask_at_once(Queue& queue, Link& link) {
  ask(queue, link);
  (void)link.connection.flush().has_value();  // what is wrong with it shows at its next turn
  count(link);
}

// Answers come in the order of the questions, as far as brokers care.
std::vector<NativeFetch::Fetched> NativeFetch::matched(std::vector<Asked> asked, std::vector<FetchedPartition> answers) const {
  std::vector<Fetched> out;
  out.reserve(answers.size());
  std::vector<bool> answered(asked.size());
  size_t next = 0;
  for (FetchedPartition& answer : answers) {
    for (size_t tries = 0; tries < asked.size(); ++tries, ++next) {
      const Asked& one = asked[next % asked.size()];
      if (where(one).partition != answer.partition || where(one).topic != answer.topic) continue;
      if (!answered[next % asked.size()]) out.push_back({one, std::move(answer)});
      answered[next++ % asked.size()] = true;
      break;
    }
  }
  return out;
}

void NativeFetch::ask(Queue& queue, Link& link) {
  const auto now = Clock::now();
  if (link.waiting || link.version == 0 || now < link.not_before) return;
  link.asked.clear();
  for (const uint32_t i : queue.parts) {
    const Part& part = *parts_[i];
    if (part.broker != link.address.id || part.paused || part.failed || now < part.not_before) continue;
    link.asked.push_back({i, part.turn, part.ahead});
  }
  if (link.asked.empty()) return;
  take_turns(link);
  std::vector<FetchFrom> places;
  for (const Asked& one : link.asked) places.push_back({where(one).topic, where(one).partition, one.offset});
  send(link, fetch_request(link.version, next_correlation(link), options_.client_id, options_.limits, places));
}

// Each comes first in its turn: an answer may be full before all have had their share, and a batch larger than that comes
// for the first only. Those of a topic stay side by side.
void NativeFetch::take_turns(Link& link) const {
  const auto topic = [this](const Asked& one) -> const std::string& { return where(one).topic; };
  std::ranges::stable_sort(link.asked, {}, topic);
  std::ranges::rotate(link.asked, link.asked.begin() + static_cast<ptrdiff_t>(link.turn++ % link.asked.size()));
  std::ranges::stable_partition(link.asked, [&, first = topic(link.asked.front())](const Asked& one) { return topic(one) == first; });
}

void NativeFetch::send(Link& link, std::string_view request) {
  link.connection.send(request);
  link.waiting = true;
  link.deadline = Clock::now() + std::chrono::milliseconds(options_.limits.wait_ms) + options_.patience;
}

int32_t NativeFetch::next_correlation(Link& link) {
  link.correlation = link.correlation == INT32_MAX ? 1 : link.correlation + 1;
  return link.correlation;
}

// The leader may have moved: it is asked for again, and the connection made anew after a while.
void NativeFetch::fail(Queue& queue, Link& link, const std::string& why) {
  disconnect(queue, link);
  const auto backoff = options_.first_backoff * (1 << std::min(link.failures, 12));
  link.not_before = Clock::now() + std::min(options_.most_backoff, backoff);
  failures_.fetch_add(1, std::memory_order_relaxed);
  if (++link.failures == 3) tell({{}, kTransport, fmt::format("{}:{}: {}", link.address.host, link.address.port, why)});
  for (const uint32_t i : queue.parts) {
    if (parts_[i]->broker == link.address.id) parts_[i]->leader_lost.store(true, std::memory_order_relaxed);
  }
}

// No answer of it must be walked any more.
void NativeFetch::disconnect(Queue& queue, Link& link) {
  link.connection.close();
  link.version = 0;
  link.waiting = false;
  link.asked.clear();
  for (const uint32_t i : queue.parts) {
    if (parts_[i]->broker == link.address.id) restart(*parts_[i]);
  }
}

bool NativeFetch::leads_any(const Queue& queue, const Link& link) const {
  return std::ranges::any_of(queue.parts, [&](uint32_t part) { return parts_[part]->broker == link.address.id; });
}

// Answers how many bytes came since the last call.
int64_t NativeFetch::count(Link& link) {
  const int64_t sent = link.connection.bytes_sent(), received = link.connection.bytes_received();
  sent_.fetch_add(sent - std::exchange(link.counted_sent, sent), std::memory_order_relaxed);
  const int64_t came = received - std::exchange(link.counted_received, received);
  received_.fetch_add(came, std::memory_order_relaxed);
  return came;
}

// Until something can be read or written, or a pause that a partition or a connection makes is over. True: until wake().
bool NativeFetch::wait(Queue& queue, Clock::time_point until) {
  queue.polled.assign(1, {queue.woken, POLLIN, 0});
  const auto now = Clock::now();
  const auto sooner = [&](Clock::time_point at) {
    if (at > now) until = std::min(until, at);
  };
  for (const auto& [broker, link] : queue.links) {
    if (!link.waiting) sooner(link.not_before);
    if (!link.connection.is_open()) continue;
    const auto events = link.connection.wants_to_write() ? POLLIN | POLLOUT : POLLIN;
    queue.polled.push_back({link.connection.fd(), static_cast<short>(events), 0});
  }
  for (const uint32_t i : queue.parts) sooner(parts_[i]->not_before);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  if (poll(queue.polled.data(), queue.polled.size(), static_cast<int>(std::max<int64_t>(0, left))) <= 0) return false;
  if (queue.polled[0].revents == 0) return false;
  uint64_t ignored = 0;
  (void)!read(queue.woken, &ignored, sizeof ignored);
  return true;
}

void NativeFetch::wake(uint32_t number) {
  if (number >= queue_count_.load(std::memory_order_acquire)) return;
  const uint64_t one = 1;
  (void)!write(queues_[number]->woken, &one, sizeof one);
}

// ---- Coordinator

Status NativeFetch::take(const std::vector<KafkaConsumer::Start>& starts, uint32_t queues) {
  CHECK_OR_DIE(queues <= kMaxQueues, "more fetch queues than there is room for");
  for (const auto& start : starts) CHECK_OR_DIE(start.queue < queues && start.offset >= 0, "a start names a queue and a real offset");
  const auto gate = alone();
  for (uint32_t i = queue_count_; i < queues; ++i) {
    queues_[i] = std::make_unique<Queue>(options_.check_sums);
    queue_count_.store(i + 1, std::memory_order_release);
  }
  replace(starts);
  return {};
}

Status NativeFetch::give_up() {
  const auto gate = alone();
  replace({});
  return {};
}

void NativeFetch::replace(const std::vector<KafkaConsumer::Start>& starts) {
  for (uint32_t i = 0; i < queue_count_; ++i) {
    queues_[i]->parts.clear();
    queues_[i]->links.clear();
    queues_[i]->walk = {};
  }
  parts_.clear();
  index_.clear();
  for (const auto& start : starts) {
    const auto number = static_cast<uint32_t>(parts_.size());
    Part& part = *parts_.emplace_back(std::make_unique<Part>());
    part.where = start.where;
    part.number = number;
    part.queue = start.queue;
    part.position = part.ahead = start.offset;
    index_.emplace(start.where, number);
    queues_[start.queue]->parts.push_back(number);
    find_leader(part);
  }
}

void NativeFetch::find_leader(Part& part) {
  const auto leader = leaders_.find(part.where);
  if (leader == leaders_.end()) return;
  part.leader_lost = false;
  Queue& queue = *queues_[part.queue];
  auto [at, is_new] = queue.links.try_emplace(leader->second.id);
  Link& link = at->second;
  if (!is_new && link.address != leader->second) {
    if (queue.walk.link == &link) queue.walk = {};
    disconnect(queue, link);
  }
  link.address = leader->second;
  if (std::exchange(part.broker, leader->second.id) != leader->second.id) restart(part);
}

void NativeFetch::set_leaders(const Leaders& leaders) {
  const auto gate = alone();
  for (const auto& [where, broker] : leaders) leaders_.insert_or_assign(where, broker);
  for (const auto& part : parts_) {
    if (leaders.contains(part->where)) find_leader(*part);
  }
  drop_unused_links();
}

void NativeFetch::drop_unused_links() {
  for (uint32_t i = 0; i < queue_count_; ++i) {
    Queue& queue = *queues_[i];
    std::erase_if(queue.links, [&](const auto& entry) {
      return &entry.second != queue.walk.link && !leads_any(queue, entry.second);
    });
  }
}

std::vector<std::string> NativeFetch::topics_without_leaders() const {
  std::set<std::string> topics;
  for (const auto& part : parts_) {
    if (part->leader_lost.load(std::memory_order_relaxed)) topics.insert(part->where.topic);
  }
  return {topics.begin(), topics.end()};
}

Status NativeFetch::set_paused(const std::vector<uint32_t>& assignments, bool paused) {
  if (assignments.empty()) return {};
  const auto gate = alone();
  for (const uint32_t i : assignments) {
    CHECK_OR_DIE(i < parts_.size(), "only assigned partitions are paused and resumed");
    parts_[i]->paused = paused;
    parts_[i]->answered = false;
    restart(*parts_[i]);
  }
  return {};
}

std::vector<PartitionStatus> NativeFetch::statuses() {
  std::vector<PartitionStatus> all(parts_.size());
  for (size_t i = 0; i < all.size(); ++i) {
    Part& part = *parts_[i];
    all[i].assignment = static_cast<uint32_t>(i);
    all[i].answered = part.answered.exchange(false, std::memory_order_acquire);
    all[i].next_fetch_offset = part.position.load(std::memory_order_relaxed);
    all[i].log_end = part.log_end.load(std::memory_order_relaxed);
    all[i].paused = part.paused;
  }
  return all;
}

ClientStatistics NativeFetch::client_statistics() const {
  ClientStatistics out;
  out.sent_bytes = sent_;
  out.received_bytes = received_;
  out.request_errors = failures_;
  return out;
}

}  // namespace tidemark
