#include "cairn_train/run/tensorboard.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstring>

#include "cairn/base/error.h"
#include "cairn/base/files.h"

namespace cairn::run {
namespace {

// Protocol buffer fields. The messages are Event, Summary and SessionLog of TensorFlow's
// event.proto and summary.proto.
enum Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}

template <typename T>
std::string raw(T value) {
  static_assert(std::endian::native == std::endian::little);
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

std::string key(int field, Wire wire) { return varint(static_cast<uint64_t>(field) << 3 | wire); }

std::string number_field(int field, int64_t value) {
  return key(field, kVarint) + varint(static_cast<uint64_t>(value));
}

std::string bytes_field(int field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

// Summary with one value.
std::string summary(const std::string& tag, const std::string& value) {
  return bytes_field(5, bytes_field(1, bytes_field(1, tag) + value));
}

uint32_t masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

double seconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
      table[i] = crc;
    }
    return table;
  }();
  uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes)
    crc = kTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFFU] ^ (crc >> 8);
  return ~crc;
}

EventWriter::EventWriter(const std::filesystem::path& folder, int64_t step) {
  make_folder(folder);
  const auto seconds = static_cast<int64_t>(seconds_now());
  // A run that is stopped and started within a second gets a file of its own.
  for (int i = 0; file_.empty() || std::filesystem::exists(file_); ++i)
    file_ = folder / fmt::format("events.out.tfevents.{}.cairn", seconds + i);
  out_.open(file_, std::ios::binary);
  if (!out_) throw Error(file_.string() + ": cannot be written");
  write_event(0, bytes_field(3, "brain.Event:2"));
  constexpr int64_t kStart = 1;
  if (step > 0) write_event(step, bytes_field(7, number_field(1, kStart)));
}

void EventWriter::write_event(int64_t step, const std::string& fields) {
  const std::string event = key(1, kFixed64) + raw(seconds_now()) + number_field(2, step) + fields;
  const std::string length = raw(static_cast<uint64_t>(event.size()));
  out_ << length << raw(masked(crc32c(length))) << event << raw(masked(crc32c(event)));
}

void EventWriter::scalar(const std::string& tag, int64_t step, double value) {
  write_event(step, summary(tag, key(2, kFixed32) + raw(static_cast<float>(value))));
}

void EventWriter::image(const std::string& tag, int64_t step, int width, int height,
                        std::span<const uint8_t> png) {
  constexpr int64_t kRgb = 3;
  const std::string_view bytes(reinterpret_cast<const char*>(png.data()), png.size());
  const std::string picture = number_field(1, height) + number_field(2, width) +
                              number_field(3, kRgb) + bytes_field(4, bytes);
  write_event(step, summary(tag, bytes_field(4, picture)));
}

void EventWriter::flush() {
  out_.flush();
  if (!out_) throw Error(file_.string() + ": cannot be written; is the disk full?");
}

}  // namespace cairn::run
