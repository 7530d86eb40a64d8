// Rows are written in place, into columns with room to spare that are cut when the batch goes. It goes when it is full
// of rows or of bytes, and otherwise when it is finished; where to is the emitter's.
#include "operators/windows/result_writer.h"

#include <algorithm>

#include "operators/key_codec.h"

namespace tidemark {
namespace {

constexpr Duration kBeforeEnd = Duration::millis(1);
// Keys and lists of a batch: beyond this it is emitted although it has fewer rows than it may.
constexpr size_t kMostBytes = size_t{1} << 20;

// Gives a column `rows` rows; new ones are null.
void resize(Column& c, size_t rows) {
  const size_t had = c.valid.size();
  c.valid.resize(rows);
  const auto fit = [&](auto& values) {
    if (had > 0 && values.size() == had) values.resize(rows);
  };
  fit(c.bools);
  fit(c.ints);
  fit(c.doubles);
  fit(c.strings);
}

}  // namespace

Time result_kafka_time(const FiredWindow& window, bool running) {
  if (running) return std::max(window.newest_kafka_time, Time{0});
  Time t = window.end - kBeforeEnd;
  if (window.newest_kafka_time != Time::min()) t = std::min(t, window.newest_kafka_time);
  return std::max(t, Time{0});
}

void ResultWriter::begin(const FiredWindow& window) {
  note_records();
  window_ = window;
  event_time_ = window.end - kBeforeEnd;
  kafka_time_ = result_kafka_time(window, plan_.is_running());
}

void ResultWriter::open_batch() {
  batch_ = std::make_unique<Batch>();
  room_ = std::clamp<size_t>(window_.expected_rows, 4, Batch::kMaxRows);
  for (const Type& type : plan_.key_types) batch_->columns.emplace_back().reset(type, room_);
  batch_->columns.emplace_back().reset(TypeKind::kTimestamp, room_);
  batch_->columns.emplace_back().reset(TypeKind::kTimestamp, room_);
  for (const PlannedResult& r : plan_.results) batch_->columns.emplace_back().reset(r.function->result_type(), room_);
  if (!plan_.revises()) return;
  if (plan_.withdraws()) batch_->columns.emplace_back().reset(TypeKind::kBool, room_);
  batch_->columns.emplace_back().reset(TypeKind::kInt, room_);
  batch_->columns.emplace_back().reset(TypeKind::kBool, room_);
}

// For the rows of the present window.
void ResultWriter::note_records() {
  if (plan_.feeds_window && batch_) batch_->newest_records.resize(batch_->rows, window_.newest_kafka_time);
}

void ResultWriter::add_revision(size_t row) {
  if (plan_.withdraws()) {
    Column& withdrawn = *(batch_->columns.end() - 3);
    withdrawn.valid[row] = 1;
    withdrawn.bools[row] = window_.withdrawn;
  }
  const auto columns = std::span(batch_->columns).last(2);
  columns[0].valid[row] = columns[1].valid[row] = 1;
  columns[0].ints[row] = window_.revision;
  columns[1].bools[row] = window_.is_final;
}

void ResultWriter::widen(size_t rows) {
  room_ = rows;
  for (Column& c : batch_->columns) resize(c, rows);
}

bool ResultWriter::add(std::string_view key, const std::byte* states) {
  if (!batch_) open_batch();
  Batch& batch = *batch_;
  const size_t row = batch.rows;
  if (row == room_) widen(std::min(room_ * 2, Batch::kMaxRows));
  const size_t keys = plan_.key_types.size();
  // Text of the key is kept by the batch: the table or the store that it came from goes first.
  if (!decode_key(batch.arena.copy(key), plan_.key_types, std::span(batch.columns).first(keys), row)) return false;
  batch.columns[keys].valid[row] = batch.columns[keys + 1].valid[row] = 1;
  batch.columns[keys].ints[row] = window_.start.us;
  batch.columns[keys + 1].ints[row] = window_.end.us;
  for (size_t i = 0; i < plan_.results.size(); ++i) {
    const PlannedResult& r = plan_.results[i];
    const bool given = r.function->result(states + r.state_offset, batch.columns[keys + 2 + i], row, batch.arena);
    if (!given) ++counters_.result_errors;
  }
  if (plan_.revises()) add_revision(row);
  batch.event_times.push_back(event_time_);
  batch.kafka_times.push_back(kafka_time_);
  batch.newest_counted = std::max(batch.newest_counted, window_.newest_kafka_time);
  ++batch.rows;
  ++counters_.results;
  if (batch.rows == Batch::kMaxRows || batch.arena.bytes_used() >= kMostBytes) finish();
  return true;
}

void ResultWriter::finish() {
  if (!batch_ || batch_->rows == 0) return;
  if (room_ != batch_->rows) widen(batch_->rows);
  note_records();
  out_.emit(std::move(batch_));
}

}  // namespace tidemark
